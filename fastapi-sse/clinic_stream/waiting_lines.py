"""The waiting lines of one day of a clinic: how many are before a visit, and the number of an arrival. Pure."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple

from clinic_stream.appointment import Appointment
from clinic_stream.events import RowChange

# Approved, and not over yet.
WAITING_STATUSES = frozenset({"confirmed", "checked_in"})


class WaitingLines:
    """One day's visits, each practitioner's in the order of their start, and all arrivals in the order they came."""

    def __init__(self, rows: Iterable[Appointment], today: date) -> None:
        self._today = today
        self._lines: defaultdict[int, list[tuple[datetime, int]]] = defaultdict(list)
        arrivals: list[tuple[datetime, int]] = []
        for row in rows:
            if is_waiting(row, today):
                self._lines[row.practitioner_id].append((row.starts_at, row.id))
            if (arrived_at := arrival_of(row, today)) is not None:
                arrivals.append((arrived_at, row.id))
        for line in self._lines.values():
            line.sort()
        self._numbers = {row_id: number for number, (_, row_id) in enumerate(sorted(arrivals), 1)}

    def ahead_of(self, row: Appointment) -> int | None:
        """How many are before this visit today with its practitioner; None on other days, and unless
        it is approved and not over."""
        if not is_waiting(row, self._today):
            return None
        return 0 if row.called_at else bisect_left(self._lines.get(row.practitioner_id, []), (row.starts_at, row.id))

    def visits_of(self, practitioner_id: int) -> list[int]:
        """Those who wait for this practitioner, in order."""
        return [row_id for _, row_id in self._lines.get(practitioner_id, ())]

    def number_of(self, row_id: int) -> int | None:
        """1 for the first arrival of the day. An arrival that is taken back gives its number to the next."""
        return self._numbers.get(row_id)


def is_waiting(row: Appointment, today: date) -> bool:
    return row.local_date == today and row.status in WAITING_STATUSES and row.deleted_at is None


def arrival_of(row: Appointment, today: date) -> datetime | None:
    """When the patient said to be here, or was checked in."""
    if row.local_date != today or row.deleted_at is not None:
        return None
    return min((at for at in (row.arrived_at, row.checked_in_at) if at is not None), default=None)


class LineChanges(NamedTuple):
    """Effects of some changes on the lines of a day."""

    practitioner_ids: set[int]  # Practitioners with another line now.
    is_arrival: bool  # A patient has arrived, or not after all.
    renumbers: bool  # Others may have another number.


def line_changes_of(changes: Iterable[RowChange], today: date) -> LineChanges:
    practitioner_ids: set[int] = set()
    is_arrival = renumbers = False
    for before, after in changes:
        if _place(before, today) != _place(after, today):
            practitioner_ids |= {row.practitioner_id for row in (before, after) if row and is_waiting(row, today)}
        former = before and arrival_of(before, today)
        if former != (after and arrival_of(after, today)):
            is_arrival = True
            renumbers = renumbers or former is not None
    return LineChanges(practitioner_ids, is_arrival, renumbers)


def _place(row: Appointment | None, today: date) -> tuple[int, datetime] | None:
    return (row.practitioner_id, row.starts_at) if row is not None and is_waiting(row, today) else None
