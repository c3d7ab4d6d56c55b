"""Reads of a request that its client has given up are ended on the server.

The HTTP server (`config/server`) sees that a client has gone while the request's thread waits for the database. It ends
the statement by `KILL QUERY` over a second connection, if it is a read outside of a transaction; whatever writes goes
on to its end. The first connection is not used again: the server may apply what comes late to its next statement.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from typing import Any, NamedTuple

import MySQLdb

from clinic.common.mysql.conditions import INTERRUPTED
from clinic.common.mysql.connecting import open_connection

logger = logging.getLogger(__name__)

KILL_TIMEOUT_SECONDS = 2
# As much of a statement's text as is compared: up to its first value.
COMPARED_LETTERS = 200
_of_thread = threading.local()


class _Statement(NamedTuple):
    wrapper: Any
    thread_id: int
    text: str


class AbandonableReads:
    """The reads of one request, which another thread may end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_abandoned = False
        self._was_killed = False
        self._running: _Statement | None = None

    @contextmanager
    def run(self, wrapper: Any, query: str) -> Iterator[None]:
        """Raises MySQLdb.OperationalError if the request has been given up. Ends while a kill is under way only after
        it, so that the kill meets no other statement of this connection."""
        with self._lock:
            if self._is_abandoned:
                raise MySQLdb.OperationalError(INTERRUPTED, "The client has gone.")
            self._running = _Statement(wrapper, wrapper.connection.thread_id(), query)
        try:
            yield
        finally:
            with self._lock:
                self._running = None
                wrapper.is_spent |= self._was_killed

    def abandon(self) -> None:
        """End what is being read, and begin nothing more. Never raises: the time limit of statements is behind it."""
        with self._lock:
            self._is_abandoned = True
            if self._running is None:
                return
            try:
                self._was_killed = _kill(self._running)
            except MySQLdb.Error as error:
                self._was_killed = True  # Perhaps.
                logger.warning("A read of a client that has gone could not be ended: %s", type(error).__name__)


@contextmanager
def abandonable(reads: AbandonableReads | None) -> Iterator[None]:
    """The reads of this thread belong to this request."""
    _of_thread.reads = reads
    try:
        yield
    finally:
        _of_thread.reads = None


def read_by(wrapper: Any, query: str) -> Any:
    """A context for one statement: of an abandonable request, if it reads and is in no transaction."""
    reads = getattr(_of_thread, "reads", None)
    if reads is None or wrapper.in_atomic_block or not query.lstrip("( ").startswith("SELECT"):
        return nullcontext()
    return reads.run(wrapper, query)


def _kill(statement: _Statement) -> bool:
    """Whether it was still running."""
    options = {**statement.wrapper.get_connection_params(), "connect_timeout": KILL_TIMEOUT_SECONDS}
    options |= {"read_timeout": KILL_TIMEOUT_SECONDS, "write_timeout": KILL_TIMEOUT_SECONDS}
    with closing(open_connection(**options)) as connection, connection.cursor() as cursor:
        # The address may lead to another server by now, where the number is somebody else's.
        cursor.execute("SHOW FULL PROCESSLIST")
        if not any(_is_this(row, statement) for row in cursor.fetchall()):
            return False
        cursor.execute(f"KILL QUERY {statement.thread_id:d}")
        logger.info("A read was ended, as its client has gone")
        return True


def _is_this(row: Any, statement: _Statement) -> bool:
    thread_id, _user, _host, _database, command, _seconds, _state, text = row[:8]
    begins = statement.text.partition("%")[0][:COMPARED_LETTERS]
    return thread_id == statement.thread_id and command == "Query" and str(text or "").startswith(begins)
