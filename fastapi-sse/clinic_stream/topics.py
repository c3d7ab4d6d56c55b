"""Topics: encode once, send to all.

A *topic* is what a set of viewers sees alike. It numbers its versions; a change that does not alter one byte of what it
shows makes no version. A frame is made once a version, when the first connection asks, and shared by all.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Hashable, Mapping, Set
from datetime import date, datetime, timedelta
from itertools import islice
from typing import ClassVar, Generic, NamedTuple, Protocol, TypeVar

from clinic_stream import errors
from clinic_stream.appointment import Appointment
from clinic_stream.event_ids import EventId
from clinic_stream.frames import Frame
from clinic_stream.params import MODES, Mode
from clinic_stream.state import ClinicState
from clinic_stream.taken_intervals import TakenInterval
from clinic_stream.time_slices import give_way
from clinic_stream.waiting_lines import WaitingLines

# A connection more versions behind than this gets a snapshot instead of the sum of its changes.
HISTORY_LENGTH = 64
# New readers share one snapshot for this long, so a thousand that come back together cost one encoding.
SNAPSHOT_AGE = timedelta(seconds=1)
# How long what nobody looks at is kept: most who leave come back at once, with a new token.
TOPIC_LINGER = timedelta(seconds=30)
# The first change of a burst is told at once, and what follows within this time together.
BURST_SECONDS = 0.02
# The same in snapshot mode, where each change sends a whole list again.
SNAPSHOT_SECONDS = 0.25
LARGE_SNAPSHOT_SECONDS = 1.0
LARGE_SNAPSHOT_BYTES = 1_000_000
MAX_SNAPSHOT_BYTES = 5_000_000
NO_LIMIT = float("inf")

OnDelivered = Callable[[datetime], None]
RowId = TypeVar("RowId", int, str)


class Subscriber(Hashable, Protocol):
    """A waiting reader, woken by a new version."""

    @property
    def mode(self) -> Mode: ...
    def wake(self) -> None: ...


class SubscriberGroup(Subscriber, Protocol):
    """Readers who are told as one."""

    @property
    def readers(self) -> list[Subscriber]: ...


class TopicContext(Protocol):
    """A topic's clinic, as the topic sees it."""

    state: ClinicState
    used_at: datetime
    on_delivered: OnDelivered

    @property
    def is_stale(self) -> bool: ...
    @property
    def event_id(self) -> EventId: ...
    @property
    def cursor(self) -> Frame:
        """The heartbeat."""

    def call_in_turn(self, tell: Callable[[], None]) -> bool:
        """Whether the clinic calls it later, one topic after the other, as very many have news."""

    def taken_of(self, practitioner_id: int) -> list[TakenInterval]: ...
    def taken_days_of(self, practitioner_id: int) -> Mapping[date, bytes]: ...
    def knows_visit(self, visit_id: int) -> bool: ...
    def visit(self, visit_id: int) -> Appointment | None: ...
    @property
    def lines(self) -> WaitingLines: ...


class Snapshot(NamedTuple):
    version: int  # Of the topic.
    at: EventId
    as_of: datetime
    frame: Frame

    def is_recent(self, now: datetime) -> bool:
        return now - self.as_of <= SNAPSHOT_AGE


class Opening(NamedTuple):
    """The first answer to a reader, and how it came: for the metrics. `of`: a snapshot of an older version, from which
    changes lead on."""

    frame: Frame
    result: str
    of: Snapshot | None = None


class Topic(ABC):
    __slots__ = ("_changed_at", "_notified_at", "_scheduled", "clinic", "groups", "left_at", "stragglers", "version")

    kind: ClassVar[str]
    # Whether the right to look at it has ended, for everybody.
    is_revoked = False

    def __init__(self, clinic: TopicContext, now: datetime) -> None:
        self.clinic = clinic
        self.version = 0
        self.groups: dict[Hashable, SubscriberGroup] = {}  # Readers that are up to date, by format.
        self.stragglers: set[Subscriber] = set()
        self.left_at = now
        self._changed_at: datetime | None = None
        self._notified_at = dict.fromkeys(MODES, 0.0)
        self._scheduled: set[Mode] = set()  # Modes whose readers are notified soon.

    @property
    def is_read(self) -> bool:
        return bool(self.stragglers or self.groups)

    def holds_back(self, mode: Mode) -> bool:
        """Whether readers in this mode have to wait for what is new, as they were told something a moment ago."""
        return False

    def wake_readers(self) -> None:
        """There may be something for each of them, other than a new version."""
        for reader in [*self.stragglers, *(reader for group in self.groups.values() for reader in group.readers)]:
            reader.wake()

    @abstractmethod
    def since(self, version: int, mode: Mode, now: datetime) -> Frame:
        """The frame that leads from an older version to this one."""

    @abstractmethod
    def opening(self, last_id: EventId | None, mode: Mode, now: datetime) -> Opening:
        """The first answer to a reader who was last told `last_id`."""

    async def prepare_opening(  # noqa: B027  # Only lists have something to do.
        self, mode: Mode, now: datetime, *, is_gzipped: bool, is_back: bool
    ) -> None:
        """Make what takes long of an opening, in turns with everything else. Nothing for small topics."""

    @abstractmethod
    def look_again(self) -> None:
        """Compare everything: the clinic's state was loaded anew, or its date changed."""

    def drop_old_frames(self, now: datetime) -> None:  # noqa: B027  # Only lists have large ones.
        """Those that nobody will be told."""

    def _publish(self, changed_at: datetime | None = None) -> None:
        """There is a new version. `changed_at`, if a write made it, is when: naive UTC."""
        self.version += 1
        self._changed_at = self._changed_at or changed_at
        for mode in MODES:
            if mode not in self._scheduled and self._readers_in(mode):
                self._schedule(mode)

    def _schedule(self, mode: Mode) -> None:
        loop = asyncio.get_running_loop()
        self._scheduled.add(mode)
        pause = self._notified_at[mode] + self._pause_in(mode) - loop.time()
        if pause > 0:
            loop.call_later(pause, self._notify, mode)
        elif not self.clinic.call_in_turn(lambda: self._notify(mode)):
            self._notify(mode)

    def _pause_in(self, mode: Mode) -> float:
        """Seconds between two frames."""
        return BURST_SECONDS

    def _notify(self, mode: Mode) -> None:
        self._scheduled.discard(mode)
        self._notified_at[mode] = asyncio.get_running_loop().time()
        for reader in self._readers_in(mode):
            reader.wake()
        if self._changed_at is not None:
            self.clinic.on_delivered(self._changed_at)
            self._changed_at = None

    def _readers_in(self, mode: Mode) -> list[Subscriber]:
        return [reader for reader in (*self.groups.values(), *self.stragglers) if reader.mode == mode]


