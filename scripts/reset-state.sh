#!/usr/bin/env bash
# Ends what a crashed demo left running, heals its faults and clears its state; --keep-audit keeps tickets and audit.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
set_up
exec "$venv/bin/python" -m operator_core.cli reset "$@"
