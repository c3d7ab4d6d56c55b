"""What the stream knows of one clinic, and what follows from it. Pure: no clock, no network, no database.

A clinic's *live window* is yesterday to 31 days ahead on the clinic's calendar, and everything pending. The state is
that window as of one sequence number. It moves in two ways: `apply` takes the next events with the rows they named,
and a freshly loaded state takes its place (`adopt`) at the clinic's midnight, after a gap, or on another epoch.
"""

import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from enum import Enum
from functools import reduce
from itertools import chain, islice
from operator import xor
from typing import Literal, NamedTuple, Protocol, Self
from zoneinfo import ZoneInfo

import orjson

from clinic_stream.event_ids import NO_MARK, EventId, mark_of
from clinic_stream.inbox import Inbox
from clinic_stream.instants import in_zone, local_date, said, start_of

DAYS_BEHIND = 1
DAYS_AHEAD = 31
DEFAULT_DAYS_AHEAD = 7
LONGEST_RANGE_DAYS = 31

LOG_LENGTH = 20_000
LOG_AGE = timedelta(hours=1)
# An event stamped within this time after midnight may have been streamed before the window moved.
MIDNIGHT_MARGIN = timedelta(minutes=1)

# Below every number.
NO_BOUNDARY = -1

# What is no appointment, nor a name that appointments show.
TOUCH_NO_ROW = frozenset({"hold", "notification"})

PENDING = "pending"
# What claims time: the same as django-rest's ACTIVE_STATUSES.
ACTIVE_STATUSES = frozenset({PENDING, "confirmed", "checked_in"})
STATUSES = frozenset({PENDING, "confirmed", "checked_in", "completed", "cancelled", "rejected", "no_show"})


class View(Enum):
    """How a row is written down: a patient's own view leaves out the internal notes."""

    STAFF = "staff"
    PATIENT = "patient"


@dataclass(frozen=True, slots=True)
class Clinic:
    id: int
    name: str
    slug: str
    zone: ZoneInfo


class Facts(NamedTuple):
    """The columns that decide who sees a row."""

    practitioner_id: int
    patient_id: int
    status: str
    local_date: date


class Placed(Protocol):
    """What `Facts` and an `Appointment` have in common."""

    @property
    def practitioner_id(self) -> int: ...
    @property
    def patient_id(self) -> int: ...
    @property
    def status(self) -> str: ...
    @property
    def local_date(self) -> date: ...