class ListTopic(Topic, Generic[RowId]):
    """Things with ids: told whole, or as what is different since a version."""

    __slots__ = ("_changes", "_history", "_is_large", "_snapshots")

    def __init__(self, clinic: TopicContext, now: datetime) -> None:
        super().__init__(clinic, now)
        self._history: deque[frozenset[RowId]] = deque(maxlen=HISTORY_LENGTH)
        self._snapshots: dict[Mode, Snapshot] = {}
        self._changes: dict[int, Frame] = {}
        self._is_large = False  # As its newest snapshot was.

    @abstractmethod
    def _whole(self, at: EventId, as_of: datetime, *, named: bool) -> Frame: ...

    @abstractmethod
    def _part(self, ids: Set[RowId]) -> Frame:
        """Of these ids what is shown now, and that the others are not."""

    def snapshot(self, mode: Mode, now: datetime) -> Frame:
        return self._snapshot(mode, now).frame

    def opening_snapshot(self, mode: Mode, now: datetime) -> Opening:
        """For who comes now. A large one serves all who come within a second; changes lead on from it."""
        made = self._snapshots.get(mode)
        if made is not None and made.frame.is_large and made.is_recent(now) and self._leads_on_from(made.version):
            return Opening(made.frame, "snapshot", made)
        return Opening(self.snapshot(mode, now), "snapshot")

    def since(self, version: int, mode: Mode, now: datetime) -> Frame:
        if mode == "snapshot" or not self._leads_on_from(version):
            return self.snapshot(mode, now)
        if version not in self._changes:
            behind = self.version - version
            told: set[RowId] = set().union(*islice(self._history, len(self._history) - behind, None))
            self._changes[version] = self._part(told)
        return self._changes[version]

    def holds_back(self, mode: Mode) -> bool:
        return mode == "snapshot" and mode in self._scheduled

    async def prepare_opening(self, mode: Mode, now: datetime, *, is_gzipped: bool, is_back: bool) -> None:
        """Raises `range_too_large` for who begins in snapshot mode: who comes back would take it for the end."""
        most = MAX_SNAPSHOT_BYTES if mode == "snapshot" and not is_back else NO_LIMIT
        made = self._snapshots.get(mode)
        if made is not None and not made.frame.is_large and made.version == self.version:
            return  # As for nearly all who come.
        if await self._encode_rows(most) > most:
            raise errors.range_too_large(most)
        opening = self.opening_snapshot(mode, now)
        if is_gzipped and opening.frame.is_large:
            await opening.frame.compress()
        if opening.frame.is_large:
            await give_way()  # To write it takes as long again.

    @abstractmethod
    async def _encode_rows(self, most: float) -> int:
        """Make the JSON of the rows, where that has not been done. Returns its size; stops at more than `most`."""

    def _snapshot(self, mode: Mode, now: datetime) -> Snapshot:
        at = self.clinic.event_id
        made = self._snapshots.get(mode)
        if made is None or (made.version, made.at) != (self.version, at) or not made.is_recent(now):
            made = Snapshot(self.version, at, now, self._whole(at, now, named=mode == "delta"))
            self._snapshots[mode] = made
            self._is_large = len(made.frame) > LARGE_SNAPSHOT_BYTES
        return made

    def _leads_on_from(self, version: int) -> bool:
        return self.version - version <= len(self._history)

    def _pause_in(self, mode: Mode) -> float:
        if mode == "delta":
            return BURST_SECONDS
        return LARGE_SNAPSHOT_SECONDS if self._is_large else SNAPSHOT_SECONDS

    def drop_old_frames(self, now: datetime) -> None:
        for mode, made in list(self._snapshots.items()):
            if not made.is_recent(now):
                del self._snapshots[mode]

    def _forget_frames(self) -> None:
        """Frames that were made are told to no one any more."""
        self._snapshots.clear()
        self._changes.clear()

    def _remember(self, told: Set[RowId], changed_at: datetime | None = None) -> None:
        self._history.append(frozenset(told))
        for mode, made in list(self._snapshots.items()):
            if not made.frame.is_large:  # Patients within a second begins with a large one.
                del self._snapshots[mode]
        self._changes.clear()
        self._publish(changed_at)
