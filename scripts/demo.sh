#!/usr/bin/env bash
# Sets up what the demo needs, then runs it: scripts/demo.sh ratelimiter [OPTIONS]; --help lists them.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
set_up
exec "$venv/bin/python" -m operator_demo "$@"
