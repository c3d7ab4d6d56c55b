"""Rows and states for the tests that need no database."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from clinic_stream.appointment import Appointment, Clinic
from clinic_stream.event_ids import NO_MARK, EventId, mark_of
from clinic_stream.events import EventBatch, FeedEvent
from clinic_stream.inbox import Inbox
from clinic_stream.state import ClinicState
from clinic_stream.taken_intervals import Hold

BERLIN = ZoneInfo("Europe/Berlin")
TODAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
EPOCH = "0123456789abcdef"
CLINIC = Clinic(1, "Lindenhof", "lindenhof", BERLIN)
PETRA, PAUL = 11, 12
ANNA, BEN = 21, 22


def appointment(row_id: int, *, day: int = 0, **changed: Any) -> Appointment:
    """Petra's with Anna, `day` days from today at ten."""
    starts_at = datetime(2026, 11, 20, 9, 0) + timedelta(days=day)  # noqa: DTZ001  # Naive UTC, as the database's.
    values: dict[str, Any] = {
        "id": row_id,
        "clinic_id": 1,
        "patient_id": ANNA,
        "patient_name": "Anna",
        "patient_email": "anna@example.org",
        "patient_phone": "+4930123456",
        "patient_phone_extension": "12",
        "patient_alert": "allergic to penicillin",
        "practitioner_id": PETRA,
        "practitioner_name": "Dr. Petra",
        "service_id": 5,
        "service_name": "Check-up",
        "service_color": "#2563eb",
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(minutes=30),
        "local_date": TODAY + timedelta(days=day),
        "status": "confirmed",
        "attendance_confirmed_at": None,
        "checked_in_at": None,
        "arrived_at": None,
        "called_at": None,
        "requested_start": None,
        "room": "",
        "reference": f"{row_id:022}",
        "request_note": "by the window, please",
        "notes": "internal",
        "cancel_reason": "",
        "source": "desk",
        "series_id": None,
        "allow_overlap": 0,
        "version": 1,
        "created_at": starts_at,
        "updated_at": starts_at,
        "blocked_from": starts_at,
        "blocked_until": starts_at + timedelta(minutes=30),
        "deleted_at": None,
    }
    return Appointment(zone=BERLIN, **{**values, **changed})


def event(
    seq: int,
    entity_id: int,
    kind: str = "update",
    *,
    entity: str = "appointment",
    at: datetime = NOON,
) -> FeedEvent:
    return FeedEvent(seq, entity, entity_id, kind, at.astimezone(UTC).replace(tzinfo=None))


def event_id(seq: int, *, clinic_id: int = 1, epoch: str = EPOCH, at: datetime = NOON) -> EventId:
    """Of an event that `event` makes; 0 is before the first of all."""
    return EventId(epoch, clinic_id, seq, mark_of(at.astimezone(UTC).replace(tzinfo=None)) if seq else NO_MARK)


def state(
    rows: Iterable[Appointment] = (),
    *,
    seq: int = 100,
    today: date = TODAY,
    epoch: str = EPOCH,
    recent: Iterable[FeedEvent] | None = None,
    holds: Iterable[Hold] = (),
    inboxes: Mapping[int, Inbox] | None = None,
) -> ClinicState:
    """By default its last event, number `seq`, was at noon today and concerned a hold."""
    return ClinicState(
        clinic=CLINIC,
        epoch=epoch,
        seq=seq,
        today=today,
        rows=rows,
        holds=holds,
        recent=[event(seq, 999, entity="hold")] if recent is None else recent,
        inboxes=inboxes,
    )


def batch(*events: FeedEvent, rows: Iterable[Appointment] = (), holds: Iterable[Hold] = ()) -> EventBatch:
    return EventBatch(list(events), list(rows), list(holds))
