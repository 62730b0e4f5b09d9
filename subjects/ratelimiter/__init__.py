"""A distributed rate limiter: its service, and all that operates it."""
