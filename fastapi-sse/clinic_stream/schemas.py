"""Schemas of answers and events, for the OpenAPI document, which names them as these classes.

Nothing is validated by them while the service runs; tests compare them with the contract and with real answers.
"""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field

# A field named as its type would hide it.
CalendarDate = date

Status = Literal["pending", "confirmed", "checked_in", "completed", "cancelled", "rejected", "no_show"]


class Appointment(BaseModel):
    """As REST shows it. `dentist…` repeats `practitioner…` for older front ends."""

    id: int
    clinic: int
    patient: int
    patient_name: str
    patient_email: str
    patient_phone: str
    patient_phone_extension: str
    patient_alert: str = Field(default="", description="for the clinic alone: not in a patient's own view")
    practitioner: int
    practitioner_name: str
    dentist: int
    dentist_name: str
    service: int | None
    service_name: str | None
    service_color: str | None
    start: datetime = Field(description="in the clinic's zone")
    end: datetime = Field(description="in the clinic's zone")
    date: CalendarDate = Field(description="the clinic's")
    time: str = Field(description="HH:MM, the clinic's")
    status: Status
    attendance_confirmed_at: datetime | None
    checked_in_at: datetime | None
    arrived_at: datetime | None = Field(description="the patient says: I am here")
    called_at: datetime | None = Field(description="the clinic says: please come in")
    requested_start: datetime | None = Field(description="to which the patient asks the desk to move it")
    room: str = Field(description="into which it is called; may be empty")
    reference: str = Field(description="in the visit's own address, `/a/<reference>`")
    request_note: str = Field(description="the patient's own words at booking; may be empty")
    notes: str = Field(default="", description="internal: not in a patient's own view")
    cancel_reason: str
    source: str
    series: int | None
    allow_overlap: bool = Field(description="the desk lets it overlap other visits of the patient")
    version: int
    created_at: datetime
    updated_at: datetime


class AppointmentSnapshot(BaseModel):
    """Everything this viewer sees: of the event `snapshot` in delta mode, of events without a name in snapshot mode."""

    appointments: list[Appointment]
    more_pending: int = Field(default=0, description="in snapshot mode: requests beyond the window that are left out")
    seq: int
    as_of: datetime


class AppointmentChange(BaseModel):
    """Rows to put in place of those with the same id, and ids to take away."""

    upserts: list[Appointment]
    removes: list[int]
    seq: int


class Notification(BaseModel):
    id: int
    kind: str
    title: str
    body: str
    appointment: int | None
    created_at: datetime
    read_at: datetime | None


class NotificationSnapshot(BaseModel):
    """The newest 50, the newest first."""

    notifications: list[Notification]
    unread_count: int
    seq: int
    as_of: datetime


class NotificationChange(BaseModel):
    upserts: list[Notification]
    removes: list[int]
    unread_count: int
    seq: int


class Place(BaseModel):
    ahead: int | None = Field(
        description="visits before this one today with the same practitioner, approved and not over; 0 once it is "
        "called; null on another day, and unless it is approved and not over"
    )
    number: int | None = Field(description="today's number of the arrival: 1 was here first; null before the arrival")
    seq: int
    as_of: datetime


class VisitByLink(BaseModel):
    """A visit for whoever has its reference, which may have been forwarded: nothing of whom it is for."""

    id: int
    clinic: int
    practitioner: int
    practitioner_name: str
    service: int | None
    service_name: str | None
    service_color: str | None
    start: datetime = Field(description="in the clinic's zone")
    end: datetime = Field(description="in the clinic's zone")
    date: CalendarDate = Field(description="the clinic's")
    time: str = Field(description="HH:MM, the clinic's")
    status: Status
    attendance_confirmed_at: datetime | None
    checked_in_at: datetime | None
    arrived_at: datetime | None = Field(description="the patient says: I am here")
    called_at: datetime | None = Field(description="the clinic says: please come in")
    requested_start: datetime | None = Field(description="to which the patient asks the desk to move it")
    room: str = Field(description="into which it is called; may be empty")
    request_note: str = Field(description="the patient's own words at booking; may be empty")
    version: int


class VisitSnapshot(Place):
    """One visit, in every event."""

    appointments: list[VisitByLink] = Field(min_length=1, max_length=1)


class TeamVisit(BaseModel):
    id: int
    patient_name: str
    practitioner: int
    practitioner_name: str
    service_name: str | None
    service_color: str | None
    start: datetime
    end: datetime
    status: Status
    arrived_at: datetime | None
    checked_in_at: datetime | None
    called_at: datetime | None
    room: str


class WaitingVisit(BaseModel):
    id: int
    name: str | None = Field(description="first name and initial; null where numbers are shown")
    number: int | None = Field(description="of the arrival; null where names are shown")
    waiting_since: datetime
    called_at: datetime | None = Field(description="please come in")
    room: str


