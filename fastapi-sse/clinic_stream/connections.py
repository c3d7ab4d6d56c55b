"""Connections: the version that each reader has been sent, and the frames that lead to the newest one.

A connection has no queue. It knows the version it has sent, and when it can write it takes the frame that leads from
there to the newest one: skipping is safe, because a snapshot is absolute and so is every upsert.

It writes in one of two ways. Where the server offers a `SocketWriter`, frames go out at once. The writer reports when
the network did not take all bytes; then nothing more is written until it is clear again. A reader that is up to date is
in a `SharedGroup`, which writes for it. Under any other ASGI server a task for each connection waits, takes and sends.
"""

import asyncio
import random
from collections.abc import Sequence
from typing import Protocol

from clinic_stream import frames, shared_group
from clinic_stream.closing_events import EXPIRED, REVOKED, ClosingEvent
from clinic_stream.compression import HEADER, GzipTrailer
from clinic_stream.frames import Frame, chunk_of
from clinic_stream.params import Mode
from clinic_stream.shared_group import FrameFormat, SharedGroup
from clinic_stream.socket_writer import SocketWriter, StallWatch
from clinic_stream.ticker import Ticker
from clinic_stream.topics import Snapshot, Topic
from clinic_stream.viewers import AnyViewer

WARNING_SECONDS = 30
# Access ends up to this much before its time, so that tokens made together are not renewed together.
EXPIRY_JITTER_SECONDS = 0.9
NEVER = float("inf")


class HubContext(shared_group.GroupContext, Protocol):
    """A connection's view of the hub it is in."""

    ticker: Ticker
    heartbeat_seconds: float
    is_live: bool

    @property
    def is_stale(self) -> bool:
        """Whether the whole service is."""


