"""Numbered events of a clinic, and what they change. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from clinic_stream.appointment import Appointment
from clinic_stream.event_ids import mark_of
from clinic_stream.inbox import Inbox
from clinic_stream.schedule import ClinicSchedule
from clinic_stream.taken_intervals import Hold


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """A row of live_event."""

    seq: int
    entity: str
    entity_id: int
    kind: str
    at: datetime

    @property
    def mark(self) -> int:
        return mark_of(self.at)


class RowChange(NamedTuple):
    before: Appointment | None
    after: Appointment | None


RowChanges = Mapping[int, RowChange]


class MissedChanges(NamedTuple):
    """Changes that a reader missed while away. Both empty: none."""

    upserts: list[Appointment]
    removes: list[int]


class WindowChecksum(NamedTuple):
    """All that a live window holds, small enough to be compared with the database's every minute."""

    rows: int
    checksum: int
    holds: frozenset[Hold]
    schedule: ClinicSchedule
    inboxes: Mapping[int, Inbox]  # Some of them at a time.


@dataclass(frozen=True, slots=True)
class EventBatch:
    """The next events of a clinic, and what they named as it stands at the last of them: rows, holds, and the inboxes
    that somebody looks at."""

    events: list[FeedEvent]
    rows: list[Appointment]
    holds: list[Hold] = field(default_factory=list)
    inboxes: Mapping[int, Inbox] = field(default_factory=dict)
    schedule: ClinicSchedule | None = None  # Where an event says that it has changed.


class SingleVisit(NamedTuple):
    """A visit as it was read at a sequence number; None if there was none."""

    row: Appointment | None
    seq: int


def is_named_by(row: Appointment, event: FeedEvent) -> bool:
    """Whether a `refresh` event speaks of this row: the name of its patient, practitioner or service changed."""
    if event.entity == "patient":
        return row.patient_id == event.entity_id
    if event.entity == "practitioner":
        return row.practitioner_id == event.entity_id
    return event.entity == "service" and row.service_id == event.entity_id
