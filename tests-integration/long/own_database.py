"""A migrated database with a user for the stream, on a throw-away server of its own."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from testkit.stream.database import Database, Server
from tools.private_server import environment_of, throw_away_server


@contextmanager
def own_database() -> Iterator[Database]:
    with throw_away_server() as server, pytest.MonkeyPatch.context() as environment:
        for name, value in environment_of(server).items():
            environment.setenv(name, value)
        database = Database(Server.from_environment())
        try:
            yield database
        finally:
            database.close()
