"""Schemas of what this service sends, for its OpenAPI document. Nothing is validated by them while the service runs;
tests compare them with the contract and with real answers."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

# A field named as its type would hide it.
CalendarDate = date

REF = "#/components/schemas/{model}"
SERVERS = [
    {"url": "/", "description": "where this document is served"},
    {"url": "http://localhost:8001", "description": "the stream of `make run`"},
]
Status = Literal["pending", "confirmed", "checked_in", "completed", "cancelled", "rejected", "no_show"]


class Appointment(BaseModel):
    """As REST shows it. `dentist…` repeats `practitioner…` for older front ends."""

    id: int
    clinic: int
    patient: int
    patient_name: str
    patient_email: str
    patient_phone: str
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
    notes: str = Field(default="", description="internal: not in a patient's own view")
    cancel_reason: str
    source: str
    series: int | None
    version: int
    created_at: datetime
    updated_at: datetime


class AppointmentSnapshot(BaseModel):
    """Everything this viewer sees: of the event `snapshot` in delta mode, of events without a name in snapshot mode."""

    appointments: list[Appointment]
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
    connections: int = Field(description="open streams, of all processes")
    pulse_age_seconds: float | None = Field(description="on a replica: the age of its newest pulse")
    stale: Staleness
    clock: ClockHealth
    workers: int = Field(default=1, description="for owners, administrators and METRICS_NETWORKS")
    head_lag_seconds: float | None = Field(default=None, description="for owners, administrators and METRICS_NETWORKS")


class ErrorDetail(BaseModel):
    code: str = Field(description="stable, for programs")
    detail: str = Field(description="for people")
    attr: str | None = Field(description="the parameter concerned")


class ErrorAnswer(BaseModel):
    """The one shape of every error, the same as the REST API's."""

    type: Literal["validation_error", "client_error", "server_error"]
    errors: list[ErrorDetail]


# The name of an event, `message` without one, and the schema of its data.
Events = Mapping[str, type[BaseModel]]
ENDINGS: Events = dict.fromkeys(("replaced", "stale", "fresh", "drain"), ControlEvent)
OF_SIGNED_IN: Events = {"token-expiring": TokenExpiring, **dict.fromkeys(("expired", "revoked"), ControlEvent)}
APPOINTMENT_EVENTS: Events = {
    "message": AppointmentSnapshot,
    "snapshot": AppointmentSnapshot,
    "change": AppointmentChange,
    "heartbeat": Heartbeat,
    **OF_SIGNED_IN,
    **ENDINGS,
}
NOTIFICATION_EVENTS: Events = {
    "message": NotificationSnapshot,
    "snapshot": NotificationSnapshot,
    "change": NotificationChange,
    "heartbeat": Heartbeat,
    **OF_SIGNED_IN,
    **ENDINGS,
}
AVAILABILITY_EVENTS: Events = {"message": AvailabilitySnapshot, "heartbeat": Heartbeat, **ENDINGS}
EVERY_EVENT = (*APPOINTMENT_EVENTS.values(), *NOTIFICATION_EVENTS.values(), *AVAILABILITY_EVENTS.values())


def event_stream(events: Events) -> dict[str, Any]:
    """A response body. OpenAPI 3.1 has no schema for events, so `x-events` names that of each event's data."""
    named = {name: {"$ref": REF.format(model=model.__name__)} for name, model in events.items()}
    description = "Server-Sent Events. `x-events`: the schema of each event's `data`, by the event's name."
    return {"text/event-stream": {"schema": {"type": "string", "description": description}, "x-events": named}}


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """With the schemas that only `x-events` refers to, and without the framework's own error, which is never sent."""
    models = dict.fromkeys(EVERY_EVENT)
    _, definitions = models_json_schema([(model, "serialization") for model in models], ref_template=REF)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name, schema in definitions["$defs"].items():
        schemas.setdefault(name, schema)
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
    return document
