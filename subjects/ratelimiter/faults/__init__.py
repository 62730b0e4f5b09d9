"""Ways to break the rate limiter. The first is the one that the show injects where nobody chooses another."""

from operator_protocols import Fault
from subjects.ratelimiter.faults.counters import DriftCounters
from subjects.ratelimiter.faults.links import PartitionNode, SlowStore
from subjects.ratelimiter.faults.processes import HANG_NODE, HANG_STORE, KILL_NODE, KILL_STORE
from subjects.ratelimiter.faults.settings import MisconfiguredNode

FAULTS: tuple[Fault, ...] = (
    PartitionNode(),
    KILL_NODE,
    HANG_NODE,
    KILL_STORE,
    HANG_STORE,
    SlowStore(),
    DriftCounters(),
    MisconfiguredNode(),
)
"""Every fault, each with a name of its own."""
