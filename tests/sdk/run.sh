#!/usr/bin/env bash
# The official SDKs against `ratetop sim`, then through taps in front of it (`ratetop tap`, the same with
# HTTP/2 upstream, the one beside the screen): installs both SDKs beside this file, builds the binary unless
# RATETOP names one, runs both suites four times. Needs python3 (3.9 or newer), node (20 or newer) with npm,
# cargo.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

if [[ -z ${RATETOP:-} ]]; then
  cargo build --quiet --manifest-path "$root/Cargo.toml" --bin ratetop
  RATETOP=${CARGO_TARGET_DIR:-$root/target}/debug/ratetop
fi
export RATETOP

venv=$here/.venv
if ! cmp -s "$here/requirements.txt" "$venv/installed.txt"; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --retries 5 -r "$here/requirements.txt"
  cp "$here/requirements.txt" "$venv/installed.txt"
fi
# The last SDK that took a hint above 60 s for none, beside today's and with its dependencies.
if ! cmp -s "$here/classic.txt" "$here/.classic/installed.txt"; then
  rm -rf "$here/.classic"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --retries 5 --no-deps --target "$here/.classic" -r "$here/classic.txt"
  cp "$here/classic.txt" "$here/.classic/installed.txt"
fi
if ! cmp -s "$here/package-lock.json" "$here/node_modules/installed.json"; then
  npm ci --prefix "$here" --no-audit --no-fund --loglevel=error
  cp "$here/package-lock.json" "$here/node_modules/installed.json"
fi

suites() { # where
  echo "== Python SDK $("$venv/bin/python" -c 'import anthropic; print(anthropic.__version__)') $1"
  (cd "$here/python" && "$venv/bin/python" -W error::ResourceWarning -m unittest discover -p 'test_*.py')
  echo "== TypeScript SDK $(node -p "require('$here/node_modules/@anthropic-ai/sdk/package.json').version") $1"
  node --test --test-reporter=spec "$here"/typescript/*.test.mjs
}
suites "at the simulator"
RATETOP_SDK_TAP=alone suites "through the tap"
RATETOP_SDK_TAP=http2 suites "through the tap, HTTP/2 behind it"
RATETOP_SDK_TAP=screen suites "through the tap beside the screen"
