"""Readers in step: those of one topic who have been told all of it, in one mode and one coding.

What comes next is the same bytes for each of them, so a new version costs each one write and nothing else: of a single
reader nothing is looked at, counted or noted down. The crowd keeps one account for all. A reader steps out when its
line is blocked, or when it is told something that the others are not; then it takes over what the crowd has been told
since it came. It comes back when it has been told just as much again.
"""

from datetime import datetime
from typing import NamedTuple, Protocol

from clinic_stream.counts import Counts
from clinic_stream.event_ids import EventId
from clinic_stream.packing import Sum
from clinic_stream.params import Mode
from clinic_stream.topics import Reader, Topic


class Writable(Protocol):
    def write(self, chunk: bytes) -> None: ...


class House(Protocol):
    """What a crowd needs of the hub it is in."""

    counts: Counts

    def clock(self) -> datetime: ...


class Kind(NamedTuple):
    """Who takes the same bytes."""

    mode: Mode
    is_packed: bool
    is_chunked: bool = True


class Crowd:
    __slots__ = ("_hub", "_kind", "_lines", "_topic", "sum", "told_id", "version")

    def __init__(self, hub: House, topic: Topic, kind: Kind, version: int, told_id: EventId) -> None:
        self.version = version
        self.told_id = told_id
        self.sum = Sum()  # Of what the crowd has been told since it came together, where that is packed.
        self._hub = hub
        self._topic = topic
        self._kind = kind
        self._lines: dict[Reader, Writable] = {}
        topic.crowds[kind] = self

    @staticmethod
    def of(topic: Topic, kind: Kind) -> "Crowd | None":
        crowd = topic.crowds.get(kind)
        assert crowd is None or isinstance(crowd, Crowd)
        return crowd

    def add(self, reader: Reader, line: Writable) -> None:
        self._lines[reader] = line
        self._topic.apart.discard(reader)

    def remove(self, reader: Reader) -> None:
        del self._lines[reader]
        if not self._lines:
            del self._topic.crowds[self._kind]

    @property
    def readers(self) -> list[Reader]:
        return list(self._lines)

    def wake(self) -> None:
        """There is a new version: tell it to everybody."""
        topic, hub = self._topic, self._hub
        missed = topic.version - self.version
        if not missed:
            return
        frame = topic.since(self.version, self._kind.mode, hub.clock())
        if self._kind.is_packed:
            self.sum.add(frame)
        form = frame.form(is_packed=self._kind.is_packed)
        wire = frame.on_wire(is_packed=self._kind.is_packed, is_chunked=self._kind.is_chunked)
        self.version = topic.version
        self.told_id = topic.clinic.event_id
        lines = list(self._lines.values())  # Who is blocked by this steps out meanwhile, and has been told it.
        hub.counts.frames += len(lines)
        hub.counts.bytes += len(lines) * len(form)
        hub.counts.coalesced += len(lines) * (missed - 1)
        for line in lines:
            line.write(wire)
