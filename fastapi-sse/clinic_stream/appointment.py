"""A row of live_appointment, what of it decides who sees it, and how it is written down. Pure."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from functools import reduce
from operator import attrgetter, xor
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from clinic_stream.instants import in_zone, said
from clinic_stream.json_bytes import kept_json

PENDING = "pending"
CONFIRMED = "confirmed"
# Statuses that claim time: the same as django-rest's ACTIVE_STATUSES.
ACTIVE_STATUSES = frozenset({PENDING, CONFIRMED, "checked_in"})
STATUSES = frozenset({PENDING, CONFIRMED, "checked_in", "completed", "cancelled", "rejected", "no_show"})


class View(Enum):
    """How a row is written down: a patient's own view leaves out internal notes and the record's alert. Whoever has a
    visit's link sees nothing of whom it is for."""

    STAFF = "staff"
    PATIENT = "patient"
    LINK = "link"


# As REST shows a visit by its reference: a link may be forwarded, so it names nobody.
SHOWN_BY_LINK = (
    "id",
    "clinic",
    "practitioner",
    "practitioner_name",
    "service",
    "service_name",
    "service_color",
    "start",
    "end",
    "date",
    "time",
    "status",
    "attendance_confirmed_at",
    "checked_in_at",
    "arrived_at",
    "called_at",
    "requested_start",
    "room",
    "request_note",
    "version",
)


@dataclass(frozen=True, slots=True)
class Clinic:
    id: int
    name: str
    slug: str
    zone: ZoneInfo


class VisibilityFacts(NamedTuple):
    """The columns that decide who sees a row."""

    practitioner_id: int
    patient_id: int
    status: str
    local_date: date
    deleted_at: datetime | None = None
    requested_start: datetime | None = None


class VisibilityColumns(Protocol):
    """Common fields of `VisibilityFacts` and an `Appointment`."""

    @property
    def practitioner_id(self) -> int: ...
    @property
    def patient_id(self) -> int: ...
    @property
    def status(self) -> str: ...
    @property
    def local_date(self) -> date: ...
    @property
    def deleted_at(self) -> datetime | None: ...
    @property
    def requested_start(self) -> datetime | None: ...


def awaits_answer(row: VisibilityColumns) -> bool:
    """Whether the clinic has to answer a request, or a move that the patient asks for."""
    return row.status == PENDING or (row.status == CONFIRMED and row.requested_start is not None)


def _value_at(place: int) -> property:
    return property(lambda row: row._columns[place])


# Columns that are looked at most often.
QUICK = (
    "id",
    "patient_id",
    "practitioner_id",
    "starts_at",
    "local_date",
    "status",
    "requested_start",
    "deleted_at",
)


