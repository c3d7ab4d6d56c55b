"""A read is ended on the server when its client has gone; a write and a transaction go on to their end."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from clinic.common.mysql.abandoning import AbandonableReads, abandonable
from clinic.common.mysql.conditions import INTERRUPTED, code_of
from clinic.common.mysql.session import STATEMENT_SECONDS
from clinic.scheduling.models import Service
from django.db import OperationalError, connection, transaction

from testkit.clinic.world import World

LOCK = "abandoned-reads"
WAIT = f"SELECT GET_LOCK('{LOCK}', {STATEMENT_SECONDS - 1})"
ENDED_SECONDS = 5


@pytest.fixture
def taken(transactional_db: None) -> Iterator[None]:
    """A lock that others wait for."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT GET_LOCK('{LOCK}', 1)")
        yield
        cursor.execute(f"SELECT RELEASE_LOCK('{LOCK}')")


class Request:
    """A thread of the server with its own connection."""

    def __init__(self) -> None:
        self.reads = AbandonableReads()
        self._thread = ThreadPoolExecutor(1)

    def run(self, work: Any) -> "Future[Any]":
        def in_request() -> Any:
            with abandonable(self.reads):
                return work()

        return self._thread.submit(in_request)

    def close(self) -> None:
        self._thread.submit(lambda: connection.close()).result()
        self._thread.shutdown()


@contextmanager
def a_request() -> Iterator[Request]:
    request = Request()
    try:
        yield request
    finally:
        request.close()


def execute(sql: str, *values: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def id_of_connection() -> int:
    connection.ensure_connection()
    return int(connection.connection.thread_id())


def wait_until_running(text: str, *, seconds: float = ENDED_SECONDS) -> None:
    ends_at = time.monotonic() + seconds
    while not any(str(row[7]).startswith(text) for row in execute("SHOW FULL PROCESSLIST")):
        assert time.monotonic() < ends_at, text
        time.sleep(0.02)


def test_running_read_is_ended_and_its_connection_used_no_more(taken: None) -> None:
    with a_request() as request:
        before = request.run(id_of_connection).result()
        reading = request.run(lambda: execute(WAIT))
        wait_until_running(WAIT)
        request.reads.abandon()
        began = time.monotonic()
        assert reading.exception(ENDED_SECONDS) is not None or reading.result() != ((1,),)
        assert time.monotonic() - began < ENDED_SECONDS
        assert request.run(id_of_connection).result() != before


def test_abandoned_request_begins_no_further_read(transactional_db: None) -> None:
    with a_request() as request:
        request.reads.abandon()
        error = request.run(lambda: execute("SELECT 1")).exception(ENDED_SECONDS)
        assert isinstance(error, OperationalError)
        assert code_of(error) == INTERRUPTED


def test_transaction_of_an_abandoned_request_goes_on_to_its_end(committed_world: World, taken: None) -> None:
    def change() -> int:
        with transaction.atomic():
            execute(WAIT)
            return Service.objects.filter(pk=committed_world.check_up.pk).update(name="kept")

    with a_request() as request:
        changing = request.run(change)
        wait_until_running(WAIT)
        request.reads.abandon()
        time.sleep(0.3)
        assert not changing.done()
        execute(f"SELECT RELEASE_LOCK('{LOCK}')")
        assert changing.result(ENDED_SECONDS) == 1
    assert Service.objects.get(pk=committed_world.check_up.pk).name == "kept"


def test_write_of_an_abandoned_request_goes_on_to_its_end(committed_world: World) -> None:
    pk, request_done = committed_world.check_up.pk, threading.Event()
    update = "UPDATE service SET name = 'kept' WHERE id = %s"
    with a_request() as request:
        with transaction.atomic():
            Service.objects.select_for_update().get(pk=pk)
            changing = request.run(lambda: execute(update, pk))
            wait_until_running("UPDATE service SET name")
            request.reads.abandon()
            request_done.wait(0.3)
            assert not changing.done()
        assert changing.exception(ENDED_SECONDS) is None
    assert Service.objects.get(pk=pk).name == "kept"


def test_statement_that_has_ended_meanwhile_costs_no_other_one(transactional_db: None) -> None:
    """The kill comes when the connection rests, or runs something else."""
    with a_request() as request:
        request.run(lambda: execute("SELECT 1")).result()
        request.reads.abandon()
    with a_request() as other:
        assert other.run(lambda: execute("SELECT 2")).result() == ((2,),)


def test_kill_on_another_server_meets_nobody(taken: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its number is somebody else's there: only the same statement is ended."""
    with a_request() as request, a_request() as other:
        waiting = other.run(lambda: execute("SELECT 'other', GET_LOCK(%s, 9)", LOCK))
        wait_until_running("SELECT 'other'")
        theirs = next(row[0] for row in execute("SHOW FULL PROCESSLIST") if str(row[7]).startswith("SELECT 'other'"))
        reading = request.run(lambda: execute(WAIT))
        wait_until_running(WAIT)
        request.reads._running = request.reads._running._replace(thread_id=theirs)  # type: ignore[union-attr]
        request.reads.abandon()
        time.sleep(0.3)
        assert not waiting.done()
        execute(f"SELECT RELEASE_LOCK('{LOCK}')")
        waiting.result(STATEMENT_SECONDS)
        reading.result(STATEMENT_SECONDS)
