#!/usr/bin/env bash
# Every check of the project, on a fresh machine too: style, types, tests. Arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
source deploy/venv.sh

ensure_chromium() {
  local as_root=()
  if command -v chromium google-chrome chromium-browser >/dev/null; then return 0; fi
  if [[ $EUID -ne 0 ]]; then as_root=(sudo -n); fi
  if command -v apt-get >/dev/null && "${as_root[@]}" true 2>/dev/null; then
    heygem_say "installing Chromium for the browser test ..."
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null
  else
    heygem_say "the browser test needs Chromium; install it (Debian, Ubuntu: 'apt-get install chromium') and run again."
    return 1
  fi
}

check() {
  heygem_say "check: $*"
  .venv/bin/python -m "$@"
}

heygem_make_venv .venv requirements.txt requirements-dev.txt
ensure_chromium
check ruff format --check .
check ruff check .
check mypy --strict heygem
check pytest "$@"
heygem_say "every check passed."
