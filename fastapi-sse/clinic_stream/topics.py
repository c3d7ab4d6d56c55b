"""Topics: encode once, send to all.

A *topic* is what a set of viewers sees alike. It numbers its versions; a change that does not alter one byte of what it
shows makes no version. A frame is made once a version, when the first connection asks, and shared by all.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Hashable, Set
from datetime import datetime, timedelta
from itertools import islice
from typing import ClassVar, NamedTuple, Protocol

from clinic_stream import frames
from clinic_stream.event_ids import EventId
from clinic_stream.frames import Frame
from clinic_stream.inbox import Inbox
from clinic_stream.instants import in_zone, start_of
from clinic_stream.params import Mode
from clinic_stream.state import (
    Appointment,
    Audience,
    Calendar,
    Changes,
    ClinicState,
    Interval,
    Missed,
    Recipient,
    in_order,
)

# A connection more versions behind than this gets a snapshot instead of the sum of its changes.
HISTORY_LENGTH = 64
# New readers share one snapshot for this long, so a thousand that come back together cost one encoding.
SNAPSHOT_AGE = timedelta(seconds=1)
# How long what nobody looks at is kept: most who leave come back at once, with a new token.
TOPIC_LINGER = timedelta(seconds=30)
# The first change of a burst is told at once, and what follows within this time together.
BURST_SECONDS = 0.02
EMPTY = Inbox({}, 0, seq=0)

Told = Callable[[datetime], None]


class Reader(Hashable, Protocol):
    """Who is woken when there is a new version."""

    def wake(self) -> None: ...


class Group(Reader, Protocol):
    """Readers who are told as one."""

    @property
    def readers(self) -> list[Reader]: ...


class Ground(Protocol):
    """What a topic stands on: its clinic."""

    state: ClinicState
    used_at: datetime
    told: Told

    @property
    def is_stale(self) -> bool: ...
    @property
    def event_id(self) -> EventId: ...
    @property
    def cursor(self) -> Frame:
        """The heartbeat."""

    def taken_of(self, practitioner_id: int) -> list[Interval]: ...


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

    def __init__(self, clinic: Ground, now: datetime) -> None:
        self.clinic = clinic
        self.version = 0
        self.crowds: dict[Hashable, Group] = {}  # Those in step, by who takes the same bytes.
        self.apart: set[Reader] = set()
        self.left_at = now
        self._changed_at: datetime | None = None
        self._told_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_read(self) -> bool:
        return bool(self.apart or self.crowds)

    def wake_readers(self) -> None:
        """There may be something for each of them, other than a new version."""
        for reader in [*self.apart, *(reader for crowd in self.crowds.values() for reader in crowd.readers)]:
            reader.wake()

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


class ListTopic(Topic):
    """Things with ids: told whole, or as what is different since a version."""

    __slots__ = ("_changes", "_history", "_snapshots")

    def __init__(self, clinic: Ground, now: datetime) -> None:
        super().__init__(clinic, now)
        self._history: deque[frozenset[int]] = deque(maxlen=HISTORY_LENGTH)
        self._snapshots: dict[Mode, Snapshot] = {}
        self._changes: dict[int, Frame] = {}

    @abstractmethod
    def _whole(self, at: EventId, as_of: datetime, *, named: bool) -> Frame: ...

    @abstractmethod
    def _part(self, ids: Set[int]) -> Frame:
        """Of these ids what is shown now, and that the others are not."""

    def snapshot(self, mode: Mode, now: datetime) -> Frame:
        at = self.clinic.event_id
        made = self._snapshots.get(mode)
        if made is None or made.at != at or now - made.as_of > SNAPSHOT_AGE:
            made = self._snapshots[mode] = Snapshot(at, now, self._whole(at, now, named=mode == "delta"))
        return made.frame

    def since(self, version: int, mode: Mode, now: datetime) -> Frame:
        behind = self.version - version
        if mode == "snapshot" or behind > len(self._history):
            return self.snapshot(mode, now)
        if version not in self._changes:
            told = set().union(*islice(self._history, len(self._history) - behind, None))
            self._changes[version] = self._part(told)
        return self._changes[version]

    def _remember(self, told: Set[int], changed_at: datetime | None = None) -> None:
        self._history.append(frozenset(told))
        self._snapshots.clear()
        self._changes.clear()
        self._publish(changed_at)


class AppointmentTopic(ListTopic):
    """One audience's appointments."""

    __slots__ = ("audience", "rows")

    kind = "appointments"

    def __init__(self, clinic: Ground, audience: Audience, now: datetime) -> None:
        super().__init__(clinic, now)
        self.audience = audience
        self.rows = clinic.state.visible_to(audience)

    def follow(self, changes: Changes, changed_at: datetime | None = None) -> None:
        """Move on with rows that changed in the clinic."""
        today = self.clinic.state.today
        told: set[int] = set()
        for row_id, change in changes.items():
            shown = change.after is not None and self.audience.shows(change.after, today)
            if self._put(row_id, change.after if shown else None):
                told.add(row_id)
        if told:
            self._remember(told, changed_at)

    def look_again(self) -> None:
        visible = self.clinic.state.visible_to(self.audience)
        told = {row_id for row_id in self.rows.keys() | visible.keys() if self._put(row_id, visible.get(row_id))}
        if told:
            self._remember(told)

    def opening(self, last_id: EventId | None, mode: Mode, now: datetime) -> Opening:
        missed = self.clinic.state.missed_since(last_id, self.audience) if last_id else None
        if missed is not None and not missed.upserts and not missed.removes:
            return Opening(self.clinic.cursor, "nothing")
        if missed is not None and mode == "delta":
            return Opening(self._change(missed), "changes")
        return Opening(self.snapshot(mode, now), "snapshot")

    def _whole(self, at: EventId, as_of: datetime, *, named: bool) -> Frame:
        view = self.audience.view
        return frames.snapshot(
            [row.encoded(view) for row in in_order(self.rows.values())], at=at, as_of=as_of, named=named
        )

    def _part(self, ids: Set[int]) -> Frame:
        upserts = in_order(self.rows[row_id] for row_id in ids & self.rows.keys())
        return self._change(Missed(upserts, sorted(ids - self.rows.keys())))

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


