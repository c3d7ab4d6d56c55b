"""A client that leaves while its list is being read keeps nothing running in the database."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import MySQLdb
import pytest

from testkit.live.own_api import Server, open_api
from testkit.live.stack import LiveStack

STATEMENT = "%FROM `absence`%"
# The lock that the read waits for is given up after three seconds.
ENDED_SECONDS, LOCK_SECONDS = 2.2, 3.0


@pytest.fixture(scope="module")
def server(stack: LiveStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if stack.gateway_url is not None:
        pytest.skip("starts a process of its own")
    with open_api(stack, tmp_path_factory.mktemp("left")) as opened:
        yield opened


@contextmanager
def locked_table(stack: LiveStack) -> Iterator[Any]:
    """Reads of absences wait."""
    with closing(MySQLdb.connect(**stack.db())) as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLES absence WRITE")
        yield
        cursor.execute("UNLOCK TABLES")


def reads_under_way(stack: LiveStack) -> int:
    with closing(MySQLdb.connect(**stack.admin_db())) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM information_schema.processlist WHERE command = 'Query' AND info LIKE %s", [STATEMENT]
        )
        return int(cursor.fetchone()[0]) - 1  # Without this one.


def wait_for_reads(stack: LiveStack, number: int) -> float:
    began = time.monotonic()
    while reads_under_way(stack) != number:
        assert time.monotonic() - began < 2 * LOCK_SECONDS
        time.sleep(0.02)
    return time.monotonic()


def ask(server: Server, token: str) -> bytes:
    lines = ["GET /api/v1/absences HTTP/1.1", "Host: localhost", f"Authorization: Bearer {token}", "", ""]
    return "\r\n".join(lines).encode()


def test_read_of_a_client_that_has_gone_is_ended(stack: LiveStack, server: Server) -> None:
    token = server.access_token(stack)
    with locked_table(stack):
        with closing(server.connect(ask(server, token))):
            began = wait_for_reads(stack, 1)
        ended = wait_for_reads(stack, 0)
    assert ended - began < ENDED_SECONDS


def test_read_of_a_client_that_waits_goes_on(stack: LiveStack, server: Server) -> None:
    token = server.access_token(stack)
    with locked_table(stack), closing(server.connect(ask(server, token))) as connection:
        began = wait_for_reads(stack, 1)
        connection.settimeout(2 * LOCK_SECONDS)
        answer = connection.recv(65536)
        waited = time.monotonic() - began
    assert answer.startswith(b"HTTP/1.1 503 "), answer
    assert waited > ENDED_SECONDS, "until its lock wait ended"
