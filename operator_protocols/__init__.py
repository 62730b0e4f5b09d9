"""The contracts between the operator and a subject. Standard library only.

`subject.py` is the place to start: it says what a new subject has to bring.
"""

from operator_protocols.fault import Fault, LabControl, LabError, Plan
from operator_protocols.invariant import Finding, Invariant, Unseen, Violation
from operator_protocols.observation import Level, Observation, Reading, ServiceHealth, Workload
from operator_protocols.playbook import Conclusion, Playbook, Result, Run, TicketBrief
from operator_protocols.service import Address, Endpoint, Endpoints, Ready, Service, Wiring
from operator_protocols.subject import Observer, Subject

__all__ = [
    "Address",
    "Conclusion",
    "Endpoint",
    "Endpoints",
    "Fault",
    "Finding",
    "Invariant",
    "LabControl",
    "LabError",
    "Level",
    "Observation",
    "Observer",
    "Plan",
    "Playbook",
    "Reading",
    "Ready",
    "Result",
    "Run",
    "Service",
    "ServiceHealth",
    "Subject",
    "TicketBrief",
    "Unseen",
    "Violation",
    "Wiring",
    "Workload",
]