@dataclass(slots=True, repr=False)
class Appointment:
    """A row of live_appointment, in its column order. Instants are naive UTC, as the database has them."""

    zone: ZoneInfo  # The clinic's.
    id: int
    clinic_id: int
    patient_id: int
    patient_name: str
    patient_email: str
    patient_phone: str
    practitioner_id: int
    practitioner_name: str
    service_id: int | None
    service_name: str | None
    service_color: str | None
    starts_at: datetime
    ends_at: datetime
    local_date: date
    status: str
    attendance_confirmed_at: datetime | None
    checked_in_at: datetime | None
    notes: str
    cancel_reason: str
    source: str
    series_id: int | None
    version: int
    created_at: datetime
    updated_at: datetime
    blocked_from: datetime  # With the buffers around a treatment.
    blocked_until: datetime
    _staff: bytes | None = field(default=None, init=False, compare=False)
    _patient: bytes | None = field(default=None, init=False, compare=False)
    _checksum: int | None = field(default=None, init=False, compare=False)

    def __repr__(self) -> str:
        return f"Appointment({self.id})"  # Names and phone numbers stay out of logs and tracebacks.

    def facts(self) -> Facts:
        return Facts(self.practitioner_id, self.patient_id, self.status, self.local_date)

    def encoded(self, view: View) -> bytes:
        """The row as JSON, made once for each kind of view."""
        if view is View.PATIENT:
            if self._patient is None:
                self._patient = orjson.dumps(self._fields(view))
            return self._patient
        if self._staff is None:
            self._staff = orjson.dumps(self._fields(view))
        return self._staff

    @property
    def checksum(self) -> int:
        """What the database makes of the row in `feed.SUM_OF_APPOINTMENTS`."""
        if self._checksum is None:
            text = "|".join(_as_the_database_writes(getattr(self, column)) for column in COLUMNS)
            self._checksum = zlib.crc32(text.encode())
        return self._checksum

    def _fields(self, view: View) -> dict[str, object]:
        start = in_zone(self.starts_at, self.zone)
        internal: dict[str, object] = {} if view is View.PATIENT else {"notes": self.notes}
        return {
            "id": self.id,
            "clinic": self.clinic_id,
            "patient": self.patient_id,
            "patient_name": self.patient_name,
            "patient_email": self.patient_email,
            "patient_phone": self.patient_phone,
            "practitioner": self.practitioner_id,
            "practitioner_name": self.practitioner_name,
            "dentist": self.practitioner_id,
            "dentist_name": self.practitioner_name,
            "service": self.service_id,
            "service_name": self.service_name,
            "service_color": self.service_color,
            "start": start.isoformat(timespec="seconds"),
            "end": in_zone(self.ends_at, self.zone).isoformat(timespec="seconds"),
            "date": self.local_date.isoformat(),
            "time": start.strftime("%H:%M"),
            "status": self.status,
            "attendance_confirmed_at": said(self.attendance_confirmed_at, self.zone),
            "checked_in_at": said(self.checked_in_at, self.zone),
            **internal,
            "cancel_reason": self.cancel_reason,
            "source": self.source,
            "series": self.series_id,
            "version": self.version,
            "created_at": said(self.created_at, self.zone),
            "updated_at": said(self.updated_at, self.zone),
        }


COLUMNS = tuple(column.name for column in fields(Appointment) if column.init and column.name != "zone")
NULL = "~"


@dataclass(frozen=True, slots=True)
class Hold:
    """A row of live_hold, in its column order."""

    id: int
    clinic_id: int
    practitioner_id: int
    starts_at: datetime
    ends_at: datetime
    expires_at: datetime
    blocked_from: datetime
    blocked_until: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """A row of live_event."""

    seq: int
    entity: str
    entity_id: int
    kind: str
    at: datetime

    @property
    def mark(self) -> int:
        return mark_of(self.at)


class Scope(NamedTuple):
    """Whose rows a viewer may see: the whole clinic's, one practitioner's or one patient's."""

    clinic_id: int
    kind: Literal["clinic", "practitioner", "patient"] = "clinic"
    id: int = 0

    def contains(self, row: Placed) -> bool:
        if self.kind == "practitioner":
            return row.practitioner_id == self.id
        return self.kind == "clinic" or row.patient_id == self.id


@dataclass(frozen=True, slots=True)
class Filter:
    """What of it was asked for. Dates include both ends; no statuses means all of them."""

    first_date: date | None = None
    last_date: date | None = None
    practitioner_id: int | None = None
    statuses: frozenset[str] = frozenset()

    def passes(self, row: Placed) -> bool:
        if self.practitioner_id is not None and row.practitioner_id != self.practitioner_id:
            return False
        return not self.statuses or row.status in self.statuses


