"""The one SQLite database of a run: tickets, sessions, audit."""

from operator_core.db.database import Database, DatabaseError, stamp

__all__ = ["Database", "DatabaseError", "stamp"]