class InboxTopic(ListTopic):
    """A user's own notifications. Empty until their inbox has been loaded."""

    __slots__ = ("inbox", "is_loaded", "recipient")

    kind = "notifications"

    def __init__(self, clinic: Ground, recipient: Recipient, now: datetime) -> None:
        super().__init__(clinic, now)
        self.recipient = recipient
        self.inbox = EMPTY
        self.is_loaded = False

    def follow(self, changed_at: datetime | None = None) -> None:
        """Look at what is in the clinic's state now."""
        inbox = self.clinic.state.inboxes.get(self.recipient.user_id)
        if inbox is None:
            return
        self.is_loaded = True
        former, self.inbox = self.inbox, inbox
        if inbox != former:  # Of what is too old to be shown, reading changes how much is unread.
            self._remember(inbox.differing_from(former), changed_at)

    def look_again(self) -> None:
        self.follow()

    def opening(self, last_id: EventId | None, mode: Mode, now: datetime) -> Opening:
        if last_id is not None and not self.clinic.state.is_news_to(self.recipient.user_id, last_id):
            return Opening(self.clinic.cursor, "nothing")
        return Opening(self.snapshot(mode, now), "snapshot")  # It is small.

    def _whole(self, at: EventId, as_of: datetime, *, named: bool) -> Frame:
        rows, unread_count = self.inbox.rows.values(), self.inbox.unread_count
        return frames.snapshot(rows, at=at, as_of=as_of, named=named, of=self.kind, unread_count=unread_count)

    def _part(self, ids: Set[int]) -> Frame:
        rows = self.inbox.rows
        upserts = [row for row_id, row in rows.items() if row_id in ids]
        removes = sorted(ids - rows.keys())
        return frames.change(upserts, removes, at=self.clinic.event_id, unread_count=self.inbox.unread_count)


class AvailabilityTopic(Topic):
    """A practitioner's taken time over some days: for everybody, so it holds nothing about anybody."""

    __slots__ = ("_snapshot", "_taken", "calendar")

    kind = "availability"

    def __init__(self, clinic: Ground, calendar: Calendar, now: datetime) -> None:
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
