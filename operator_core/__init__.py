"""The operator: labs, monitor, agent, tickets and audit. It names no subject and no screen."""
