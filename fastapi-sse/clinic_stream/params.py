"""What a stream's address asks for. Pure: query in, `Wanted` out, or the 400 that says what is wrong with it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from clinic_stream import errors
from clinic_stream.state import LONGEST_RANGE_DAYS, STATUSES, Audience, Calendar, Filter, Scope, Window

Mode = Literal["snapshot", "delta"]

ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
ROW_ID = re.compile(r"[0-9]{1,18}")
DEFAULT_RANGE_DAYS = 7


@dataclass(frozen=True, slots=True)
class Wanted:
    mode: Mode = "snapshot"
    first_date: date | None = None
    last_date: date | None = None
    practitioner_id: int | None = None
    statuses: frozenset[str] = frozenset()

    def audience(self, scope: Scope, today: date, *, is_back: bool = False) -> Audience:
        """Raises `range_not_live` for dates that the stream does not keep.

        Who `is_back` asks for what was live when the stream began: days that have passed since are no error then, as
        EventSource would take it for the end. There is just nothing on them any more.
        """
        first, last = self._live_dates(today, is_back=is_back)
        return Audience(scope, Filter(first, last, self.practitioner_id, self.statuses))

    def calendar(self, clinic_id: int, today: date, *, is_back: bool = False) -> Calendar:
        """As `audience`. Raises `invalid` without a practitioner."""
        if self.practitioner_id is None:
            raise errors.invalid("practitioner", "Whose availability?")
        first, last = self._live_dates(today, is_back=is_back)
        return Calendar(clinic_id, self.practitioner_id, first, last)

    def _live_dates(self, today: date, *, is_back: bool) -> tuple[date | None, date | None]:
        window = Window.around(today)
        first, last = self._dates(today, window)
        _check_live(first, last, window, is_back=is_back)
        return first, last

    def _dates(self, today: date, window: Window) -> tuple[date | None, date | None]:
        first, last = self.first_date, self.last_date
        if first is None and last is not None:
            return min(today, last), last
        if first is not None and last is None:
            if first > window.last:  # Refused by what follows; near the last of all dates nothing can be added.
                return first, first
            return first, min(first + timedelta(days=DEFAULT_RANGE_DAYS), window.last)
        return first, last


def read_wanted(
    *,
    mode: str | None = None,
    first: str | None = None,
    last: str | None = None,
    practitioner: str | None = None,
    status: Sequence[str] = (),
) -> Wanted:
    """An empty value counts as none, as a form sends it. Raises `invalid` with the parameter's name."""
    wanted = Wanted(
        _mode(mode or "snapshot"),
        _date("from", first) if first else None,
        _date("to", last) if last else None,
        _row_id("practitioner", practitioner) if practitioner else None,
        _statuses(status),
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
    statuses = {part.strip() for value in values for part in value.split(",")} - {""}
    if statuses - STATUSES:
        raise errors.invalid("status", f"One or more of {', '.join(sorted(STATUSES))}.")
    return frozenset(statuses)


def _check_live(first: date | None, last: date | None, window: Window, *, is_back: bool) -> None:
    if first is None or last is None:
        return
    if first < window.first and not is_back:
        raise _range_not_live("from", first, last, window)
    if last > window.last or (last - first).days >= LONGEST_RANGE_DAYS:
        raise _range_not_live("to", first, last, window)


def _range_not_live(attr: str, first: date, last: date, window: Window) -> errors.Problem:
    return errors.Problem(
        400,
        "range_not_live",
        f"The stream keeps {window.first} to {window.last}, and shows {LONGEST_RANGE_DAYS} days of it at most. "
        f"For other dates ask the REST API: /api/v1/appointments?scope=all&from={first}&to={last}",
        attr=attr,
    )
