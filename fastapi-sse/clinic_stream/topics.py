"""Topics: encode once, send to all.

A *topic* is what a set of viewers sees alike. It numbers its versions; a change that does not alter one byte of what it
shows makes no version. A frame is made once a version, when the first connection asks, and shared by all.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import ClassVar, NamedTuple, Protocol, TypeVar

from clinic_stream import frames
from clinic_stream.frames import Frame
from clinic_stream.params import Mode
from clinic_stream.state import (
    Appointment,
    Audience,
    Batch,
    Calendar,
    Change,
    Changes,
    ClinicState,
    EventId,
    Interval,
    Missed,
    Scope,
    in_order,
    in_zone,
    start_of,
)

# A connection more versions behind than this gets a snapshot instead of the sum of its changes.
HISTORY_LENGTH = 64
# New readers share one snapshot for this long, so a thousand that come back together cost one encoding.
SNAPSHOT_AGE = timedelta(seconds=1)
# How long what nobody looks at is kept: most who leave come back at once, with a new token.
TOPIC_LINGER = timedelta(seconds=30)
# The first change of a burst is told at once, and what follows within this time together.
BURST_SECONDS = 0.02

Told = Callable[[datetime], None]
Key = TypeVar("Key", bound=Hashable)
TopicT = TypeVar("TopicT", bound="Topic")


class Reader(Hashable, Protocol):
    """Who is woken when there is a new version."""

    def wake(self) -> None: ...


class Opening(NamedTuple):
    """What a reader is told first, and how that came: for the metrics."""

    frame: Frame
    result: str


class Snapshot(NamedTuple):
    at: EventId
    as_of: datetime
    frame: Frame


class Topic(ABC):
    __slots__ = ("_changed_at", "_timer", "_told_at", "apart", "clinic", "crowds", "left_at", "version")

    kind: ClassVar[str]

    def __init__(self, clinic: "LiveClinic", now: datetime) -> None:
        self.clinic = clinic
        self.version = 0
        self.crowds: dict[Hashable, Reader] = {}  # Those in step, by who takes the same bytes.
        self.apart: set[Reader] = set()
        self.left_at = now
        self._changed_at: datetime | None = None
        self._told_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_read(self) -> bool:
        return bool(self.apart or self.crowds)

    @abstractmethod
    def since(self, version: int, mode: Mode, now: datetime) -> Frame:
        """What leads from an older version to this one."""

    @abstractmethod
    def opening(self, last_id: EventId | None, mode: Mode, now: datetime) -> Opening:
        """What a reader who was last told `last_id` has to be told first."""

    @abstractmethod
    def look_again(self) -> None:
        """Compare everything: the clinic's state was loaded anew, or its date changed."""

    def _publish(self, changed_at: datetime | None = None) -> None:
        """There is a new version. `changed_at`, if a write made it, is when: naive UTC."""
        self.version += 1
        self._changed_at = self._changed_at or changed_at
        if not self.is_read or self._timer is not None:
            return
        loop = asyncio.get_running_loop()
        pause = self._told_at + BURST_SECONDS - loop.time()
        if pause > 0:
            self._timer = loop.call_later(pause, self._tell)
        else:
            self._tell()

    def _tell(self) -> None:
        self._timer = None
        self._told_at = asyncio.get_running_loop().time()
        for reader in (*self.crowds.values(), *self.apart):
            reader.wake()
        if self._changed_at is not None:
            self.clinic.told(self._changed_at)
            self._changed_at = None


