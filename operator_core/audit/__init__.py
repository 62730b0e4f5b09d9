"""The audit: every step of every session, on disk before it is taken, in one chain that shows tampering."""

from operator_core.audit.chain import NOTHING, Flaw, Verdict, digest, verify
from operator_core.audit.records import Entry, Head, Kind, Session, SessionOutcome
from operator_core.audit.store import Audit, SessionOver

__all__ = [
    "NOTHING",
    "Audit",
    "Entry",
    "Flaw",
    "Head",
    "Kind",
    "Session",
    "SessionOutcome",
    "SessionOver",
    "Verdict",
    "digest",
    "verify",
]