@dataclass(frozen=True, slots=True)
class Audience:
    """Everyone who sees the same: a scope of a clinic, and a filter."""

    scope: Scope
    filter: Filter = Filter()

    @property
    def view(self) -> View:
        return View.PATIENT if self.scope.kind == "patient" else View.STAFF

    @property
    def may_know_every_id(self) -> bool:
        return self.scope.kind == "clinic" and self.filter == Filter()

    def shows(self, row: Placed, today: date) -> bool:
        """Whether a row of the live window is seen, when the clinic's date is `today`."""
        return self.scope.contains(row) and self.filter.passes(row) and self._is_timely(row, today)

    def _is_timely(self, row: Placed, today: date) -> bool:
        first, last = self.filter.first_date, self.filter.last_date
        if first is not None and last is not None:
            return first <= row.local_date <= last
        if self.scope.kind == "patient" or row.status == PENDING:
            return True
        return today <= row.local_date <= today + timedelta(days=DEFAULT_DAYS_AHEAD)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Everyone who looks at one practitioner's taken time over the same days. Without days: today and the next ones."""

    clinic_id: int
    practitioner_id: int
    first_date: date | None = None
    last_date: date | None = None

    def dates(self, today: date) -> tuple[date, date]:
        if self.first_date is None or self.last_date is None:
            return today, today + timedelta(days=DEFAULT_DAYS_AHEAD)
        return self.first_date, self.last_date


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whose notifications."""

    clinic_id: int
    user_id: int


class Claim(Protocol):
    """What an `Appointment` and a `Hold` have in common."""

    @property
    def practitioner_id(self) -> int: ...
    @property
    def blocked_from(self) -> datetime: ...
    @property
    def blocked_until(self) -> datetime: ...


class Interval(NamedTuple):
    """Taken time, from and until naive UTC instants."""

    starts_at: datetime
    ends_at: datetime


class Window(NamedTuple):
    first: date
    last: date

    @classmethod
    def around(cls, today: date) -> Self:
        return cls(today - timedelta(days=DAYS_BEHIND), today + timedelta(days=DAYS_AHEAD))

    def keeps(self, row: Placed) -> bool:
        return row.status == PENDING or self.first <= row.local_date <= self.last


class Touch(NamedTuple):
    """A row that an event changed, and its facts before; `before` is None when the window did not hold it."""

    row_id: int
    before: Facts | None


class LogEntry(NamedTuple):
    """A past event. `touched` is None when only the database remembers what it did, as after a restart."""

    event: Event
    touched: tuple[Touch, ...] | None


class Change(NamedTuple):
    before: Appointment | None
    after: Appointment | None


class Missed(NamedTuple):
    """What a reader who was away has to be told. Both empty: nothing."""

    upserts: list[Appointment]
    removes: list[int]


class Sum(NamedTuple):
    """All that a live window holds, small enough to be compared with the database's every minute."""

    rows: int
    checksum: int
    holds: frozenset[Hold]
    practitioner_ids: frozenset[int]
    inboxes: Mapping[int, Inbox]  # Some of them at a time.


@dataclass(frozen=True, slots=True)
class Batch:
    """The next events of a clinic, and what they named as it stands at the last of them: rows, holds, and the inboxes
    that somebody looks at."""

    events: list[Event]
    rows: list[Appointment]
    holds: list[Hold] = field(default_factory=list)
    inboxes: Mapping[int, Inbox] = field(default_factory=dict)


Changes = Mapping[int, Change]


