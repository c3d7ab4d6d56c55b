"""Measurements of the services, and of others beside them: `make bench`."""
