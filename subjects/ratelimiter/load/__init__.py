"""Clients of the rate limiter, and a judge of what they get: `python -m subjects.ratelimiter.load --help`."""
