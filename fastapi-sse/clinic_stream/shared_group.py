"""Up-to-date readers of one topic in one format: one loop writes the same bytes to all of them.

A new version costs each reader one write and nothing else: the group keeps one account for all, and touches no state of
a single reader. A reader leaves the group when the network blocks it, or when it is sent an event of its own; then it
takes over the account of the group since it joined. It joins again when it has caught up.
"""

import asyncio
from datetime import datetime
from typing import NamedTuple, Protocol

from clinic_stream.compression import GzipTrailer
from clinic_stream.counters import Counters
from clinic_stream.event_ids import EventId
from clinic_stream.frames import Frame
from clinic_stream.params import Mode
from clinic_stream.topics import Subscriber, Topic


class Writable(Protocol):
    def write(self, chunk: bytes) -> None: ...


class GroupContext(Protocol):
    """Parts of the hub that a group uses."""

    counts: Counters

    def clock(self) -> datetime: ...


class FrameFormat(NamedTuple):
    """The form of frames that a reader takes: those of one format get the same bytes."""

    mode: Mode
    is_gzipped: bool
    is_chunked: bool = True


class SharedGroup:
    __slots__ = ("_compressing", "_format", "_hub", "_topic", "_waiting", "_writers", "sent_id", "trailer", "version")

    def __init__(
        self, hub: GroupContext, topic: Topic, frame_format: FrameFormat, version: int, sent_id: EventId
    ) -> None:
        self.version = version
        self.sent_id = sent_id
        self.trailer = GzipTrailer()  # Of all frames since the group was made, if compressed.
        self._hub = hub
        self._topic = topic
        self._format = frame_format
        self._writers: dict[Subscriber, Writable] = {}
        self._compressing: asyncio.Task[None] | None = None
        self._waiting: set[Subscriber] = set()
        topic.groups[frame_format] = self

    @staticmethod
    def of(topic: Topic, frame_format: FrameFormat) -> "SharedGroup | None":
        group = topic.groups.get(frame_format)
        assert group is None or isinstance(group, SharedGroup)
        return group

    def add(self, reader: Subscriber, writer: Writable) -> None:
        self._writers[reader] = writer
        self._topic.stragglers.discard(reader)

    def remove(self, reader: Subscriber) -> None:
        del self._writers[reader]
        self._waiting.discard(reader)
        if not self._writers:
            del self._topic.groups[self._format]

    @property
    def mode(self) -> Mode:
        return self._format.mode

    @property
    def readers(self) -> list[Subscriber]:
        return list(self._writers)

    @property
    def is_compressing(self) -> bool:
        """Whether a large frame is being compressed: all in the group are sent it, or a closing event, next."""
        return self._compressing is not None

    def wake(self) -> None:
        """Send the new version to all."""
        topic = self._topic
        if topic.version == self.version or self.is_compressing:
            return
        frame = topic.since(self.version, self._format.mode, self._hub.clock())
        reached = topic.version, topic.clinic.event_id
        if self._format.is_gzipped and frame.is_large and not frame.is_gzipped:
            self._compressing = asyncio.create_task(self._send_when_compressed(frame, *reached))
        else:
            self._send(frame, *reached)

    async def _send_when_compressed(self, frame: Frame, version: int, at: EventId) -> None:
        """Send the frame as it is; versions that are published meanwhile follow."""
        try:
            await frame.compress()
        finally:
            self._compressing = None
        if not self._writers:
            return
        self._send(frame, version, at)
        waiting, self._waiting = self._waiting, set()
        for reader in waiting:
            reader.wake()
        self.wake()

    def wake_when_compressed(self, reader: Subscriber) -> None:
        self._waiting.add(reader)

    def _send(self, frame: Frame, version: int, at: EventId) -> None:
        hub = self._hub
        missed = version - self.version
        if self._format.is_gzipped:
            self.trailer.add(frame)
        form = frame.form(is_gzipped=self._format.is_gzipped)
        wire = frame.on_wire(is_gzipped=self._format.is_gzipped, is_chunked=self._format.is_chunked)
        self.version, self.sent_id = version, at
        writers = list(self._writers.values())  # A copy: a reader that this blocks leaves meanwhile.
        hub.counts.frames += len(writers)
        hub.counts.bytes += len(writers) * len(form)
        hub.counts.coalesced += len(writers) * (missed - 1)
        for writer in writers:
            writer.write(wire)
