#!/usr/bin/env bash
# Makes the environment in .venv anew. With --lock it first writes requirements.lock from pyproject.toml (needs uv).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
case "${1:-}" in
    "") ;;
    --lock)
        command -v uv >/dev/null || fail "--lock needs uv; install it and run this again."
        cd "$root"
        uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
            --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
            --group dev pyproject.toml -o requirements.lock
        ;;
    *) fail "usage: scripts/rebuild.sh [--lock]" ;;
esac
rm -rf "$venv"
set_up
