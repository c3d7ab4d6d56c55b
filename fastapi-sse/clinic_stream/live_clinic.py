"""A clinic that somebody looks at: its state, the topics on it, and which of them a change concerns."""

import random
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, KeysView
from datetime import UTC, datetime
from typing import TypeVar

from clinic_stream import frames
from clinic_stream.event_ids import EventId
from clinic_stream.frames import Frame
from clinic_stream.inbox import Inbox
from clinic_stream.staleness import Cause, Staleness
from clinic_stream.state import (
    Audience,
    Batch,
    Calendar,
    Change,
    Changes,
    ClinicState,
    Interval,
    Recipient,
    Scope,
)
from clinic_stream.topics import TOPIC_LINGER, AppointmentTopic, AvailabilityTopic, InboxTopic, Told, Topic

Key = TypeVar("Key", bound=Hashable)
TopicT = TypeVar("TopicT", bound=Topic)


class LiveClinic:
    """A clinic that somebody looks at: its state, and the topics on it."""

    def __init__(
        self,
        state: ClinicState,
        now: datetime,
        told: Told = lambda changed_at: None,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.state = state
        # Raised when the numbers have begun to mean other events: what was read before belongs to another history.
        self.history = 0
        self.staleness = Staleness()
        self._clock = clock
        self.used_at = now
        self.told = told
        self.topics: dict[Audience | Calendar | Recipient, Topic] = {}
        self._by_scope: defaultdict[Scope, list[AppointmentTopic]] = defaultdict(list)
        self._by_practitioner: defaultdict[int, list[AvailabilityTopic]] = defaultdict(list)
        self._inboxes: dict[int, InboxTopic] = {}
        self._taken: dict[int, list[Interval]] = {}
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

    def topic(self, audience: Audience, now: datetime) -> AppointmentTopic:
        self.used_at = now
        topic = self.topics.get(audience)
        if not isinstance(topic, AppointmentTopic):
            topic = self.topics[audience] = AppointmentTopic(self, audience, now)
            self._by_scope[audience.scope].append(topic)
        topic.left_at = now  # Its reader is on the way.
        return topic

    def availability(self, calendar: Calendar, now: datetime) -> AvailabilityTopic:
        self.used_at = now
        topic = self.topics.get(calendar)
        if not isinstance(topic, AvailabilityTopic):
            topic = self.topics[calendar] = AvailabilityTopic(self, calendar, now)
            self._by_practitioner[calendar.practitioner_id].append(topic)
        topic.left_at = now
        return topic

    def inbox(self, user_id: int, now: datetime) -> InboxTopic:
        self.used_at = now
        topic = self._inboxes.get(user_id)
        if topic is None:
            recipient = Recipient(self.state.clinic.id, user_id)
            topic = self.topics[recipient] = self._inboxes[user_id] = InboxTopic(self, recipient, now)
        topic.left_at = now
        return topic

    @property
    def recipients(self) -> KeysView[int]:
        """Whose notifications somebody looks at, or is about to: those at the moment it is gone through."""
        return self._inboxes.keys()

    @property
    def unread_inboxes(self) -> list[int]:
        """Users with loaded notifications that the state lacks: read from a history that has ended."""
        return [
            user_id for user_id, topic in self._inboxes.items() if topic.is_loaded and user_id not in self.state.inboxes
        ]

    def some_readers(self, most: int) -> list[int]:
        """Of those whose inboxes are loaded, by chance."""
        loaded = [user_id for user_id in self._inboxes if user_id in self.state.inboxes]
        return random.sample(loaded, min(most, len(loaded)))

    def take_inbox(self, user_id: int, inbox: Inbox) -> None:
        """What was loaded for somebody who is in `recipients`."""
        if user_id in self._inboxes:
            self.state.take_inbox(user_id, inbox)
            self._inboxes[user_id].follow()

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
        for user_id in batch.inboxes.keys() & self._inboxes.keys():
            self._inboxes[user_id].follow(changed_at)

    def lapse(self, now: datetime) -> None:
        """Let go of the holds that have expired, as nobody writes when they do."""
        lapses_at = self.state.lapses_at
        if lapses_at is not None and lapses_at <= (at := now.astimezone(UTC).replace(tzinfo=None)):
            self._look_at(self.state.lapse(at))

    def replace(self, fresh: ClinicState, *, is_repair: bool = False) -> None:
        """Go on with a freshly loaded state. `is_repair`: rows had changed without an event, so an id up to here does
        not tell which of them its reader holds."""
        former = self.state
        if is_repair or (fresh.epoch == former.epoch and not fresh.continues):
            fresh.draw_boundary()
        elif fresh.epoch == former.epoch:
            fresh.draw_boundary(former.boundary_seq)
        if not fresh.continues:
            self.history += 1
        self.state = former.adopt(fresh)
        self._taken.clear()
        for topic in self.topics.values():
            topic.look_again()

    def drop_idle_topics(self, now: datetime) -> None:
        for key, topic in list(self.topics.items()):
            if not topic.is_read and now - topic.left_at > TOPIC_LINGER:
                del self.topics[key]
                self._forget(topic)

    def _forget(self, topic: Topic) -> None:
        if isinstance(topic, AppointmentTopic):
            _remove(self._by_scope, topic.audience.scope, topic)
        elif isinstance(topic, AvailabilityTopic):
            _remove(self._by_practitioner, topic.calendar.practitioner_id, topic)
        elif isinstance(topic, InboxTopic):
            del self._inboxes[topic.recipient.user_id]
            self.state.inboxes.pop(topic.recipient.user_id, None)

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
