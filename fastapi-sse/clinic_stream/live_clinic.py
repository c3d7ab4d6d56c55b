"""A clinic that somebody looks at: its state, the topics on it, and which of them a change concerns."""

import asyncio
import random
from collections import defaultdict, deque
from collections.abc import Callable, KeysView, Mapping
from datetime import UTC, datetime
from typing import TypeVar, cast

from clinic_stream import frames
from clinic_stream.appointment import Appointment
from clinic_stream.appointment_topic import AppointmentTopic
from clinic_stream.audiences import (
    AppointmentAudience,
    AvailabilityAudience,
    ClinicAvailabilityAudience,
    HoldAudience,
    InboxAudience,
    RecordScope,
    VisitAudience,
    WallAudience,
)
from clinic_stream.availability_topic import AvailabilityTopic
from clinic_stream.clinic_availability import ClinicAvailabilityTopic, TakenDays
from clinic_stream.clinic_reload import compared, practitioners_of, prepared_rows_of, scopes_of, split
from clinic_stream.event_ids import EventId
from clinic_stream.events import EventBatch, RowChange, RowChanges, SingleVisit
from clinic_stream.frames import Frame
from clinic_stream.hold_topic import HoldTopic
from clinic_stream.inbox import Inbox
from clinic_stream.inbox_topic import InboxTopic
from clinic_stream.schedule import Named
from clinic_stream.staleness import Cause, Staleness
from clinic_stream.state import ClinicState
from clinic_stream.taken_interval_cache import TakenIntervalCache
from clinic_stream.taken_intervals import TakenInterval
from clinic_stream.time_slices import fewer_collections, give_way, release
from clinic_stream.topic_index import AnyAudience, AudienceT, TopicIndex
from clinic_stream.topics import TOPIC_LINGER, OnDelivered, Topic
from clinic_stream.visit_topic import VisitTopic, topic_of
from clinic_stream.waiting_lines import LineChanges, WaitingLines, line_changes_of
from clinic_stream.wall_topic import WallTopic

TopicT = TypeVar("TopicT", bound=Topic)