class WallSnapshot(BaseModel):
    kind: Literal["team", "waiting_room"]
    date: CalendarDate = Field(description="today, the clinic's")
    visits: list[TeamVisit] | list[WaitingVisit]
    seq: int
    as_of: datetime


class WallChange(BaseModel):
    kind: Literal["team", "waiting_room"]
    date: CalendarDate
    upserts: list[TeamVisit] | list[WaitingVisit]
    removes: list[int]
    seq: int


class Hold(BaseModel):
    """Time that is taken for the moment; nothing of whom."""

    id: int
    practitioner: int
    start: datetime = Field(description="in the clinic's zone")
    end: datetime = Field(description="in the clinic's zone")
    blocked_from: datetime = Field(description="`start` less the buffer before")
    blocked_until: datetime = Field(description="`end` and the buffer after")
    expires_at: datetime


class HoldSnapshot(BaseModel):
    holds: list[Hold]
    schedule_version: int = Field(description="rises when hours, closures, services or practitioners change")
    seq: int
    as_of: datetime


class HoldChange(BaseModel):
    upserts: list[Hold]
    removes: list[int]
    schedule_version: int = Field(description="rises when hours, closures, services or practitioners change")
    seq: int


class TakenInterval(BaseModel):
    start: datetime
    end: datetime


class AvailabilitySnapshot(BaseModel):
    practitioner: int
    from_: CalendarDate = Field(alias="from")
    to: CalendarDate
    taken: list[TakenInterval]
    seq: int
    as_of: datetime


class TakenDay(BaseModel):
    id: str = Field(description="practitioner and date: 12/2026-11-20")
    practitioner: int
    date: CalendarDate = Field(description="the clinic's")
    taken: list[TakenInterval]


class ClinicAvailability(BaseModel):
    """Facts beside the rows, in every event."""

    clinic: int
    service: int | None
    from_: CalendarDate = Field(alias="from")
    to: CalendarDate
    practitioners: list[int] = Field(description="everybody who works there, or offers the service")
    schedule_version: int = Field(description="rises when hours, closures, services or practitioners change")
    seq: int


class ClinicAvailabilitySnapshot(ClinicAvailability):
    """Of `clinic=` and `service=`: days on which something is taken."""

    days: list[TakenDay]
    as_of: datetime


class ClinicAvailabilityChange(ClinicAvailability):
    upserts: list[TakenDay]
    removes: list[str]


class Heartbeat(BaseModel):
    """Moves the cursor, and says that the connection stands."""

    seq: int


class ControlEvent(BaseModel):
    """Of `expired`, `revoked`, `replaced`, `stale`, `fresh` and `drain`: a sentence for people."""

    detail: str


class TokenExpiring(BaseModel):
    expires_in: int = Field(description="seconds")
    connection: str
    renew: str = Field(description="the path to POST a new token to")


class Connection(BaseModel):
    id: str
    user_id: int | None
    name: str | None
    role: str | None
    stream: str
    mode: Literal["snapshot", "delta"]
    opened_at: datetime
    expires_at: datetime | None
    last_id: str | None
    lag_seconds: float = Field(description="how long there has been something that the reader has not taken")


class ConnectionList(BaseModel):
    count: int
    next: None
    previous: None
    results: list[Connection]


class Renewal(BaseModel):
    id: str
    expires_at: datetime
    expires_in: int = Field(description="seconds")


class ViewerShown(BaseModel):
    user_id: int
    role: str
    clinic_id: int | None
    practitioner_id: int | None
    patient_id: int | None
    expires_at: int = Field(description="seconds since 1970")


class Alive(BaseModel):
    status: Literal["ok"]


class Readiness(BaseModel):
    status: Literal["ok", "unavailable", "stopping"]
    service: str
    version: str
    database: str = Field(description="`ok`, or the reason why it cannot be followed")
    stale_clinics: int


class Cache(BaseModel):
    clinics: int
    topics: int
    rows: int
    inboxes: int


class Staleness(BaseModel):
    service: bool
    clinics: int = Field(description="clinics that cannot be followed for a reason of their own")
    since: datetime | None
    causes: dict[str, int]


class ClockHealth(BaseModel):
    skew_seconds: float
    off: bool


class Health(BaseModel):
    status: Literal["ok", "degraded", "unavailable"]
    service: str
    version: str
    database: str = Field(description="`ok`, or the reason why it cannot be followed")
    cache: Cache
    connections: int = Field(description="open streams of this replica")
    pulse_age_seconds: float | None = Field(description="on a replica: the age of its newest pulse")
    stale: Staleness
    clock: ClockHealth
    head_lag_seconds: float | None = Field(default=None, description="for owners, administrators and METRICS_NETWORKS")


class ErrorDetail(BaseModel):
    code: str = Field(description="stable, for programs")
    detail: str = Field(description="for people")
    attr: str | None = Field(description="the parameter concerned")


class ErrorAnswer(BaseModel):
    """The one shape of every error, the same as the REST API's."""

    type: Literal["validation_error", "client_error", "server_error"]
    errors: list[ErrorDetail]