class ClinicState:
    """The live window of a clinic as of `seq`."""

    def __init__(
        self,
        *,
        clinic: Clinic,
        epoch: str,
        seq: int,
        today: date,
        rows: Iterable[Appointment],
        holds: Iterable[Hold] = (),
        recent: Iterable[Event] = (),
        practitioner_ids: Iterable[int] = (),
        inboxes: Mapping[int, Inbox] | None = None,
    ) -> None:
        self.clinic = clinic
        self.epoch = epoch
        self.seq = seq
        self.today = today
        self.window = Window.around(today)
        self.rolls_at = start_of(today + timedelta(days=1), clinic.zone)
        self.rows = {row.id: row for row in rows if self.window.keeps(row)}
        self.holds = {hold.id: hold for hold in holds}
        self.practitioner_ids = frozenset(practitioner_ids)
        self.inboxes = dict(inboxes or {})
        # Up to this number time alone may have changed what an id stands for: a hold lapsed, a day began.
        self.moved_at_seq = seq
        # Whether the history of the state before it goes on here; False after a failover that lost commits.
        self.continues = True
        # Ids up to this number are answered with a snapshot, whatever their mark: see `draw_boundary`.
        self.boundary_seq = NO_BOUNDARY
        tail = newest_without_gap(recent, seq)
        self.mark = tail[-1].mark if tail else NO_MARK
        self._log: deque[LogEntry] = deque((_remembered(event) for event in tail), maxlen=LOG_LENGTH)

    @property
    def event_id(self) -> EventId:
        return EventId(self.epoch, self.clinic.id, self.seq, self.mark)

    def draw_boundary(self, seq: int | None = None) -> None:
        """Rows changed without an event, or events were lost: an id up to this number (by default the newest) does not
        tell which rows its reader holds."""
        self.boundary_seq = max(self.boundary_seq, self.seq if seq is None else seq)

    def visible_to(self, audience: Audience) -> dict[int, Appointment]:
        return {row.id: row for row in self.rows.values() if audience.shows(row, self.today)}

    def apply(self, batch: Batch) -> Changes:
        """Move on to the last event of the batch. Returns the rows that are different now, by id."""
        fetched = {row.id: row for row in batch.rows if self.window.keeps(row)}
        named = {event.entity_id for event in batch.events if event.entity == "appointment"}
        changes = {}
        # A refresh touches the rows it fetched and no others: one that is missing there has an event of its own.
        for row_id in named | fetched.keys():
            change = Change(self.rows.get(row_id), fetched.get(row_id))
            if change.before != change.after:
                changes[row_id] = change
        self._remember(batch, changes, named)
        self._take(changes)
        self._take_holds(batch)
        for user_id, inbox in batch.inboxes.items():
            self.take_inbox(user_id, inbox)
        self.seq, self.mark = batch.events[-1].seq, batch.events[-1].mark
        return changes

    def take_inbox(self, user_id: int, inbox: Inbox) -> None:
        """Unless what is known is newer: it may have been read while events came."""
        known = self.inboxes.get(user_id)
        if known is None or known.seq <= inbox.seq:
            self.inboxes[user_id] = inbox

    def is_news_to(self, user_id: int, last_id: EventId) -> bool:
        """Whether the user's inbox may have changed after `last_id`; True also when that cannot be known."""
        entries = self._entries_after(last_id)
        return entries is None or any(_is_about_inbox(event, user_id) for event, _ in entries)

    @property
    def lapses_at(self) -> datetime | None:
        """When the next hold expires, as naive UTC."""
        return min((hold.expires_at for hold in self.holds.values()), default=None)

    def lapse(self, now: datetime) -> set[int]:
        """Drop the holds that have expired by `now` (naive UTC). Returns whose they were."""
        expired = [hold for hold in self.holds.values() if hold.expires_at <= now]
        for hold in expired:
            del self.holds[hold.id]
        if expired:
            self.moved_at_seq = self.seq
        return {hold.practitioner_id for hold in expired}

    def taken_of(self, practitioner_id: int) -> list[Interval]:
        """What is taken of a practitioner's time in the live window; not by whom, nor by how many."""
        active = (row for row in self.rows.values() if row.status in ACTIVE_STATUSES)
        claims: Iterable[Claim] = chain(active, self.holds.values())
        return joined(
            Interval(claim.blocked_from, claim.blocked_until)
            for claim in claims
            if claim.practitioner_id == practitioner_id
        )

    def sum(self, users: Iterable[int] = ()) -> Sum:
        """With the inboxes of these users."""
        checksum = reduce(xor, (row.checksum for row in self.rows.values()), 0)
        inboxes = {user_id: self.inboxes[user_id] for user_id in users}
        return Sum(len(self.rows), checksum, frozenset(self.holds.values()), self.practitioner_ids, inboxes)

    def adopt(self, fresh: "ClinicState") -> "ClinicState":
        """Keep the objects of rows that are equal, and with them their encoded bytes; and inboxes that came meanwhile.
        Returns `fresh`."""
        if fresh.epoch == self.epoch and fresh.continues:
            fresh.inboxes = {**self.inboxes, **fresh.inboxes}
        for row_id, row in fresh.rows.items():
            known = self.rows.get(row_id)
            if known is not None and known == row:
                fresh.rows[row_id] = known
        return fresh

    def missed_since(self, last_id: EventId, audience: Audience) -> Missed | None:
        """What the audience missed after `last_id`, or None when that cannot be known: then show it everything."""
        entries = self._entries_after(last_id)
        if entries is None or (self._moves_at_midnight(audience) and self._may_have_moved_since(last_id.seq)):
            return None
        return self._missed_in(entries, audience)

    def knows(self, last_id: EventId) -> bool:
        """Whether the id stands for a point of this history, so that what followed it is known."""
        return self._entries_after(last_id) is not None

    def _moves_at_midnight(self, audience: Audience) -> bool:
        first = audience.filter.first_date
        return first is None or first < self.window.first

    def _missed_in(self, entries: Iterable[LogEntry], audience: Audience) -> Missed | None:
        first_touches: dict[int, Touch | None] = {}
        refreshed: set[int] = set()
        for event, touched in entries:
            if event.entity == "clinic":
                return None
            if touched is not None:
                for touch in touched:
                    first_touches.setdefault(touch.row_id, touch)
            elif event.entity == "appointment":
                first_touches.setdefault(event.entity_id, None)
            else:
                refreshed.update(row.id for row in self._rows_named_by(event))
        return self._told(first_touches, refreshed, audience)

    def _told(self, touches: Mapping[int, Touch | None], refreshed: set[int], audience: Audience) -> Missed | None:
        removes = []
        shown = [row for row_id in touches.keys() | refreshed if (row := self._shown(row_id, audience))]
        shown_ids = {row.id for row in shown}
        for row_id, touch in touches.items():
            if row_id in shown_ids:
                continue
            if touch is None and not audience.may_know_every_id:
                return None  # Naming the id could tell the reader of a row that was never theirs.
            if touch is None or (touch.before is not None and audience.shows(touch.before, self.today)):
                removes.append(row_id)
        return Missed(in_order(shown), sorted(removes))

    def _shown(self, row_id: int, audience: Audience) -> Appointment | None:
        row = self.rows.get(row_id)
        return row if row is not None and audience.shows(row, self.today) else None

    def _rows_named_by(self, event: Event) -> Iterator[Appointment]:
        return (row for row in self.rows.values() if is_named_by(row, event))

    def denies(self, seq: int, mark: int | None) -> bool:
        """Whether another event than this one is known under the number."""
        position = self._position_of(seq)
        return mark is not None and position is not None and self._mark_at(position) != mark

    def _entries_after(self, last_id: EventId) -> Iterable[LogEntry] | None:
        """The log after the event of this id; None if that event, with the same mark, is not in it, or if the id is not
        newer than the boundary."""
        if (last_id.epoch, last_id.clinic_id) != (self.epoch, self.clinic.id) or last_id.seq <= self.boundary_seq:
            return None
        position = self._position_of(last_id.seq)
        if position is None or last_id.mark != self._mark_at(position):
            return None
        return islice(self._log, position + 1, None)

    def _position_of(self, seq: int) -> int | None:
        """Where the log has the event with this number; -1 is before the first event of all."""
        position = len(self._log) - 1 - (self.seq - seq)
        first = -1 if seq == 0 else 0
        return position if first <= position < len(self._log) else None

    def _mark_at(self, position: int) -> int:
        return self._log[position].event.mark if position >= 0 else NO_MARK

    def _may_have_moved_since(self, seq: int) -> bool:
        position = self._position_of(seq)
        if position is None or position < 0:
            return True
        return local_date(self._log[position].event.at - MIDNIGHT_MARGIN, self.clinic.zone) != self.today

    def _remember(self, batch: Batch, changes: Changes, named: set[int]) -> None:
        seen: set[int] = set()
        for event in batch.events:
            touched_ids = self._touched_by(event, batch, changes)
            # Between two events of one batch a row had a state that was never read: what it was is unknown.
            unknown = bool(seen & touched_ids)
            touches = (Touch(row_id, _facts_of(changes[row_id].before)) for row_id in touched_ids if row_id in changes)
            self._log.append(LogEntry(event, None if unknown else tuple(touches)))
            seen |= touched_ids
        oldest = batch.events[-1].at - LOG_AGE
        # One that is older stays: readers of a quiet clinic come back with its id.
        while len(self._log) > 1 and self._log[1].event.at < oldest:
            self._log.popleft()

    def _touched_by(self, event: Event, batch: Batch, changes: Changes) -> set[int]:
        if event.entity == "appointment":
            return {event.entity_id}
        return {row.id for row in batch.rows if row.id in changes and is_named_by(row, event)}

    def _take(self, changes: Changes) -> None:
        for row_id, change in changes.items():
            if change.after is None:
                del self.rows[row_id]
            else:
                self.rows[row_id] = change.after

    def _take_holds(self, batch: Batch) -> None:
        for event in batch.events:
            if event.entity == "hold":
                self.holds.pop(event.entity_id, None)
        self.holds.update({hold.id: hold for hold in batch.holds})


