"""Connections without a complete request: silent, half-sent, or idle between two requests. They cost a deadline and a
place, and no more.

Where a limit is reached the oldest has to go, not the newcomer: an honest request is complete in milliseconds, so the
oldest is the one that least deserves its place, and probes are answered however many silent connections there are.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import Protocol


class Closable(Protocol):
    def close_unfinished(self) -> None: ...


class UnfinishedRequests:
    """`seconds` for a head, and as many again for a body. A limit of 0 is none. `counted_as` gives the form in which a
    peer's address is counted, empty for a peer that is counted in the total alone."""

    def __init__(
        self,
        *,
        seconds: float,
        total: int,
        per_address: int,
        counted_as: Callable[[str], str] = lambda address: address,
    ) -> None:
        self._counted_as = counted_as
        self._seconds = seconds
        self._total = total
        self._per_address = per_address
        # In the order of their deadlines, as all have the same time.
        self._deadlines: dict[Closable, float] = {}
        self._addresses: dict[Closable, str] = {}
        self._by_address: defaultdict[str, dict[Closable, None]] = defaultdict(dict)
        self._timer: asyncio.TimerHandle | asyncio.Handle | None = None
        self.closed = 0

    def __len__(self) -> int:
        return len(self._deadlines)

    def add(self, connection: Closable, peer: str) -> None:
        """Start the time of this connection, anew if it is known."""
        self.remove(connection)
        address = self._counted_as(peer) if peer else ""
        if address and 0 < self._per_address <= len(self._by_address[address]):
            self._close(next(iter(self._by_address[address])))
        elif 0 < self._total <= len(self._deadlines):
            self._close(next(iter(self._deadlines)))
        loop = asyncio.get_running_loop()
        self._deadlines[connection] = loop.time() + self._seconds
        self._addresses[connection] = address
        self._by_address[address][connection] = None
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._close_late)

    def remove(self, connection: Closable) -> None:
        """The request is complete, or the connection has gone."""
        if self._deadlines.pop(connection, None) is None:
            return
        address = self._addresses.pop(connection)
        of_address = self._by_address[address]
        del of_address[connection]
        if not of_address:
            del self._by_address[address]

    def _close(self, connection: Closable) -> None:
        self.remove(connection)
        self.closed += 1
        connection.close_unfinished()

    def _close_late(self) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()
        while self._deadlines:
            connection, deadline = next(iter(self._deadlines.items()))
            if deadline > loop.time():
                self._timer = loop.call_at(deadline, self._close_late)
                return
            self._close(connection)
