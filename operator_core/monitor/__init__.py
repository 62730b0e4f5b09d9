"""The monitor: looks, judges, and keeps the tickets. `judge.py` has the rules and nothing else."""

from operator_core.monitor.judge import Judge, Verdict
from operator_core.monitor.watch import watch

__all__ = ["Judge", "Verdict", "watch"]
