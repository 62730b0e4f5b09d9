#!/usr/bin/env bash
# Sets up what the tests need, then runs them. Arguments go to pytest: scripts/test.sh -k faults
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
set_up
cd "$root"
exec "$venv/bin/python" -m pytest "$@"