@dataclass(frozen=True, slots=True)
class Dormant:
    """All that is remembered of a clinic which is no longer in memory, so that its readers' ids keep their meaning."""

    event_id: EventId
    boundary_seq: int
    today: date
    rows: int
    checksum: int

    @classmethod
    def of(cls, state: ClinicState) -> Self:
        total = state.sum()
        return cls(state.event_id, state.boundary_seq, state.today, total.rows, total.checksum)

    def draw_boundary_in(self, state: ClinicState) -> None:
        """In the state that was loaded when the clinic was wanted again."""
        if state.epoch != self.event_id.epoch:
            return
        state.draw_boundary(min(self.boundary_seq, state.seq))
        if state.event_id == self.event_id and state.today == self.today:
            total = state.sum()
            if (total.rows, total.checksum) != (self.rows, self.checksum):
                state.draw_boundary()  # No event tells of what has changed.


def newest_without_gap(events: Iterable[Event], seq: int) -> list[Event]:
    """The events, in order, that lead to number `seq` without a gap; empty if that one is not among them."""
    tail = list(events)
    for index in range(len(tail) - 1, -1, -1):
        if tail[index].seq != seq - (len(tail) - 1 - index):
            return tail[index + 1 :]
    return tail


def is_named_by(row: Appointment, event: Event) -> bool:
    """Whether a `refresh` event speaks of this row: the name of its patient, practitioner or service changed."""
    if event.entity == "patient":
        return row.patient_id == event.entity_id
    if event.entity == "practitioner":
        return row.practitioner_id == event.entity_id
    return event.entity == "service" and row.service_id == event.entity_id


