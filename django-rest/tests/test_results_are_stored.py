"""A database server of its own that is stopped between the provider's answer and the statement that stores it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from testkit.stand_ins.twilio import TwilioStandIn
from tools.private_server import THROW_AWAY_FLAGS, Accounts, PrivateServer, environment_of
from tools.processes import free_port

DJANGO = Path(__file__).resolve().parents[1]
WAIT_TIMEOUT_SECONDS = 90
QUEUE = """
INSERT INTO message (
  channel, template, recipient, subject, body, state, attempts, provider_id, error, secret, created_at, send_at, due_at
) VALUES (
  'sms', 'reminder', '+491701234567', '', 'Tomorrow at nine.', 'queued', 0, '', '', 0,
  UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6)
)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PrivateServer]:
    own = PrivateServer(tmp_path / "db", free_port(), Accounts.fresh(), extra_flags=THROW_AWAY_FLAGS)
    own.start()
    try:
        yield own
    finally:
        own.stop()


@pytest.fixture
def environment(server: PrivateServer) -> dict[str, str]:
    own = {**os.environ, **environment_of(server)}
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=DJANGO, env=own, check=True)
    return own


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_TIMEOUT_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def rows(server: PrivateServer, query: str) -> list[Any]:
    connection = server.connect()
    try:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())
    finally:
        connection.close()  # type: ignore[no-untyped-call]


@contextmanager
def worker(environment: dict[str, str], twilio: TwilioStandIn) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "manage.py", "run_worker", "--idle=0.05"]
    process = subprocess.Popen(command, cwd=DJANGO, env={**environment, **twilio.settings}, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_known_result_survives_a_database_restart(server: PrivateServer, environment: dict[str, str]) -> None:
    """The provider has taken the message and answers while the database is down."""
    rows(server, QUEUE)
    with TwilioStandIn(answer_seconds=3) as twilio, worker(environment, twilio):
        wait_until(lambda: len(twilio.sent) > 0)
        server.stop()
        assert twilio.sent[0].answered_at is None
        wait_until(lambda: twilio.sent[0].answered_at is not None)
        time.sleep(0.5)  # The worker finds the database gone.
        server.start()
        # The lease ends at once: nothing but a stored result keeps the message from being sent again.
        rows(server, "UPDATE message SET due_at = UTC_TIMESTAMP(6) WHERE state = 'sending'")
        wait_until(lambda: rows(server, "SELECT state, attempts FROM message") == [("sent", 1)])
    assert len(twilio.sent) == 1
