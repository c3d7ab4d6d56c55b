"""The stream's knowledge of one clinic, and what follows from it. Pure: no clock, no network, no database.

The state is the clinic's live window (see `window`) as of one sequence number. It moves in two ways: `apply` takes the
next events with the rows they named, and a freshly loaded state takes its place (`adopt`) at the clinic's midnight,
after a gap, or on another epoch.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Self

from clinic_stream.appointment import ACTIVE_STATUSES, Appointment, Clinic, VisibilityFacts, in_order, sum_up
from clinic_stream.audiences import AppointmentAudience
from clinic_stream.event_ids import EventId
from clinic_stream.event_log import LOG_AGE, EventLog, LogEntry, RowTouch
from clinic_stream.events import (
    EventBatch,
    FeedEvent,
    MissedChanges,
    RowChange,
    RowChanges,
    SingleVisit,
    WindowChecksum,
    is_named_by,
)
from clinic_stream.inbox import Inbox
from clinic_stream.instants import local_date, start_of
from clinic_stream.row_index import RowIndex
from clinic_stream.schedule import NO_SCHEDULE, ClinicSchedule
from clinic_stream.taken_intervals import Claim, Hold, TakenInterval, joined
from clinic_stream.time_slices import ITEMS_PER_SLICE, in_slices
from clinic_stream.window import LiveWindow

# An event stamped within this time after midnight may have been streamed before the window moved.
MIDNIGHT_MARGIN = timedelta(minutes=1)
# Below every number.
NO_BOUNDARY = -1
# Longer than it takes until a change of a family, once it has its number, shows on open streams.
FAMILY_MARGIN_MICROSECONDS = 5_000_000


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
        recent: Iterable[FeedEvent] = (),
        schedule: ClinicSchedule = NO_SCHEDULE,
        inboxes: Mapping[int, Inbox] | None = None,
        visits: Mapping[int, Appointment | None] | None = None,
    ) -> None:
        self.clinic = clinic
        self.epoch = epoch
        self.seq = seq
        self.today = today
        self.window = LiveWindow.around(today)
        self.rolls_at = start_of(today + timedelta(days=1), clinic.zone)
        self.rows: dict[int, Appointment] = {}
        self._index = RowIndex()
        self.add(rows)
        self.holds = {hold.id: hold for hold in holds}
        self.schedule = schedule
        self.inboxes = dict(inboxes or {})
        # Looked at one by one, wherever in time they are. None: there is no such visit.
        self.visits = {visit_id: SingleVisit(row, seq) for visit_id, row in (visits or {}).items()}
        # Up to this number time alone may have changed what an id stands for: a hold lapsed, a day began.
        self.moved_at_seq = seq
        # Whether the history of the state before it goes on here; False after a failover that lost commits.
        self.continues = True
        # Ids up to this number are answered with a snapshot, whatever their mark: see `draw_boundary`.
        self.boundary_seq = NO_BOUNDARY
        self._log = EventLog(recent, seq)
        # By an account's own record, the mark of the newest change of its family.
        self._family_marks: dict[int, int] = {}
        self._note_families(self._log.events)

    @property
    def mark(self) -> int:
        """Of the event with the newest number."""
        return self._log.mark

    @property
    def event_id(self) -> EventId:
        return EventId(self.epoch, self.clinic.id, self.seq, self.mark)

    def draw_boundary(self, seq: int | None = None) -> None:
        """Rows changed without an event, or events were lost: an id up to this number (by default the newest) does not
        tell which rows its reader holds."""
        self.boundary_seq = max(self.boundary_seq, self.seq if seq is None else seq)

    def add(self, rows: Iterable[Appointment]) -> None:
        """Of a state that is being loaded: rows of its window that it lacks."""
        for row in rows:
            if self.window.keeps(row):
                self._put(row.id, row)

    async def arrange(self) -> None:
        """Put the rows of each day in order, so that a list of many days almost is; in turns with everything else."""
        if len(self.rows) <= ITEMS_PER_SLICE:
            return
        async for days in in_slices(list(self._index.by_date), size=1):
            self._index.by_date.sort(days[0], lambda row_id: (self.rows[row_id].starts_at, row_id))

    def visible_to(self, audience: AppointmentAudience) -> dict[int, Appointment]:
        """Looks at no rows but those of the audience's practitioner, patients or days."""
        return {row.id: row for row in self._candidates(audience) if audience.shows(row, self.today)}

    def rows_of(self, practitioner_id: int) -> list[Appointment]:
        return self._found(self._index.by_practitioner[practitioner_id])

    def rows_on(self, day: date) -> list[Appointment]:
        return self._found(self._index.by_date[day])

    def _candidates(self, audience: AppointmentAudience) -> Iterator[Appointment]:
        """At least the rows that the audience sees, in the order of their days where they are many."""
        scope, wanted = audience.scope, audience.filter
        if scope.kind == "patient":
            patients = {scope.id, *audience.family}
            return chain.from_iterable(self._found(self._index.by_patient[patient_id]) for patient_id in patients)
        if scope.kind == "practitioner" or wanted.practitioner_id is not None:
            return iter(self.rows_of(scope.id if scope.kind == "practitioner" else wanted.practitioner_id or 0))
        first, last = audience.dates(self.today)
        days = sorted(day for day in self._index.by_date if first <= day <= last)
        beyond = (row for row in self._found(self._index.awaiting) if not first <= row.local_date <= last)
        return chain(chain.from_iterable(map(self.rows_on, days)), beyond)

    def _found(self, row_ids: Iterable[int]) -> list[Appointment]:
        return [row for row_id in row_ids if (row := self.rows.get(row_id)) is not None]

    def apply(self, batch: EventBatch) -> RowChanges:
        """Move on to the last event of the batch. Returns the rows that are different now, by id."""
        fetched = {row.id: row for row in batch.rows if self.window.keeps(row)}
        named = {event.entity_id for event in batch.events if event.entity == "appointment"}
        changes = {}
        # A refresh touches the rows it fetched and no others: one that is missing there has an event of its own.
        for row_id in named | fetched.keys():
            change = RowChange(self.rows.get(row_id), fetched.get(row_id))
            if change.before != change.after:
                changes[row_id] = change
        self._remember(batch, changes, named)
        self._note_families(batch.events)
        for row_id, change in changes.items():
            self._put(row_id, change.after)
        self._take_holds(batch)
        self.schedule = batch.schedule or self.schedule
        for user_id, inbox in batch.inboxes.items():
            self.take_inbox(user_id, inbox)
        self._follow_visits(batch, named)
        self.seq = batch.events[-1].seq
        return changes

    def take_inbox(self, user_id: int, inbox: Inbox) -> None:
        """Unless what is known is newer: it may have been read while events came."""
        known = self.inboxes.get(user_id)
        if known is None or known.seq <= inbox.seq:
            self.inboxes[user_id] = inbox

    def take_visit(self, visit_id: int, visit: SingleVisit) -> None:
        """Unless what is known is newer."""
        known = self.visits.get(visit_id)
        if known is None or known.seq <= visit.seq:
            self.visits[visit_id] = visit

    def visits_named_by(self, events: Iterable[FeedEvent]) -> set[int]:
        """Visits outside of the window that somebody looks at, where a name they show has changed."""
        renames = [event for event in events if event.entity in {"patient", "practitioner", "service"}]
        beyond = {
            visit_id: visit.row
            for visit_id, visit in self.visits.items()
            if renames and visit.row is not None and visit_id not in self.rows
        }
        return {visit_id for visit_id, row in beyond.items() if any(is_named_by(row, event) for event in renames)}

    def _follow_visits(self, batch: EventBatch, named: set[int]) -> None:
        found = {row.id: row for row in batch.rows}
        for visit_id in self.visits.keys() & (named | found.keys()):
            self.take_visit(visit_id, SingleVisit(found.get(visit_id), batch.events[-1].seq))

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

    def taken_of(self, practitioner_id: int) -> list[TakenInterval]:
        """Taken intervals of a practitioner's time in the live window; not by whom, nor by how many."""
        active = (row for row in self.rows_of(practitioner_id) if row.status in ACTIVE_STATUSES)
        held = (hold for hold in self.holds.values() if hold.practitioner_id == practitioner_id)
        claims: Iterable[Claim] = chain(active, held)
        return joined(TakenInterval(claim.blocked_from, claim.blocked_until) for claim in claims)

    def sum(self, users: Iterable[int] = ()) -> WindowChecksum:
        """With the inboxes of these users."""
        inboxes = {user_id: self.inboxes[user_id] for user_id in users}
        return WindowChecksum(
            len(self.rows), sum_up(self.rows.values()), frozenset(self.holds.values()), self.schedule, inboxes
        )

    def adopt(self, fresh: "ClinicState") -> "ClinicState":
        """Keep inboxes that came while it was loaded. Returns `fresh`."""
        if fresh.epoch == self.epoch and fresh.continues:
            fresh.inboxes = {**self.inboxes, **fresh.inboxes}
        return fresh

    def missed_since(self, last_id: EventId, audience: AppointmentAudience) -> MissedChanges | None:
        """Changes that the audience missed after `last_id`, or None when they are unknown: then show it everything."""
        entries = self._entries_after(last_id)
        if entries is None or (self._moves_at_midnight(audience) and self._may_have_moved_since(last_id.seq)):
            return None
        if self._has_changed_family_since(last_id, audience):
            return None
        return self._missed_in(entries, audience)

    def knows(self, last_id: EventId) -> bool:
        """Whether the id stands for a point of this history, so that what followed it is known."""
        return self._entries_after(last_id) is not None

    def _has_changed_family_since(self, last_id: EventId, audience: AppointmentAudience) -> bool:
        """Whether the reader of this id may have been shown another family's rows, also shortly after the change."""
        mark = self._family_marks.get(audience.scope.id) if audience.scope.kind == "patient" else None
        return mark is not None and mark > last_id.mark - FAMILY_MARGIN_MICROSECONDS

    def _note_families(self, events: Iterable[FeedEvent]) -> None:
        self._family_marks.update({event.entity_id: event.mark for event in events if event.entity == "family"})

    def _moves_at_midnight(self, audience: AppointmentAudience) -> bool:
        first = audience.filter.first_date
        return first is None or first < self.window.first

    def _missed_in(self, entries: Iterable[LogEntry], audience: AppointmentAudience) -> MissedChanges | None:
        first_touches: dict[int, RowTouch | None] = {}
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

    def _told(
        self, touches: Mapping[int, RowTouch | None], refreshed: set[int], audience: AppointmentAudience
    ) -> MissedChanges | None:
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
        return MissedChanges(in_order(shown), sorted(removes))

    def _shown(self, row_id: int, audience: AppointmentAudience) -> Appointment | None:
        row = self.rows.get(row_id)
        return row if row is not None and audience.shows(row, self.today) else None

    def _rows_named_by(self, event: FeedEvent) -> Iterable[Appointment]:
        if event.entity == "patient":
            return self._found(self._index.by_patient[event.entity_id])
        if event.entity == "practitioner":
            return self.rows_of(event.entity_id)
        return (row for row in self.rows.values() if is_named_by(row, event))

    def denies(self, seq: int, mark: int | None) -> bool:
        """Whether another event than this one is known under the number."""
        return self._log.denies(seq, mark)

    def _entries_after(self, last_id: EventId) -> Iterable[LogEntry] | None:
        """The log after the event of this id; None if that event, with the same mark, is not in it, or if the id is not
        newer than the boundary."""
        if (last_id.epoch, last_id.clinic_id) != (self.epoch, self.clinic.id) or last_id.seq <= self.boundary_seq:
            return None
        return self._log.after(last_id.seq, last_id.mark)

    def _may_have_moved_since(self, seq: int) -> bool:
        at = self._log.instant_of(seq)
        return at is None or local_date(at - MIDNIGHT_MARGIN, self.clinic.zone) != self.today

    def _remember(self, batch: EventBatch, changes: RowChanges, named: set[int]) -> None:
        seen: set[int] = set()
        for event in batch.events:
            touched_ids = self._touched_by(event, batch, changes)
            # Between two events of one batch a row had a state that was never read: what it was is unknown.
            unknown = bool(seen & touched_ids)
            touches = (
                RowTouch(row_id, _visibility_facts_of(changes[row_id].before))
                for row_id in touched_ids
                if row_id in changes
            )
            self._log.add(event, None if unknown else tuple(touches))
            seen |= touched_ids
        self._log.drop_older_than(batch.events[-1].at - LOG_AGE)

    def _touched_by(self, event: FeedEvent, batch: EventBatch, changes: RowChanges) -> set[int]:
        if event.entity == "appointment":
            return {event.entity_id}
        return {row.id for row in batch.rows if row.id in changes and is_named_by(row, event)}

    def _put(self, row_id: int, row: Appointment | None) -> None:
        self._index.put(self.rows.get(row_id), row)
        if row is None:
            del self.rows[row_id]
        else:
            self.rows[row_id] = row

    def _take_holds(self, batch: EventBatch) -> None:
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


def _is_about_inbox(event: FeedEvent, user_id: int) -> bool:
    # With the clinic's zone, what all of them show has changed.
    return event.entity == "clinic" or (event.entity == "notification" and event.entity_id == user_id)


def _visibility_facts_of(row: Appointment | None) -> VisibilityFacts | None:
    return None if row is None else row.visibility_facts()