class LiveClinic:
    """A clinic that somebody looks at: its state, and the topics on it."""

    def __init__(
        self,
        state: ClinicState,
        now: datetime,
        on_delivered: OnDelivered = lambda changed_at: None,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.state = state
        # Raised when the numbers have begun to mean other events: what was read before belongs to another history.
        self.history = 0
        self.staleness = Staleness()
        self._clock = clock
        self.used_at = now
        self.on_delivered = on_delivered
        self._index = TopicIndex(state.clinic.id)
        self.topics: Mapping[AnyAudience, Topic] = self._index.by_audience
        self._lines: WaitingLines | None = None
        self._taken = TakenIntervalCache(state)
        self._is_moving = False
        self._to_call: deque[Callable[[], None]] = deque()
        self._cursor: tuple[EventId, Frame] | None = None

    @property
    def event_id(self) -> EventId:
        return self.state.event_id

    @property
    def is_stale(self) -> bool:
        return self.staleness.is_stale

    def mark_stale(self, cause: Cause, reason: str = "") -> None:
        """Tell this clinic's readers, unless they have been told."""
        if self.staleness.mark_stale(cause, self._clock(), reason):
            self._wake_readers()

    def mark_fresh(self, *causes: Cause) -> None:
        """Remove these troubles, all without arguments. Tell the readers when none is left."""
        if self.staleness.mark_fresh(causes or Cause):
            self._wake_readers()

    def _wake_readers(self) -> None:
        for topic in self.topics.values():
            topic.wake_readers()

    @property
    def cursor(self) -> Frame:
        """The heartbeat, encoded once a sequence number."""
        if self._cursor is None or self._cursor[0] != self.event_id:
            self._cursor = self.event_id, frames.heartbeat(self.event_id)
        return self._cursor[1]

    def topic(
        self, audience: AppointmentAudience, now: datetime, *, family: frozenset[int] = frozenset()
    ) -> AppointmentTopic:
        """`audience` without a family, whatever the family is: it may change under the topic's readers."""
        topic = self._open(audience, now, AppointmentTopic)
        self._index.set_family(topic, family)
        return topic

    def _open(
        self, audience: AudienceT, now: datetime, make: Callable[["LiveClinic", AudienceT, datetime], TopicT]
    ) -> TopicT:
        """The topic of this audience, made for its first reader."""
        topic = self.topics.get(audience)
        if topic is None:
            topic = make(self, audience, now)
            self._index.add(audience, topic)
        self.used_at = topic.left_at = now  # Its reader is on the way.
        return cast(TopicT, topic)

    def set_family(self, patient_id: int, family: frozenset[int]) -> None:
        """Of the account whose own record this is: its open streams show the visits of these records, too."""
        for topic in self._index.of_patient(patient_id):
            self._index.set_family(topic, family)

    def availability(self, audience: AvailabilityAudience, now: datetime) -> AvailabilityTopic:
        return self._open(audience, now, AvailabilityTopic)

    def clinic_availability(self, audience: ClinicAvailabilityAudience, now: datetime) -> ClinicAvailabilityTopic:
        return self._open(audience, now, ClinicAvailabilityTopic)

    def has(self, named: Named, row_id: int) -> bool:
        """Whether this is the clinic, or one of its active practitioners or services."""
        if named == "clinic":
            return row_id == self.state.clinic.id
        schedule = self.state.schedule
        return row_id in (schedule.practitioner_ids if named == "practitioner" else schedule.service_ids)

    def holds(self, audience: HoldAudience, now: datetime) -> HoldTopic:
        return self._open(audience, now, HoldTopic)

    def inbox(self, user_id: int, now: datetime) -> InboxTopic:
        return self._open(InboxAudience(self.state.clinic.id, user_id), now, InboxTopic)

    def visit_topic(self, audience: VisitAudience, now: datetime) -> VisitTopic:
        """Requires: the visit is known. It is followed from now on, also out of the window."""
        visit_id = audience.visit_id
        self.state.visits.setdefault(visit_id, SingleVisit(self.state.rows.get(visit_id), self.state.seq))
        return self._open(audience, now, topic_of)

    def wall(self, audience: WallAudience, now: datetime) -> WallTopic:
        return self._open(audience, now, WallTopic)

    def knows_visit(self, visit_id: int) -> bool:
        return visit_id in self.state.visits or visit_id in self.state.rows

    def visit(self, visit_id: int) -> Appointment | None:
        known = self.state.visits.get(visit_id)
        return self.state.rows.get(visit_id) if known is None else known.row

    def take_visit(self, visit_id: int, visit: SingleVisit) -> None:
        self.state.take_visit(visit_id, visit)
        for topic in self._index.by_visit.get(visit_id, ()):
            topic.follow()

    @property
    def visit_ids(self) -> list[int]:
        """Those that somebody looks at by their reference."""
        return list(self._index.by_visit)

    @property
    def unread_visits(self) -> list[int]:
        return [visit_id for visit_id in self._index.by_visit if visit_id not in self.state.visits]

    @property
    def lines(self) -> WaitingLines:
        """Put together when first asked for, and again after a change of today's."""
        if self._lines is None:
            self._lines = WaitingLines(self.state.rows_on(self.state.today), self.state.today)
        return self._lines

    @property
    def recipients(self) -> KeysView[int]:
        """Users whose inboxes are open, or are about to be, at the moment this is gone through."""
        return self._index.inboxes.keys()

    @property
    def unread_inboxes(self) -> list[int]:
        """Users with loaded notifications that the state lacks: read from a history that has ended."""
        return [
            user_id
            for user_id, topic in self._index.inboxes.items()
            if topic.is_loaded and user_id not in self.state.inboxes
        ]

    def some_readers(self, most: int) -> list[int]:
        """Of those whose inboxes are loaded, by chance."""
        loaded = [user_id for user_id in self._index.inboxes if user_id in self.state.inboxes]
        return random.sample(loaded, min(most, len(loaded)))

    def take_inbox(self, user_id: int, inbox: Inbox) -> None:
        """The part of a load that concerns `recipients`."""
        if user_id in self._index.inboxes:
            self.state.take_inbox(user_id, inbox)
            self._index.inboxes[user_id].follow()

    def taken_of(self, practitioner_id: int) -> list[TakenInterval]:
        return self._taken.of(practitioner_id)

    def taken_days_of(self, practitioner_id: int) -> TakenDays:
        return self._taken.days_of(practitioner_id)

    async def prepare_availability(self, service_id: int | None) -> None:
        """Put together what a topic on a whole clinic shows, in turns with everything else."""
        await self._taken.put_together(self.state.schedule.offering(service_id))

    def call_in_turn(self, tell: Callable[[], None]) -> bool:
        """While all topics move at once: later, one in each turn of the event loop."""
        if not self._is_moving:
            return False
        self._to_call.append(tell)
        if len(self._to_call) == 1:
            asyncio.get_running_loop().call_soon(self._call_next)
        return True

    def _call_next(self) -> None:
        try:
            self._to_call[0]()
        finally:
            self._to_call.popleft()
            if self._to_call:
                asyncio.get_running_loop().call_soon(self._call_next)

    def advance(self, batch: EventBatch) -> None:
        changed_at = batch.events[0].at
        held = self._holders(batch)
        changes = self.state.apply(batch)
        for scope, of_scope in self._split(changes).items():
            for topic in self._index.by_scope[scope]:
                topic.follow(of_scope, changed_at)
        self._look_at(held | self._holders(batch) | practitioners_of(changes.values()), changed_at)
        if batch.schedule is not None or any(event.entity == "hold" for event in batch.events):
            self._follow_holds(changed_at)
        if batch.schedule is not None:
            for clinic_topic in self._index.of_clinic.values():
                clinic_topic.look_again(changed_at)
        self._follow_visits(batch, changes, changed_at)
        for user_id in batch.inboxes.keys() & self._index.inboxes.keys():
            self._index.inboxes[user_id].follow(changed_at)

    def lapse(self, now: datetime) -> None:
        """Let go of the holds that have expired, as nobody writes when they do."""
        lapses_at = self.state.lapses_at
        if lapses_at is not None and lapses_at <= (at := now.astimezone(UTC).replace(tzinfo=None)):
            self._look_at(self.state.lapse(at))
            self._follow_holds()

    async def replace(self, fresh: ClinicState, *, is_repair: bool = False) -> None:
        """Go on with a freshly loaded state, in turns with everything else. Meanwhile the former one is shown, and may
        not move. `is_repair`: rows had changed without an event, so an id up to here does not tell which of them its
        reader holds."""
        with fewer_collections(len(fresh.rows)):
            await self._replace(fresh, is_repair=is_repair)

    async def _replace(self, fresh: ClinicState, *, is_repair: bool) -> None:
        await give_way()
        former = self.state
        changes = await compared(former, fresh)
        by_scope = await split(changes, fresh.clinic.id)
        while True:
            taken = await self._taken.in_state(fresh)
            prepared = await prepared_rows_of(self._index.appointment_topics, by_scope, fresh)
            if taken.has_all_of(self._taken):
                break
        # From here on nothing is awaited, so nobody is shown a part of each.
        assert self.state is former, "a clinic is written to by one task"
        _draw_boundaries(former, fresh, is_repair=is_repair)
        if not fresh.continues:
            self.history += 1
        self.state, self._taken, self._lines = former.adopt(fresh), taken, None
        self._is_moving = True
        for topic in self.topics.values():
            if isinstance(topic, AppointmentTopic):
                topic.show(prepared[topic])
            else:
                topic.look_again()
        self._is_moving = False
        await release(*by_scope.values(), changes, former.rows)

    def drop_idle_topics(self, now: datetime) -> None:
        for audience, topic in list(self.topics.items()):
            topic.drop_old_frames(now)
            if not topic.is_read and now - topic.left_at > TOPIC_LINGER:
                self._forget(audience, topic)

    def _forget(self, audience: AnyAudience, topic: Topic) -> None:
        self._index.remove(audience, topic)
        if isinstance(topic, VisitTopic) and topic.audience.visit_id not in self._index.by_visit:
            self.state.visits.pop(topic.audience.visit_id, None)
        elif isinstance(topic, InboxTopic):
            self.state.inboxes.pop(topic.audience.user_id, None)

    def _look_at(self, practitioner_ids: set[int], changed_at: datetime | None = None) -> None:
        self._taken.forget(practitioner_ids)
        for practitioner_id in practitioner_ids:
            for topic in self._index.by_practitioner.get(practitioner_id, ()):
                topic.follow(changed_at)
        for clinic_topic in self._index.of_clinic.values() if practitioner_ids else ():
            clinic_topic.follow(practitioner_ids, changed_at)

    def _follow_visits(self, batch: EventBatch, changes: RowChanges, changed_at: datetime) -> None:
        line_changes = line_changes_of(changes.values(), self.state.today)
        if line_changes.practitioner_ids or line_changes.is_arrival:
            self._lines = None
        self._follow_walls(changes, changed_at, renumbers=line_changes.renumbers)
        if self._index.by_visit:
            self._follow_single_visits(batch, line_changes, changed_at)

    def _follow_walls(self, changes: RowChanges, changed_at: datetime, *, renumbers: bool) -> None:
        for wall in self._index.walls.values():
            if renumbers:
                wall.look_again(changed_at)
            else:
                wall.follow(changes, changed_at)

    def _follow_single_visits(self, batch: EventBatch, line_changes: LineChanges, changed_at: datetime) -> None:
        """Those that changed, those behind them, and all of today where numbers are given anew."""
        named = {event.entity_id for event in batch.events if event.entity == "appointment"}
        named |= {row.id for row in batch.rows}
        if line_changes.renumbers:
            named |= self._index.by_visit.keys()
        for practitioner_id in line_changes.practitioner_ids:
            named |= set(self.lines.visits_of(practitioner_id))
        for visit_id in named & self._index.by_visit.keys():
            for topic in self._index.by_visit[visit_id]:
                topic.follow(changed_at)

    def _follow_holds(self, changed_at: datetime | None = None) -> None:
        for topic in self._index.holds.values():
            topic.follow(changed_at)

    def _holders(self, batch: EventBatch) -> set[int]:
        """Practitioners whose time the batch's holds are in, as the state has them."""
        holds = self.state.holds
        named = (holds.get(event.entity_id) for event in batch.events if event.entity == "hold")
        return {hold.practitioner_id for hold in named if hold is not None}

    def _split(self, changes: RowChanges) -> dict[RecordScope, dict[int, RowChange]]:
        # A thousand patients' topics need not look at each other's rows.
        split: defaultdict[RecordScope, dict[int, RowChange]] = defaultdict(dict)
        for row_id, change in changes.items():
            for scope in scopes_of(change, self.state.clinic.id) & self._index.by_scope.keys():
                split[scope][row_id] = change
        return split


def _draw_boundaries(former: ClinicState, fresh: ClinicState, *, is_repair: bool) -> None:
    if is_repair or (fresh.epoch == former.epoch and not fresh.continues):
        fresh.draw_boundary()
    elif fresh.epoch == former.epoch:
        fresh.draw_boundary(former.boundary_seq)