def _as_the_database_writes(value: object) -> str:
    if value is None:
        return NULL
    return value.isoformat(" ", "microseconds") if isinstance(value, datetime) else str(value)


def in_order(rows: Iterable[Appointment]) -> list[Appointment]:
    return sorted(rows, key=lambda row: (row.starts_at, row.id))


def joined(intervals: Iterable[Interval]) -> list[Interval]:
    """In order, and those that touch or overlap as one."""
    found: list[Interval] = []
    for interval in sorted(intervals):
        if found and interval.starts_at <= found[-1].ends_at:
            found[-1] = Interval(found[-1].starts_at, max(found[-1].ends_at, interval.ends_at))
        else:
            found.append(interval)
    return found


def _is_about_inbox(event: Event, user_id: int) -> bool:
    # With the clinic's zone, what all of them show has changed.
    return event.entity == "clinic" or (event.entity == "notification" and event.entity_id == user_id)


def _remembered(event: Event) -> LogEntry:
    if event.entity == "appointment":
        # A row that was just made was not there before; of the others only the id is known.
        return LogEntry(event, (Touch(event.entity_id, None),) if event.kind == "insert" else None)
    return LogEntry(event, () if event.entity in TOUCH_NO_ROW else None)


def _facts_of(row: Appointment | None) -> Facts | None:
    return None if row is None else row.facts()
