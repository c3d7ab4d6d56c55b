"""Requests that only read, while threads answer them: of those that take long it is looked whether their clients are
still there. What the database does for a client that has gone is ended.
"""

import select
import time
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

METHODS = (b"GET ", b"HEAD ")
LOOKED_AFTER_SECONDS = 0.25
CLOSED = getattr(select, "POLLRDHUP", 0)  # Elsewhere than on Linux only what was reset is noticed.


class Reads(Protocol):
    """Queries of a request."""

    def abandon(self) -> None:
        """Never raises; may wait for the database."""


class Reading(Hashable, Protocol):
    """A connection whose request is being answered."""

    sock: Any
    request: bytes
    reads: Any


class ReadingRequests:
    def __init__(self, new_reads: Callable[[], Reads]) -> None:
        self._new_reads = new_reads
        self._began_at: dict[Reading, float] = {}
        # Not on the loop: to end a read takes a connection to the database.
        self._ends = ThreadPoolExecutor(1, thread_name_prefix="ends-reads")

    def begin(self, connection: Reading) -> None:
        if connection.request.startswith(METHODS):
            connection.reads = self._new_reads()
            self._began_at[connection] = time.monotonic()

    def end(self, connection: Reading) -> None:
        """Before its socket is used for anything else."""
        self._began_at.pop(connection, None)
        connection.reads = None

    def look(self, now: float) -> None:
        """One system call for all. Who only sends nothing more counts as gone: clients that wait do not say so."""
        slow = {one.sock.fileno(): one for one, at in self._began_at.items() if now - at > LOOKED_AFTER_SECONDS}
        if not slow:
            return
        poll = select.poll()
        for descriptor in slow:
            poll.register(descriptor, CLOSED)
        for descriptor, _ in poll.poll(0):
            del self._began_at[slow[descriptor]]
            self._ends.submit(slow[descriptor].reads.abandon)
