"""A TCP proxy whose links can be cut and slowed down while they are in use: `python -m subjects.links --help`."""
