import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest
from clinic.common.mysql.base import ANSWERED_JUST_NOW_SECONDS, DatabaseWrapper
from django.db import OperationalError, connections


@pytest.fixture
def connection(transactional_db: None) -> Iterator[DatabaseWrapper]:
    wrapper = connections.create_connection("default")
    assert isinstance(wrapper, DatabaseWrapper)
    with closing(wrapper):
        yield wrapper


def ask(connection: DatabaseWrapper, sql: str = "SELECT 1") -> object:
    """In a request of its own."""
    connection.close_if_unusable_or_obsolete()
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()


def cut(connection: DatabaseWrapper) -> None:
    """As a server that restarts does."""
    assert connection.connection is not None
    with closing(connections.create_connection("default")) as other, other.cursor() as cursor:
        cursor.execute(f"KILL {connection.connection.thread_id()}")


def test_an_instant_comes_out_of_the_driver_aware(connection: DatabaseWrapper) -> None:
    seen = ask(connection, "SELECT TIMESTAMP '2026-11-20 08:30:00.123456', TIMESTAMP '2026-11-20 08:30:00', NULL")
    assert seen == (
        datetime(2026, 11, 20, 8, 30, 0, 123456, UTC),
        datetime(2026, 11, 20, 8, 30, tzinfo=UTC),
        None,
    )


def test_a_connection_that_was_cut_while_nobody_asked_is_replaced(connection: DatabaseWrapper) -> None:
    ask(connection)
    cut(connection)
    time.sleep(ANSWERED_JUST_NOW_SECONDS)
    assert ask(connection) == (1,)


def test_a_connection_that_is_cut_in_the_midst_of_requests_costs_one_of_them(connection: DatabaseWrapper) -> None:
    ask(connection)
    cut(connection)
    with pytest.raises(OperationalError):
        ask(connection)
    assert ask(connection) == (1,)