class AppointmentTopic(Topic):
    """One audience's appointments."""

    __slots__ = ("_changes", "_history", "_snapshots", "audience", "rows")

    kind = "appointments"

    def __init__(self, clinic: "LiveClinic", audience: Audience, now: datetime) -> None:
        super().__init__(clinic, now)
        self.audience = audience
        self.rows = clinic.state.visible_to(audience)
        self._history: deque[frozenset[int]] = deque(maxlen=HISTORY_LENGTH)
        self._snapshots: dict[Mode, Snapshot] = {}
        self._changes: dict[int, Frame] = {}

    def follow(self, changes: Changes, changed_at: datetime | None = None) -> None:
        """Move on with rows that changed in the clinic."""
        today = self.clinic.state.today
        told: set[int] = set()
        for row_id, change in changes.items():
            shown = change.after is not None and self.audience.shows(change.after, today)
            if self._put(row_id, change.after if shown else None):
                told.add(row_id)
        self._remember(told, changed_at)

    def look_again(self) -> None:
        visible = self.clinic.state.visible_to(self.audience)
        self._remember(
            {row_id for row_id in self.rows.keys() | visible.keys() if self._put(row_id, visible.get(row_id))}
        )

    def snapshot(self, mode: Mode, now: datetime) -> Frame:
        at = self.clinic.event_id
        made = self._snapshots.get(mode)
        if made is None or made.at != at or now - made.as_of > SNAPSHOT_AGE:
            view = self.audience.view
            encoded = [row.encoded(view) for row in in_order(self.rows.values())]
            frame = frames.snapshot(encoded, at=at, as_of=now, named=mode == "delta")
            made = self._snapshots[mode] = Snapshot(at, now, frame)
        return made.frame

    def since(self, version: int, mode: Mode, now: datetime) -> Frame:
        behind = self.version - version
        if mode == "snapshot" or behind > len(self._history):
            return self.snapshot(mode, now)
        if version not in self._changes:
            told = set().union(*islice(self._history, len(self._history) - behind, None))
            upserts = in_order(self.rows[row_id] for row_id in told & self.rows.keys())
            self._changes[version] = self._change(Missed(upserts, sorted(told - self.rows.keys())))
        return self._changes[version]

    def opening(self, last_id: EventId | None, mode: Mode, now: datetime) -> Opening:
        missed = self.clinic.state.missed_since(last_id, self.audience) if last_id else None
        if missed is not None and not missed.upserts and not missed.removes:
            return Opening(self.clinic.cursor, "nothing")
        if missed is not None and mode == "delta":
            return Opening(self._change(missed), "changes")
        return Opening(self.snapshot(mode, now), "snapshot")

    def _change(self, missed: Missed) -> Frame:
        view = self.audience.view
        return frames.change([row.encoded(view) for row in missed.upserts], missed.removes, at=self.clinic.event_id)

    def _put(self, row_id: int, row: Appointment | None) -> bool:
        """Show a row, or hide it with None. Returns whether a reader sees a difference."""
        known = self.rows.get(row_id)
        if row is None:
            return self.rows.pop(row_id, None) is not None
        self.rows[row_id] = row
        view = self.audience.view
        return known is None or (known is not row and known.encoded(view) != row.encoded(view))

    def _remember(self, told: set[int], changed_at: datetime | None = None) -> None:
        if not told:
            return
        self._history.append(frozenset(told))
        self._snapshots.clear()
        self._changes.clear()
        self._publish(changed_at)


class AvailabilityTopic(Topic):
    """A practitioner's taken time over some days: for everybody, so it holds nothing about anybody."""

    __slots__ = ("_snapshot", "_taken", "calendar")

    kind = "availability"

    def __init__(self, clinic: "LiveClinic", calendar: Calendar, now: datetime) -> None:
        super().__init__(clinic, now)
        self.calendar = calendar
        self._taken = self._shown()
        self._snapshot: Snapshot | None = None

    def follow(self, changed_at: datetime | None = None) -> None:
        """Look at what is taken now."""
        taken = self._shown()
        if taken != self._taken:
            self._taken = taken
            self._snapshot = None
            self._publish(changed_at)

    def look_again(self) -> None:
        self.follow()

    def since(self, version: int, mode: Mode, now: datetime) -> Frame:
        return self.snapshot(now)

    def opening(self, last_id: EventId | None, mode: Mode, now: datetime) -> Opening:
        # A hold that lapses moves no number: an id from before that may stand for more than is taken now.
        if last_id == self.clinic.event_id and last_id.seq > self.clinic.state.moved_at_seq:
            return Opening(self.clinic.cursor, "nothing")
        return Opening(self.snapshot(now), "snapshot")

    def snapshot(self, now: datetime) -> Frame:
        at, made = self.clinic.event_id, self._snapshot
        if made is None or made.at != at or now - made.as_of > SNAPSHOT_AGE:
            made = self._snapshot = Snapshot(at, now, self._frame(at, now))
        return made.frame

    def _frame(self, at: EventId, now: datetime) -> Frame:
        state = self.clinic.state
        zone = state.clinic.zone
        return frames.availability(
            [(in_zone(starts, zone).isoformat(), in_zone(ends, zone).isoformat()) for starts, ends in self._taken],
            practitioner_id=self.calendar.practitioner_id,
            dates=self.calendar.dates(state.today),
            at=at,
            as_of=now,
        )

    def _shown(self) -> list[Interval]:
        state = self.clinic.state
        first, last = self.calendar.dates(state.today)
        begins = start_of(first, state.clinic.zone).replace(tzinfo=None)
        ends = start_of(last + timedelta(days=1), state.clinic.zone).replace(tzinfo=None)
        taken = self.clinic.taken_of(self.calendar.practitioner_id)
        return [interval for interval in taken if interval.ends_at > begins and interval.starts_at < ends]


