#!/usr/bin/env bash
# Opens every page of the console in Chromium, with a real daemon behind it: by keys, without scripts, on a narrow
# screen, in light and dark; axe looks at each, and pictures are kept.
#
# Takes:  AQUARIUMD              the daemon (default: target/debug/aquariumd, built when it is missing)
#         CONSOLE_TOOLS          where packages are kept between runs (default: target/console-tools)
#         CONSOLE_SCRIPT         what is run (default: run.mjs, the tests; bench.mjs measures, and takes USERS and EVENTS_PER_SECOND)
#         CONSOLE_SCREENSHOTS    where pictures go (default: target/console-screenshots)
# Needs:  npm; installs Chromium by apt-get when it is missing (as root, on Debian).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
export CONSOLE_TOOLS=${CONSOLE_TOOLS:-$root/target/console-tools}
export CONSOLE_SCREENSHOTS=${CONSOLE_SCREENSHOTS:-$root/target/console-screenshots}
export AQUARIUMD=${AQUARIUMD:-$root/target/debug/aquariumd}
[ -x "$AQUARIUMD" ] || (cd "$root" && cargo build --quiet --workspace --bin aquariumd)

if ! command -v chromium > /dev/null; then
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends chromium
fi
# Packages are found beside the scripts: these are copied to where packages are kept.
mkdir -p "$CONSOLE_TOOLS"
if ! cmp -s "$here/package-lock.json" "$CONSOLE_TOOLS/installed"; then
  cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$CONSOLE_TOOLS/"
  (cd "$CONSOLE_TOOLS" && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error)
  cp "$here/package-lock.json" "$CONSOLE_TOOLS/installed"
fi
cp "$here"/*.mjs "$CONSOLE_TOOLS/"
exec node "$CONSOLE_TOOLS/${CONSOLE_SCRIPT:-run.mjs}" "$root/examples/quickstart" "$@"
