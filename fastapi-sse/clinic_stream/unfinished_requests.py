"""Connections without a complete request: silent, half-sent, or idle between two requests. They cost a deadline and a
place, and no more.

Over a limit the oldest has to go, not the newcomer: an honest request is complete in milliseconds, so the oldest is the
one that least deserves its place, and probes are answered however many silent connections there are.

Many honest requests may come in one moment: all boards of a clinic after a restart are accepted before the first of
them is read. So the surplus is closed two seconds later, and of those alone that have had this time.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Protocol

# Young connections stay, unless there are twice as many as the limit in all.
SPARED_SECONDS = 2.0


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
        spared_seconds: float = SPARED_SECONDS,
    ) -> None:
        self._spared_seconds = spared_seconds
        self._counted_as = counted_as
        self._seconds = seconds
        self._total = total
        self._per_address = per_address
        # In the order of their deadlines, as all have the same time.
        self._deadlines: dict[Closable, float] = {}
        self._addresses: dict[Closable, str] = {}
        self._by_address: defaultdict[str, dict[Closable, None]] = defaultdict(dict)
        self._timer: asyncio.TimerHandle | asyncio.Handle | None = None
        # Addresses that were over the limit when the surplus was last looked at, or have come over it since.
        self._over_limit: set[str] = set()
        self._surplus_timer: asyncio.Handle | None = None
        self.closed = 0

    def __len__(self) -> int:
        return len(self._deadlines)

    def add(self, connection: Closable, peer: str) -> None:
        """Start the time of this connection, anew if it is known."""
        self.remove(connection)
        if 0 < 2 * self._total <= len(self._deadlines):
            self._close(next(iter(self._deadlines)))
        address = self._counted_as(peer) if peer else ""
        loop = asyncio.get_running_loop()
        self._deadlines[connection] = loop.time() + self._seconds
        self._addresses[connection] = address
        of_address = self._by_address[address]
        of_address[connection] = None
        if address and 0 < self._per_address < len(of_address):
            self._over_limit.add(address)
        self._look_for_surplus_later()
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

    def _look_for_surplus_later(self) -> None:
        is_over_total = 0 < self._total < len(self._deadlines)
        if self._surplus_timer is None and (is_over_total or self._over_limit):
            loop = asyncio.get_running_loop()
            self._surplus_timer = loop.call_later(self._spared_seconds, self._read_then_close_surplus)

    def _read_then_close_surplus(self) -> None:
        """Two turns of the loop read what has arrived while it was busy."""
        loop = asyncio.get_running_loop()
        loop.call_soon(loop.call_soon, self._close_surplus, loop.time() - self._spared_seconds)

    def _close_surplus(self, spared_since: float) -> None:
        self._surplus_timer = None
        for address in list(self._over_limit):
            of_address = self._by_address.get(address, {})
            self._close_oldest(of_address, self._per_address, spared_since)
            if len(of_address) <= self._per_address:
                self._over_limit.discard(address)
        self._close_oldest(self._deadlines, self._total, spared_since)
        self._look_for_surplus_later()

    def _close_oldest(self, among: Mapping[Closable, object], limit: int, spared_since: float) -> None:
        while 0 < limit < len(among):
            oldest = next(iter(among))
            if self._deadlines[oldest] - self._seconds > spared_since:
                return
            self._close(oldest)

    def _close_late(self) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()
        while self._deadlines:
            connection, deadline = next(iter(self._deadlines.items()))
            if deadline > loop.time():
                self._timer = loop.call_at(deadline, self._close_late)
                return
            self._close(connection)
