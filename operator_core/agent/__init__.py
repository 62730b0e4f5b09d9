"""The agent: claims a ticket, lets a model work on it with a shell, and keeps a record of all of it."""
