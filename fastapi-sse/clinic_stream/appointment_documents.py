"""Rows of live_appointment out of a JSON document of the database. Pure."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from clinic_stream.appointment import COLUMNS, Appointment


def _places_of(*columns: str) -> tuple[int, ...]:
    return tuple(COLUMNS.index(column) for column in columns)


(LOCAL_DATE,) = _places_of("local_date")
CREATED_AT, UPDATED_AT = _places_of("created_at", "updated_at")
# Instants of the calendar, which many rows have in common.
SLOTS = _places_of("starts_at", "ends_at", "blocked_from", "blocked_until")
# Instants of which most rows have none.
STEPS = _places_of(
    "attendance_confirmed_at", "checked_in_at", "arrived_at", "called_at", "requested_start", "deleted_at"
)
TEXTS = _places_of(
    "patient_name",
    "patient_email",
    "patient_phone",
    "patient_phone_extension",
    "patient_alert",
    "practitioner_name",
    "service_name",
    "service_color",
    "status",
    "room",
    "request_note",
    "notes",
    "cancel_reason",
    "source",
)


class RowReader:
    """Makes the rows of one clinic. Equal values of several rows become one object, which halves their memory."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._texts: dict[Any, Any] = {}
        self._instants: dict[str, datetime] = {}
        self._dates: dict[str, date] = {}

    def read(self, document: str | None) -> list[Appointment]:
        """Of an array of rows, each an array of `COLUMNS`. None, as of no rows, is an empty one."""
        return [self._row(values) for values in orjson.loads(document)] if document else []

    def _row(self, values: list[Any]) -> Appointment:
        known = self._texts.setdefault
        for place in TEXTS:
            values[place] = known(text := values[place], text)
        for place in SLOTS:
            values[place] = self._instant(values[place])
        for place in STEPS:
            if values[place] is not None:
                values[place] = datetime.fromisoformat(values[place])
        created_at, updated_at = values[CREATED_AT], values[UPDATED_AT]
        values[CREATED_AT] = values[UPDATED_AT] = datetime.fromisoformat(created_at)
        if updated_at != created_at:
            values[UPDATED_AT] = datetime.fromisoformat(updated_at)
        values[LOCAL_DATE] = self._date(values[LOCAL_DATE])
        return Appointment(self._zone, *values)

    def _instant(self, text: str) -> datetime:
        at = self._instants.get(text)
        if at is None:
            at = self._instants[text] = datetime.fromisoformat(text)
        return at

    def _date(self, text: str) -> date:
        day = self._dates.get(text)
        if day is None:
            day = self._dates[text] = date.fromisoformat(text)
        return day