class LiveClinic:
    """A clinic that somebody looks at: its state, and the topics on it."""

    def __init__(self, state: ClinicState, now: datetime, told: Told = lambda changed_at: None) -> None:
        self.state = state
        self.used_at = now
        self.told = told
        self.topics: dict[Audience | Calendar, Topic] = {}
        self._by_scope: defaultdict[Scope, list[AppointmentTopic]] = defaultdict(list)
        self._by_practitioner: defaultdict[int, list[AvailabilityTopic]] = defaultdict(list)
        self._taken: dict[int, list[Interval]] = {}
        self._cursor: tuple[EventId, Frame] | None = None

    @property
    def event_id(self) -> EventId:
        return self.state.event_id

    @property
    def cursor(self) -> Frame:
        """The heartbeat, encoded once a sequence number."""
        if self._cursor is None or self._cursor[0] != self.event_id:
            self._cursor = self.event_id, frames.cursor(self.event_id)
        return self._cursor[1]

    def topic(self, audience: Audience, now: datetime) -> AppointmentTopic:
        self.used_at = now
        topic = self.topics.get(audience)
        if not isinstance(topic, AppointmentTopic):
            topic = self.topics[audience] = AppointmentTopic(self, audience, now)
            self._by_scope[audience.scope].append(topic)
        return topic

    def availability(self, calendar: Calendar, now: datetime) -> AvailabilityTopic:
        self.used_at = now
        topic = self.topics.get(calendar)
        if not isinstance(topic, AvailabilityTopic):
            topic = self.topics[calendar] = AvailabilityTopic(self, calendar, now)
            self._by_practitioner[calendar.practitioner_id].append(topic)
        return topic

    def taken_of(self, practitioner_id: int) -> list[Interval]:
        """Put together once for all topics on one practitioner."""
        if practitioner_id not in self._taken:
            self._taken[practitioner_id] = self.state.taken_of(practitioner_id)
        return self._taken[practitioner_id]

    def advance(self, batch: Batch) -> None:
        changed_at = batch.events[0].at
        held = self._holders(batch)
        changes = self.state.apply(batch)
        for scope, of_scope in self._split(changes).items():
            for topic in self._by_scope[scope]:
                topic.follow(of_scope, changed_at)
        self._look_at(held | self._holders(batch) | practitioners_of(changes.values()), changed_at)

    def lapse(self, now: datetime) -> None:
        """Let go of the holds that have expired, as nobody writes when they do."""
        lapses_at = self.state.lapses_at
        if lapses_at is not None and lapses_at <= (at := now.astimezone(UTC).replace(tzinfo=None)):
            self._look_at(self.state.lapse(at))

    def replace(self, fresh: ClinicState) -> None:
        self.state = self.state.adopt(fresh)
        self._taken.clear()
        for topic in self.topics.values():
            topic.look_again()

    def drop_idle_topics(self, now: datetime) -> None:
        for audience, topic in list(self.topics.items()):
            if not topic.is_read and now - topic.left_at > TOPIC_LINGER:
                del self.topics[audience]
                if isinstance(topic, AppointmentTopic):
                    _remove(self._by_scope, topic.audience.scope, topic)
                elif isinstance(topic, AvailabilityTopic):
                    _remove(self._by_practitioner, topic.calendar.practitioner_id, topic)

    def _look_at(self, practitioner_ids: set[int], changed_at: datetime | None = None) -> None:
        for practitioner_id in practitioner_ids:
            self._taken.pop(practitioner_id, None)
            for topic in self._by_practitioner.get(practitioner_id, ()):
                topic.follow(changed_at)

    def _holders(self, batch: Batch) -> set[int]:
        """Whose time the batch's holds are in, as the state has them."""
        holds = self.state.holds
        named = (holds.get(event.entity_id) for event in batch.events if event.entity == "hold")
        return {hold.practitioner_id for hold in named if hold is not None}

    def _split(self, changes: Changes) -> dict[Scope, dict[int, Change]]:
        # A thousand patients' topics need not look at each other's rows.
        split: defaultdict[Scope, dict[int, Change]] = defaultdict(dict)
        for row_id, change in changes.items():
            for scope in scopes_of(change, self.state.clinic.id) & self._by_scope.keys():
                split[scope][row_id] = change
        return split


def scopes_of(change: Change, clinic_id: int) -> set[Scope]:
    """The scopes that a changed row was or is in."""
    scopes = {Scope(clinic_id)}
    for row in change:
        if row is not None:
            scopes.add(Scope(clinic_id, "practitioner", row.practitioner_id))
            scopes.add(Scope(clinic_id, "patient", row.patient_id))
    return scopes


def practitioners_of(changes: Iterable[Change]) -> set[int]:
    return {row.practitioner_id for change in changes for row in change if row is not None}


def _remove(topics: dict[Key, list[TopicT]], key: Key, topic: TopicT) -> None:
    topics[key].remove(topic)
    if not topics[key]:
        del topics[key]
