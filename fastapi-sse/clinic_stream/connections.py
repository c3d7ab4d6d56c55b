"""Connections: what each reader has been told, and what it has yet to be.

A connection has no queue. It knows the version it has told its reader, and when it can write it takes whatever leads
from there to the newest one: skipping is safe, because a snapshot is absolute and so is every upsert.

It writes in one of two ways. Where the server offers its *line* (see `server`), what there is goes out at once. The
line says when it could not take all of it; then nothing more is written until it is clear again. As long as a reader is
up to date it stands in a *crowd* (see `crowds`), which writes for it. Under any other ASGI server a task for each
connection waits, takes and sends.
"""

import asyncio
import random
from collections.abc import Sequence
from typing import Protocol

from clinic_stream import crowds, frames
from clinic_stream.crowds import Crowd, Kind
from clinic_stream.frames import Frame, chunk_of
from clinic_stream.packing import HEADER, Sum
from clinic_stream.params import Mode
from clinic_stream.ticker import Ticker
from clinic_stream.topics import Topic
from clinic_stream.viewers import Viewer

WARNING_SECONDS = 30
# Access ends up to this much before its time, so that tokens made together are not renewed together.
EXPIRY_JITTER_SECONDS = 0.9
# A reader that takes nothing at all for this long is cut off,
STUCK_SECONDS = 5.0
# and one that takes so little that one write lasts longer than this.
SLOW_SECONDS = 60.0
NEVER = float("inf")


class Line(Protocol):
    """A server's own end of one response."""

    @property
    def is_clear(self) -> bool:
        """Whether the network has taken all that was written."""

    @property
    def unsent(self) -> int:
        """The bytes it has not."""

    def carry(self, connection: "Connection") -> None:
        """From now on tell this connection when the line is blocked, clear again or lost."""

    def write(self, chunk: bytes) -> None: ...
    def reset(self) -> None: ...


class House(crowds.House, Protocol):
    """What a connection needs of the hub it is in."""

    ticker: Ticker
    heartbeat_seconds: float
    is_live: bool

    @property
    def is_stale(self) -> bool:
        """Whether the whole service is."""


class Goodbye:
    """The last frame of a stream, and the reason for it."""

    __slots__ = ("frame", "reason")

    def __init__(self, reason: str, frame: Frame) -> None:
        self.reason = reason
        self.frame = frame


EXPIRED = Goodbye("expired", frames.EXPIRED)
REVOKED = Goodbye("revoked", frames.REVOKED)
REPLACED = Goodbye("replaced", frames.REPLACED)
STUCK = Goodbye("stuck", Frame())  # Which nobody reads.


