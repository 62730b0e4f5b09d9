"""A lab: one running deployment of a subject. `server.py` runs it, `client.py` speaks to it."""