class Appointment:
    """A row of live_appointment, in its column order. Instants are naive UTC, as the database has them.

    Its columns are one plain tuple, which the garbage collector learns to pass by: with an attribute each, a full
    collection took 250 ms of a clinic with 50,000 rows, in which nobody was told anything.
    """

    __slots__ = (*QUICK, "_checksum", "_columns", "_patient", "_staff", "zone")

    zone: ZoneInfo  # The clinic's.
    id: int
    clinic_id: int
    patient_id: int
    patient_name: str
    patient_email: str
    patient_phone: str
    patient_phone_extension: str
    patient_alert: str
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
    arrived_at: datetime | None
    called_at: datetime | None
    requested_start: datetime | None
    room: str
    reference: str
    request_note: str
    notes: str
    cancel_reason: str
    source: str
    series_id: int | None
    allow_overlap: int  # A boolean of the database.
    version: int
    created_at: datetime
    updated_at: datetime
    blocked_from: datetime  # With the buffers around a treatment.
    blocked_until: datetime
    deleted_at: datetime | None  # By the clinic: its patient alone still sees it, as cancelled.

    def __init__(self, zone: ZoneInfo, *columns: Any, **named: Any) -> None:
        self.zone = zone
        self._columns = columns or tuple([named[column] for column in COLUMNS])
        place = self._columns
        self.id, self.patient_id, self.practitioner_id = place[ID], place[PATIENT], place[PRACTITIONER]
        self.starts_at, self.local_date, self.status = place[STARTS_AT], place[LOCAL_DATE], place[STATUS]
        self.requested_start, self.deleted_at = place[REQUESTED_START], place[DELETED_AT]
        self._staff: bytes | None = None
        self._patient: bytes | None = None
        self._checksum: int | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Appointment) and (self._columns, self.zone) == (other._columns, other.zone)

    __hash__ = None  # type: ignore[assignment]  # Rows are found by their ids.

    def changed(self, **columns: object) -> "Appointment":
        """The same row with other values in these columns."""
        return Appointment(self.zone, **{**dict(zip(COLUMNS, self._columns, strict=True)), **columns})

    def __repr__(self) -> str:
        return f"Appointment({self.id})"  # Names and phone numbers stay out of logs and tracebacks.

    def visibility_facts(self) -> VisibilityFacts:
        return VisibilityFacts(
            self.practitioner_id,
            self.patient_id,
            self.status,
            self.local_date,
            self.deleted_at,
            self.requested_start,
        )

    def encoded(self, view: View) -> bytes:
        """The row as JSON, made once for each kind of view; for a link each time, since its topic keeps it."""
        if view is View.LINK:
            shown = self._fields(View.PATIENT)
            return kept_json({name: shown[name] for name in SHOWN_BY_LINK})
        if view is View.PATIENT:
            if self._patient is None:
                self._patient = kept_json(self._fields(view))
            return self._patient
        if self._staff is None:
            self._staff = kept_json(self._fields(view))
        return self._staff

    @property
    def checksum(self) -> int:
        """The sum that the database makes of the row in `appointment_queries.SUM_IN_WINDOW`."""
        if self._checksum is None:
            text = "|".join(map(_as_the_database_writes, self._columns))
            self._checksum = zlib.crc32(text.encode())
        return self._checksum

    def _requested_start(self) -> str | None:
        if self.requested_start is None:
            return None
        return in_zone(self.requested_start, self.zone).isoformat(timespec="seconds")

    def _fields(self, view: View) -> dict[str, object]:
        start = in_zone(self.starts_at, self.zone).isoformat(timespec="seconds")
        is_staff = view is not View.PATIENT
        alert: dict[str, object] = {"patient_alert": self.patient_alert} if is_staff else {}
        notes: dict[str, object] = {"notes": self.notes} if is_staff else {}
        return {
            "id": self.id,
            "clinic": self.clinic_id,
            "patient": self.patient_id,
            "patient_name": self.patient_name,
            "patient_email": self.patient_email,
            "patient_phone": self.patient_phone,
            "patient_phone_extension": self.patient_phone_extension,
            **alert,
            "practitioner": self.practitioner_id,
            "practitioner_name": self.practitioner_name,
            "dentist": self.practitioner_id,
            "dentist_name": self.practitioner_name,
            "service": self.service_id,
            "service_name": self.service_name,
            "service_color": self.service_color,
            "start": start,
            "end": in_zone(self.ends_at, self.zone).isoformat(timespec="seconds"),
            "date": self.local_date.isoformat(),
            "time": start[11:16],
            "status": self.status,
            "attendance_confirmed_at": said(self.attendance_confirmed_at, self.zone),
            "checked_in_at": said(self.checked_in_at, self.zone),
            "arrived_at": said(self.arrived_at, self.zone),
            "called_at": said(self.called_at, self.zone),
            "requested_start": self._requested_start(),
            "room": self.room,
            "reference": self.reference,
            "request_note": self.request_note,
            **notes,
            "cancel_reason": self.cancel_reason,
            "source": self.source,
            "series": self.series_id,
            "allow_overlap": bool(self.allow_overlap),
            "version": self.version,
            "created_at": said(self.created_at, self.zone),
            "updated_at": said(self.updated_at, self.zone),
        }


COLUMNS = tuple(name for name in Appointment.__annotations__ if name != "zone")
PLACES = {column: place for place, column in enumerate(COLUMNS)}
ID, PATIENT, PRACTITIONER, STARTS_AT, LOCAL_DATE, STATUS, REQUESTED_START, DELETED_AT = map(PLACES.__getitem__, QUICK)
for _column in set(COLUMNS) - set(QUICK):
    setattr(Appointment, _column, _value_at(PLACES[_column]))
NULL = "~"


def _as_the_database_writes(value: object) -> str:
    if value is None:
        return NULL
    return value.isoformat(" ", "microseconds") if isinstance(value, datetime) else str(value)


def in_order(rows: Iterable[Appointment]) -> list[Appointment]:
    """By start, then id. Fast where they almost are in order."""
    return sorted(rows, key=attrgetter("starts_at", "id"))


def sum_up(rows: Iterable[Appointment]) -> int:
    """One number for all of them, in any order."""
    return reduce(xor, (row.checksum for row in rows), 0)