class Connection:
    __slots__ = (
        "_awake",
        "_crowd",
        "_crowd_sum",
        "_expires_at",
        "_fixed_cursor",
        "_heartbeat_at",
        "_heartbeat_due",
        "_is_chunked",
        "_line",
        "_over",
        "_sum",
        "_told_id",
        "_told_stale",
        "_unsaid",
        "_version",
        "_waiter",
        "_warning_due",
        "_warns_at",
        "_watch",
        "address",
        "goodbye",
        "hub",
        "id",
        "is_over",
        "lagging_since",
        "mode",
        "opened_at",
        "topic",
        "viewer",
    )

    def __init__(
        self,
        hub: House,
        connection_id: str,
        topic: Topic,
        viewer: Viewer | None,
        *,
        mode: Mode,
        address: str = "",
        is_packed: bool = False,
        is_chunked: bool = True,
    ) -> None:
        now = asyncio.get_running_loop().time()
        self.hub = hub
        self.id = connection_id
        self.topic = topic
        self.viewer = viewer
        self.mode = mode
        self.address = address
        self.opened_at = hub.clock()
        self.goodbye: Goodbye | None = None
        self.is_over = False  # The goodbye has been taken.
        self.lagging_since: float | None = None
        self._version = topic.version
        # Without live updates the reader stays where it began, so that its id tells what it has seen.
        self._fixed_cursor = None if hub.is_live else topic.clinic.cursor
        self._told_id = topic.clinic.event_id
        self._told_stale = False
        self._warns_at, self._expires_at = self._ends_of(viewer)
        self._heartbeat_at = now + hub.heartbeat_seconds
        self._heartbeat_due = False
        self._warning_due = False
        self._unsaid: Sequence[Frame] = ()
        self._sum = Sum() if is_packed else None
        self._is_chunked = is_chunked
        self._crowd: Crowd | None = None
        self._crowd_sum: Sum | None = None  # As it was when this reader came.
        self._awake = True
        self._waiter: asyncio.Future[None] | None = None
        self._line: Line | None = None
        self._over: asyncio.Future[None] | None = None
        self._watch: Watch | None = None

    @property
    def next_deadline(self) -> float:
        return min(self._heartbeat_at, self._warns_at, self._expires_at)

    @property
    def state(self) -> str:
        if self.goodbye is not None:
            return "ending"
        return "open" if self.lagging_since is None else "lagging"

    @property
    def last_id(self) -> str:
        """The newest id that this reader has been told."""
        crowd = self._crowd
        return str(self._told_id if crowd is None or crowd.version == self._version else crowd.told_id)

    @property
    def lag_seconds(self) -> float:
        """How long there has been something that the reader has not taken."""
        return 0.0 if self.lagging_since is None else asyncio.get_running_loop().time() - self.lagging_since

    @property
    def is_lost(self) -> bool:
        """Whether the reader has gone, or was cut off."""
        return self._over is not None and self._over.done() and not self.is_over

    def begin(self, unsaid: Sequence[Frame], *, is_told_stale: bool = False) -> None:
        """Say these first: an event, after the lines without data that belong to the first block."""
        self._unsaid = unsaid
        self._told_stale = is_told_stale

    def ring(self, now: float) -> float | None:
        if self.goodbye is not None or self.is_lost:
            return None
        if now >= self._expires_at:
            self.end(EXPIRED)
            return None
        if now >= self._warns_at:
            self._warns_at = NEVER
            self._warning_due = True
        if now >= self._heartbeat_at:
            self._heartbeat_due = True
            self._heartbeat_at = now + self.hub.heartbeat_seconds
        self.wake()
        return self.next_deadline

    def renew(self, viewer: Viewer) -> None:
        """The same rights for longer. The clock set for the former end finds that there is time left."""
        if self.viewer is not None and viewer.expires_at > self.viewer.expires_at:
            self.viewer = viewer
            self._warns_at, self._expires_at = self._ends_of(viewer)
            self._warning_due = False

    def end(self, goodbye: Goodbye) -> None:
        """Say goodbye; the first goodbye counts."""
        if self.goodbye is None:
            self.goodbye = goodbye
            self.wake()

    def wake(self) -> None:
        """There may be something to take."""
        if self._line is not None:
            self._push(self._line)
            return
        self._awake = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def woken(self) -> None:
        """Return when there may be something to take."""
        if not self._awake:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        self._awake = False

    def take(self) -> bytes:
        """Everything the reader has yet to be told, empty when there is nothing."""
        return b"".join(self._form(frame) for frame in self._frames())

    @property
    def trailer(self) -> bytes:
        """What a packed stream ends with."""
        return b"" if self._sum is None else self._sum.end

    async def run_on(self, line: Line) -> None:
        """Write to the line until the goodbye is taken or the reader has gone."""
        self._over = asyncio.get_running_loop().create_future()
        self._line = line
        line.carry(self)
        self.wake()
        try:
            await self._over
        finally:
            self._step_out()
            self._line = None

    def blocked(self) -> None:
        """The line did not take all of it."""
        self._step_out()
        if self._line is not None and self._watch is None:
            self._watch = Watch(self, self._line)
            self.hub.ticker.add(self._watch.deadline, self._watch)

    def cleared(self) -> None:
        self._watch = None
        self.wake()

    def lost(self) -> None:
        """The reader has gone."""
        if self._over is not None and not self._over.done():
            self._over.set_result(None)

    def is_watched_by(self, watch: "Watch") -> bool:
        return self._watch is watch and not self.is_lost

    def _push(self, line: Line) -> None:
        if self._over is None or self._over.done():
            return
        if not line.is_clear:
            self._lag()
            return
        self._step_out()
        if taken := self._frames():
            self.lagging_since = None
            line.write(self._chunk(taken))
        if self.is_over:
            self._over.set_result(None)
        elif line.is_clear:
            self._step_in(line)

    def _step_in(self, line: Line) -> None:
        """Let the crowd do the telling, if it has been told just as much."""
        if self._fixed_cursor is not None or not self._has_begun:
            return
        kind = Kind(self.mode, self._sum is not None, self._is_chunked)
        crowd = Crowd.of(self.topic, kind) or Crowd(self.hub, self.topic, kind, self._version, self._told_id)
        if crowd.version == self._version:
            self._crowd = crowd
            self._crowd_sum = crowd.sum.copy() if self._sum is not None else None
            crowd.add(self, line)

    def _step_out(self) -> None:
        crowd, self._crowd = self._crowd, None
        if crowd is None:
            return
        crowd.remove(self)
        self.topic.apart.add(self)
        if crowd.version != self._version:
            self._version = crowd.version
            self._told_id = crowd.told_id
            if self._sum is not None and self._crowd_sum is not None:
                self._sum.go_on(self._crowd_sum, crowd.sum)

    def _chunk(self, taken: Sequence[Frame]) -> bytes:
        """One frame as the very object that others write, too: who is slow shares what it has not taken."""
        if len(taken) > 1 or not self._has_begun:
            body = b"".join(self._form(frame) for frame in taken)
            return chunk_of(body) if self._is_chunked else body
        self._form(taken[0])
        return taken[0].on_wire(is_packed=self._sum is not None, is_chunked=self._is_chunked)

    def _form(self, frame: Frame) -> bytes:
        """The frame as this reader takes it, counted."""
        if self._sum is None:
            self._count(frame)
            return frame
        head = b"" if self._has_begun else HEADER
        self._sum.add(frame)
        self._count(frame.packed)
        return head + frame.packed

    @property
    def _has_begun(self) -> bool:
        return self._sum is None or self._sum.length > 0

    def _count(self, form: bytes) -> None:
        counts = self.hub.counts
        counts.frames += 1
        counts.bytes += len(form)

    def _frames(self) -> Sequence[Frame]:
        if self.goodbye is not None:
            self.is_over = True
            return [self.goodbye.frame]  # And nothing else: the reader may have lost the right to it.
        is_stale = self.hub.is_stale or self.topic.clinic.is_stale
        taken = list(self._unsaid)
        self._unsaid = ()
        if is_stale and not self._told_stale:
            # Before any rows, which a page would show as live for a moment. The lines before them have no data.
            taken.insert(max(0, len(taken) - 1), frames.STALE)
        if self._version != self.topic.version and self._fixed_cursor is None:
            self.hub.counts.coalesced += self.topic.version - self._version - 1
            taken.append(self.topic.since(self._version, self.mode, self.hub.clock()))
            self._version = self.topic.version
            self._told_id = self.topic.clinic.event_id
        if self._told_stale and not is_stale:
            taken.append(frames.FRESH)  # After the rows that make it true.
        self._told_stale = is_stale
        if self._heartbeat_due:
            self._heartbeat_due = False
            taken.append(self._fixed_cursor or self.topic.clinic.cursor)
            self._told_id = self._told_id if self._fixed_cursor else self.topic.clinic.event_id
        if self._warning_due:
            self._warning_due = False
            taken.append(frames.token_expiring(self._seconds_left(), self.id))
        return taken

    def _lag(self) -> None:
        if self.lagging_since is None:
            self.lagging_since = asyncio.get_running_loop().time()

    def _seconds_left(self) -> float:
        return max(0.0, self.viewer.expires_at - self.hub.clock().timestamp()) if self.viewer else NEVER

    def _ends_of(self, viewer: Viewer | None) -> tuple[float, float]:
        """When to announce the end, and when to end."""
        if viewer is None:
            return NEVER, NEVER
        now = asyncio.get_running_loop().time()
        left = viewer.expires_at - self.hub.clock().timestamp()
        jitter = random.random() * EXPIRY_JITTER_SECONDS  # noqa: S311  # Spreads load, guards nothing.
        return now + left - WARNING_SECONDS, now + max(left / 2, left - jitter)


class Watch:
    """Looks after a line that is blocked: whether its reader takes anything at all, and not all too slowly."""

    __slots__ = ("_connection", "_line", "_since", "_unsent", "deadline")

    def __init__(self, connection: Connection, line: Line) -> None:
        self._connection = connection
        self._line = line
        self._unsent = line.unsent
        self._since = asyncio.get_running_loop().time()
        self.deadline = self._since + STUCK_SECONDS

    def ring(self, now: float) -> float | None:
        if not self._connection.is_watched_by(self):
            return None
        unsent = self._line.unsent
        if unsent >= self._unsent or now > self._since + SLOW_SECONDS:
            self._connection.goodbye = STUCK
            self._line.reset()
            return None
        self._unsent = unsent
        self.deadline = now + STUCK_SECONDS
        return self.deadline
