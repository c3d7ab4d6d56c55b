"""Parameters of a stream's address. Pure: query in, `StreamQuery` out, or the 400 that says why not."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, get_args

from clinic_stream import errors
from clinic_stream.appointment import STATUSES
from clinic_stream.audiences import (
    AppointmentAudience,
    AvailabilityAudience,
    ClinicAvailabilityAudience,
    RecordScope,
    RowFilter,
)
from clinic_stream.schedule import Named
from clinic_stream.window import MAX_RANGE_DAYS, LiveWindow

Mode = Literal["snapshot", "delta"]
MODES: tuple[Mode, ...] = get_args(Mode)

ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
ROW_ID = re.compile(r"[0-9]{1,18}")
DEFAULT_RANGE_DAYS = 7
NO_STATUSES: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class StreamQuery:
    mode: Mode = "snapshot"
    first_date: date | None = None
    last_date: date | None = None
    practitioner_id: int | None = None
    statuses: frozenset[str] = frozenset()
    clinic_id: int | None = None
    service_id: int | None = None

    def audience(self, scope: RecordScope, today: date, *, is_back: bool = False) -> AppointmentAudience:
        """Raises `range_not_live` for dates that the stream does not keep.

        Who `is_back` asks for what was live when the stream began: days that have passed since are no error then, as
        EventSource would take it for the end. There is just nothing on them any more.
        """
        first, last = self._live_dates(today, is_back=is_back)
        return AppointmentAudience(scope, RowFilter(first, last, self.practitioner_id, self.statuses))

    def availability_audience(self, clinic_id: int, today: date, *, is_back: bool = False) -> AvailabilityAudience:
        """As `audience`. Raises `invalid` without a practitioner."""
        if self.practitioner_id is None:
            raise errors.invalid("practitioner", "Whose availability?")
        first, last = self._live_dates(today, is_back=is_back)
        return AvailabilityAudience(clinic_id, self.practitioner_id, first, last)

    @property
    def named(self) -> tuple[Named, int]:
        """The clinic, practitioner or service that is asked for. Raises `invalid` unless it is
        exactly one of them."""
        given: dict[Named, int | None] = {
            "practitioner": self.practitioner_id,
            "clinic": self.clinic_id,
            "service": self.service_id,
        }
        named = [(name, row_id) for name, row_id in given.items() if row_id is not None]
        if not named:
            raise errors.invalid("practitioner", "Whose availability? Name a practitioner, a clinic or a service.")
        if len(named) > 1:
            raise errors.invalid(named[1][0], "Name one of practitioner, clinic and service.")
        return named[0]

    def clinic_availability_audience(
        self, clinic_id: int, today: date, *, is_back: bool = False
    ) -> ClinicAvailabilityAudience:
        """As `audience`."""
        first, last = self._live_dates(today, is_back=is_back)
        return ClinicAvailabilityAudience(clinic_id, self.service_id, first, last)

    def _live_dates(self, today: date, *, is_back: bool) -> tuple[date | None, date | None]:
        if self.first_date is None and self.last_date is None:
            return None, None
        window = LiveWindow.around(today)
        first, last = self._dates(today, window)
        _check_live(first, last, window, is_back=is_back)
        return first, last

    def _dates(self, today: date, window: LiveWindow) -> tuple[date | None, date | None]:
        first, last = self.first_date, self.last_date
        if first is None and last is not None:
            return min(today, last), last
        if first is not None and last is None:
            if first > window.last:  # Refused by what follows; near the last of all dates nothing can be added.
                return first, first
            return first, min(first + timedelta(days=DEFAULT_RANGE_DAYS), window.last)
        return first, last


def read_stream_query(
    *,
    mode: str | None = None,
    first: str | None = None,
    last: str | None = None,
    practitioner: str | None = None,
    status: Sequence[str] = (),
    clinic: str | None = None,
    service: str | None = None,
) -> StreamQuery:
    """An empty value counts as none, as a form sends it. Raises `invalid` with the parameter's name."""
    wanted = StreamQuery(
        _mode(mode or "snapshot"),
        _date("from", first) if first else None,
        _date("to", last) if last else None,
        _row_id("practitioner", practitioner) if practitioner else None,
        _statuses(status),
        _row_id("clinic", clinic) if clinic else None,
        _row_id("service", service) if service else None,
    )
    if wanted.first_date and wanted.last_date and wanted.first_date > wanted.last_date:
        raise errors.invalid("to", "The range ends before it starts.")
    return wanted


def _mode(text: str) -> Mode:
    if text == "snapshot":
        return "snapshot"
    if text == "delta":
        return "delta"
    raise errors.invalid("mode", "Either snapshot or delta.")


def _date(name: str, text: str) -> date:
    if ISO_DATE.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass  # The right shape, but no day of the calendar.
    raise errors.invalid(name, "A date of the clinic's calendar, as 2026-11-20.")


def _row_id(name: str, text: str) -> int:
    if not ROW_ID.fullmatch(text) or int(text) == 0:
        raise errors.invalid(name, "A positive whole number.")
    return int(text)


def _statuses(values: Sequence[str]) -> frozenset[str]:
    if not values:
        return NO_STATUSES
    statuses = {part.strip() for value in values for part in value.split(",")} - {""}
    if statuses - STATUSES:
        raise errors.invalid("status", f"One or more of {', '.join(sorted(STATUSES))}.")
    return frozenset(statuses)


def _check_live(first: date | None, last: date | None, window: LiveWindow, *, is_back: bool) -> None:
    if first is None or last is None:
        return
    if first < window.first and not is_back:
        raise _range_not_live("from", first, last, window)
    if last > window.last or (last - first).days >= MAX_RANGE_DAYS:
        raise _range_not_live("to", first, last, window)


def _range_not_live(attr: str, first: date, last: date, window: LiveWindow) -> errors.Problem:
    return errors.Problem(
        400,
        "range_not_live",
        f"The stream keeps {window.first} to {window.last}, and shows {MAX_RANGE_DAYS} days of it at most. "
        f"For other dates ask the REST API: /api/v1/appointments?scope=all&from={first}&to={last}",
        attr=attr,
    )
