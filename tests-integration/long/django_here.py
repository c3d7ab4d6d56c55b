"""Django of the test process, led to the database of a stack."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.db import connections
from pytest_django import DjangoDbBlocker

# Settings of a connection, and the environment's names for them.
PARTS = {"HOST": "DB_HOST", "PORT": "DB_PORT", "NAME": "DB_NAME", "USER": "DB_USER", "PASSWORD": "DB_PASSWORD"}


@contextmanager
def django_led_to(environment: Mapping[str, str], blocker: DjangoDbBlocker) -> Iterator[None]:
    """Connect all threads of this process to the database that the environment names."""
    current = connections.settings["default"]
    former = {part: current[part] for part in PARTS}
    connections.close_all()
    current.update({part: environment[name] for part, name in PARTS.items()})
    try:
        with blocker.unblock():
            yield
    finally:
        connections.close_all()
        current.update(former)
