"""Ways to break the rate limiter. The first is the one that the show injects where nobody chooses another."""

from operator_protocols import Fault
from subjects.ratelimiter.faults.counters import DriftCounters
from subjects.ratelimiter.faults.links import PartitionNode, SlowStore
from subjects.ratelimiter.faults.processes import PROCESS_FAULTS
from subjects.ratelimiter.faults.settings import MisconfiguredNode

FAULTS: tuple[Fault, ...] = (PartitionNode(), *PROCESS_FAULTS, SlowStore(), DriftCounters(), MisconfiguredNode())
