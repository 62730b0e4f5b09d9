"""Tickets: violations on record, and who works on them."""

from operator_core.tickets.records import AGENT, LIVE, MAX_HAND_BACKS, MONITOR, Ticket, TicketEvent
from operator_core.tickets.store import TicketLost, Tickets

__all__ = ["AGENT", "LIVE", "MAX_HAND_BACKS", "MONITOR", "Ticket", "TicketEvent", "TicketLost", "Tickets"]
