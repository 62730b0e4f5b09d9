"""`python -m operator_core.cli` is the `operator` command."""

from operator_core.cli import main

main()