class Connection:
    __slots__ = (
        "_awake",
        "_expires_at",
        "_fixed_cursor",
        "_group",
        "_group_trailer",
        "_heartbeat_at",
        "_heartbeat_due",
        "_is_chunked",
        "_over",
        "_pending_frames",
        "_sent_id",
        "_sent_stale",
        "_trailer",
        "_version",
        "_waiter",
        "_warning_due",
        "_warns_at",
        "_watch",
        "_writer",
        "address",
        "closing_event",
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
        hub: HubContext,
        connection_id: str,
        topic: Topic,
        viewer: AnyViewer | None,
        *,
        mode: Mode,
        address: str = "",
        is_gzipped: bool = False,
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
        self.closing_event: ClosingEvent | None = None
        self.is_over = False  # The closing event has been taken.
        self.lagging_since: float | None = None
        self._version = topic.version
        # Without live updates the reader stays where it began, so that its id tells what it has seen.
        self._fixed_cursor = None if hub.is_live else topic.clinic.cursor
        self._sent_id = topic.clinic.event_id
        self._sent_stale = False
        self._warns_at, self._expires_at = self._ends_of(viewer)
        self._heartbeat_at = now + hub.heartbeat_seconds
        self._heartbeat_due = False
        self._warning_due = False
        self._pending_frames: Sequence[Frame] = ()
        self._trailer = GzipTrailer() if is_gzipped else None
        self._is_chunked = is_chunked
        self._group: SharedGroup | None = None
        self._group_trailer: GzipTrailer | None = None  # As it was when this reader came.
        self._awake = True
        self._waiter: asyncio.Future[None] | None = None
        self._writer: SocketWriter | None = None
        self._over: asyncio.Future[None] | None = None
        self._watch: StallWatch | None = None

    @property
    def next_deadline(self) -> float:
        return min(self._heartbeat_at, self._warns_at, self._expires_at)

    @property
    def state(self) -> str:
        if self.closing_event is not None:
            return "ending"
        return "open" if self.lagging_since is None else "lagging"

    @property
    def last_id(self) -> str:
        """The newest id that this reader has been sent."""
        group = self._group
        return str(self._sent_id if group is None or group.version == self._version else group.sent_id)

    @property
    def lag_seconds(self) -> float:
        """Seconds for which the reader has left a frame untaken."""
        return 0.0 if self.lagging_since is None else asyncio.get_running_loop().time() - self.lagging_since

    @property
    def is_lost(self) -> bool:
        """Whether the reader has gone, or was cut off."""
        return self._over is not None and self._over.done() and not self.is_over

    def begin(self, first_frames: Sequence[Frame], *, of: Snapshot | None = None, was_sent_stale: bool = False) -> None:
        """Send these first: an event, after the lines without data that belong to the first block. `of`: the snapshot
        among them, if it is of an older version."""
        self._pending_frames = first_frames
        self._sent_stale = was_sent_stale
        if of is not None:
            self._version, self._sent_id = of.version, of.at

    def on_tick(self, now: float) -> float | None:
        if self.closing_event is not None or self.is_lost:
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

    def renew(self, viewer: AnyViewer) -> None:
        """The same rights for longer. The clock set for the former end finds that there is time left."""
        if self.viewer is not None and viewer.expires_at > self.viewer.expires_at:
            self.viewer = viewer
            self._warns_at, self._expires_at = self._ends_of(viewer)
            self._warning_due = False

    def end(self, closing_event: ClosingEvent) -> None:
        """End the stream with this event, unless another one ends it already."""
        if self.closing_event is None:
            self.closing_event = closing_event
            self.wake()

    def wake(self) -> None:
        """Write, or let the task write: there may be frames to take."""
        if self._writer is not None:
            self._push(self._writer)
            return
        self._awake = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def woken(self) -> None:
        """Return when there may be frames to take."""
        if not self._awake:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        self._awake = False

    def take(self) -> bytes:
        """Bytes that the reader has not been sent; empty if there are none."""
        return b"".join(self._form(frame) for frame in self._frames())

    @property
    def trailer(self) -> bytes:
        """The end of a compressed stream."""
        return b"" if self._trailer is None else self._trailer.end

    async def write_to(self, writer: SocketWriter) -> None:
        """Write until the closing event is taken or the reader has gone."""
        self._over = asyncio.get_running_loop().create_future()
        self._writer = writer
        writer.attach(self)
        self.wake()
        try:
            await self._over
        finally:
            self._leave_group()
            self._writer = None

    def blocked(self) -> None:
        """Note that the network did not take all bytes."""
        self._leave_group()
        if self._writer is not None and self._watch is None:
            self._watch = StallWatch(self, self._writer)
            self.hub.ticker.add(self._watch.deadline, self._watch)

    def cleared(self) -> None:
        self._watch = None
        self.wake()

    def lost(self) -> None:
        """Note that the reader has gone."""
        if self._over is not None and not self._over.done():
            self._over.set_result(None)

    def is_watched_by(self, watch: StallWatch) -> bool:
        return self._watch is watch and not self.is_lost

    def _push(self, writer: SocketWriter) -> None:
        if self._over is None or self._over.done():
            return
        if not writer.is_clear:
            self._lag()
            return
        if (
            self._group is not None
            and self._group.is_compressing
            and self.closing_event is None
            and not self.topic.is_revoked
        ):
            self._group.wake_when_compressed(self)
            return
        self._leave_group()
        if taken := self._frames():
            self.lagging_since = None
            writer.write(self._chunk(taken))
        if self.is_over:
            self._over.set_result(None)
        elif writer.is_clear:
            self._join_group(writer)

    def _join_group(self, writer: SocketWriter) -> None:
        """Let the group write for this reader, if both have been sent the same."""
        if self._fixed_cursor is not None or not self._has_begun or self._sent_stale != self._is_stale:
            return
        frame_format = FrameFormat(self.mode, self._trailer is not None, self._is_chunked)
        group = SharedGroup.of(self.topic, frame_format)
        group = group or SharedGroup(self.hub, self.topic, frame_format, self._version, self._sent_id)
        if group.version == self._version and not group.is_compressing:
            self._group = group
            self._group_trailer = group.trailer.copy() if self._trailer is not None else None
            group.add(self, writer)

    def _leave_group(self) -> None:
        group, self._group = self._group, None
        if group is None:
            return
        group.remove(self)
        self.topic.stragglers.add(self)
        if group.version != self._version:
            self._version = group.version
            self._sent_id = group.sent_id
            if self._trailer is not None and self._group_trailer is not None:
                self._trailer.add_growth(self._group_trailer, group.trailer)

    def _chunk(self, taken: Sequence[Frame]) -> bytes:
        """One frame as the very object that others write, too: a slow reader shares its unsent bytes with them."""
        if len(taken) > 1 or not self._has_begun:
            body = b"".join(self._form(frame) for frame in taken)
            return chunk_of(body) if self._is_chunked else body
        self._form(taken[0])
        return taken[0].on_wire(is_gzipped=self._trailer is not None, is_chunked=self._is_chunked)

    def _form(self, frame: Frame) -> bytes:
        """The frame as this reader takes it, counted."""
        if self._trailer is None:
            self._count(frame)
            return frame
        head = b"" if self._has_begun else HEADER
        self._trailer.add(frame)
        self._count(frame.gzipped)
        return head + frame.gzipped

    @property
    def _has_begun(self) -> bool:
        return self._trailer is None or self._trailer.length > 0

    def _count(self, form: bytes) -> None:
        counts = self.hub.counts
        counts.frames += 1
        counts.bytes += len(form)

    def _frames(self) -> Sequence[Frame]:
        if self.topic.is_revoked:
            self.closing_event = self.closing_event or REVOKED
        if self.closing_event is not None:
            self.is_over = True
            return [self.closing_event.frame]  # And nothing else: the reader may have lost the right to it.
        is_stale = self._is_stale
        taken = list(self._pending_frames)
        self._pending_frames = ()
        if is_stale and not self._sent_stale:
            # Before any rows, which a page would show as live for a moment. The lines before them have no data.
            taken.insert(max(0, len(taken) - 1), frames.STALE)
        if self._is_behind and not self.topic.holds_back(self.mode):
            self.hub.counts.coalesced += self.topic.version - self._version - 1
            taken.append(self.topic.since(self._version, self.mode, self.hub.clock()))
            self._version = self.topic.version
            self._sent_id = self.topic.clinic.event_id
        if self._sent_stale and not is_stale and not self._is_behind:
            taken.append(frames.FRESH)  # After the rows that make it true.
            self._sent_stale = False
        self._sent_stale = self._sent_stale or is_stale
        if self._heartbeat_due:
            self._heartbeat_due = False
            taken.append(self._heartbeat())
        if self._warning_due:
            self._warning_due = False
            taken.append(frames.token_expiring(self._seconds_left(), self.id))
        return taken

    @property
    def _is_stale(self) -> bool:
        return self.hub.is_stale or self.topic.clinic.is_stale

    @property
    def _is_behind(self) -> bool:
        return self._version != self.topic.version and self._fixed_cursor is None

    def _heartbeat(self) -> Frame:
        """A heartbeat with the newest id that the reader has been sent: the clinic's, unless a version is held back."""
        if self._fixed_cursor is not None:
            return self._fixed_cursor
        if self._is_behind:
            return frames.heartbeat(self._sent_id)
        self._sent_id = self.topic.clinic.event_id
        return self.topic.clinic.cursor

    def _lag(self) -> None:
        if self.lagging_since is None:
            self.lagging_since = asyncio.get_running_loop().time()

    def _seconds_left(self) -> float:
        return max(0.0, self.viewer.expires_at - self.hub.clock().timestamp()) if self.viewer else NEVER

    def _ends_of(self, viewer: AnyViewer | None) -> tuple[float, float]:
        """When to announce the end, and when to end."""
        if viewer is None:
            return NEVER, NEVER
        now = asyncio.get_running_loop().time()
        left = viewer.expires_at - self.hub.clock().timestamp()
        jitter = random.random() * EXPIRY_JITTER_SECONDS  # noqa: S311  # Spreads load, guards nothing.
        return now + left - WARNING_SECONDS, now + max(left / 2, left - jitter)
