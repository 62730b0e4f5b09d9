"""A node of a distributed rate limiter: `python -m subjects.ratelimiter.service --help`."""
