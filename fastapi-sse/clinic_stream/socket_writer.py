"""A server's own end of one response, and the watch over a reader that has stopped to read."""

import asyncio
from typing import Protocol

from clinic_stream.closing_events import STUCK, ClosingEvent

# A reader that takes nothing at all for this long is cut off,
STUCK_SECONDS = 5.0
# and one that takes so little that one write lasts longer than this.
SLOW_SECONDS = 60.0


class Attached(Protocol):
    """The stream that is written. The writer calls it when the network blocks, takes bytes again, or is gone."""

    closing_event: ClosingEvent | None

    def blocked(self) -> None: ...
    def cleared(self) -> None: ...
    def lost(self) -> None: ...
    def is_watched_by(self, watch: "StallWatch") -> bool: ...


class SocketWriter(Protocol):
    @property
    def is_clear(self) -> bool:
        """Whether the network has taken all bytes."""

    @property
    def unsent(self) -> int:
        """Bytes that the network has not taken."""

    def attach(self, connection: Attached) -> None: ...
    def write(self, chunk: bytes) -> None: ...
    def reset(self) -> None: ...


class StallWatch:
    """Ends a connection whose reader takes no bytes for `STUCK_SECONDS`, or takes `SLOW_SECONDS` for one write."""

    __slots__ = ("_connection", "_since", "_unsent", "_writer", "deadline")

    def __init__(self, connection: Attached, writer: SocketWriter) -> None:
        self._connection = connection
        self._writer = writer
        self._unsent = writer.unsent
        self._since = asyncio.get_running_loop().time()
        self.deadline = self._since + STUCK_SECONDS

    def on_tick(self, now: float) -> float | None:
        if not self._connection.is_watched_by(self):
            return None
        unsent = self._writer.unsent
        if unsent >= self._unsent or now > self._since + SLOW_SECONDS:
            self._connection.closing_event = STUCK
            self._writer.reset()
            return None
        self._unsent = unsent
        self.deadline = now + STUCK_SECONDS
        return self.deadline
