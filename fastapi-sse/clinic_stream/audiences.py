"""The sets of viewers who see the same: the keys of topics. Pure."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, NamedTuple

from clinic_stream.appointment import View, VisibilityColumns, awaits_answer
from clinic_stream.taken_intervals import Hold

DEFAULT_DAYS_AHEAD = 7


class RecordScope(NamedTuple):
    """Rows that a viewer may see: the whole clinic's, one practitioner's or one patient's."""

    clinic_id: int
    kind: Literal["clinic", "practitioner", "patient"] = "clinic"
    id: int = 0

    def contains(self, row: VisibilityColumns) -> bool:
        if row.deleted_at is not None:
            return self.kind == "patient" and row.patient_id == self.id
        if self.kind == "practitioner":
            return row.practitioner_id == self.id
        return self.kind == "clinic" or row.patient_id == self.id


@dataclass(frozen=True, slots=True)
class RowFilter:
    """The part that was asked for. Dates include both ends; no statuses means all of them."""

    first_date: date | None = None
    last_date: date | None = None
    practitioner_id: int | None = None
    statuses: frozenset[str] = frozenset()

    def passes(self, row: VisibilityColumns) -> bool:
        if self.practitioner_id is not None and row.practitioner_id != self.practitioner_id:
            return False
        return not self.statuses or row.status in self.statuses


@dataclass(frozen=True, slots=True)
class AppointmentAudience:
    """Everyone who sees the same: a scope of a clinic, and a filter. `family`: of a patient, the records they book for
    beside their own."""

    scope: RecordScope
    filter: RowFilter = RowFilter()
    family: frozenset[int] = frozenset()

    @property
    def view(self) -> View:
        return View.PATIENT if self.scope.kind == "patient" else View.STAFF

    @property
    def may_know_every_id(self) -> bool:
        return self.scope.kind == "clinic" and self.filter == RowFilter()

    def shows(self, row: VisibilityColumns, today: date) -> bool:
        """Whether a row of the live window is seen, when the clinic's date is `today`."""
        return self._may_see(row) and self.filter.passes(row) and self._is_timely(row, today)

    def _may_see(self, row: VisibilityColumns) -> bool:
        return self.scope.contains(row) or (self.scope.kind == "patient" and row.patient_id in self.family)

    def dates(self, today: date) -> tuple[date, date]:
        """Those asked for, else today and the next ones: then also whatever awaits an answer is shown, and all of a
        patient's."""
        return dates_or_default(self.filter.first_date, self.filter.last_date, today)

    @property
    def has_fixed_dates(self) -> bool:
        return self.filter.first_date is not None and self.filter.last_date is not None

    def _is_timely(self, row: VisibilityColumns, today: date) -> bool:
        if not self.has_fixed_dates and (self.scope.kind == "patient" or awaits_answer(row)):
            return True
        first, last = self.dates(today)
        return first <= row.local_date <= last


@dataclass(frozen=True, slots=True)
class AvailabilityAudience:
    """Everyone who looks at one practitioner's taken time over the same days. Without days: today and the next ones."""

    clinic_id: int
    practitioner_id: int
    first_date: date | None = None
    last_date: date | None = None

    def dates(self, today: date) -> tuple[date, date]:
        return dates_or_default(self.first_date, self.last_date, today)


@dataclass(frozen=True, slots=True)
class ClinicAvailabilityAudience:
    """Everyone who looks at the taken time of a clinic, or of all who offer one service, over the same days."""

    clinic_id: int
    service_id: int | None = None
    first_date: date | None = None
    last_date: date | None = None

    def dates(self, today: date) -> tuple[date, date]:
        return dates_or_default(self.first_date, self.last_date, today)


@dataclass(frozen=True, slots=True)
class HoldAudience:
    """Everyone who sees the same holds: the whole clinic's, or one practitioner's."""

    clinic_id: int
    practitioner_id: int | None = None

    def shows(self, hold: Hold) -> bool:
        return self.practitioner_id in (None, hold.practitioner_id)


@dataclass(frozen=True, slots=True)
class VisitAudience:
    """Everyone who looks at one visit by the same reference. `is_number_alone`: at its place in the line only."""

    clinic_id: int
    visit_id: int
    reference_hash: str
    is_number_alone: bool = False


@dataclass(frozen=True, slots=True)
class WallAudience:
    """Every wall that shows the same: `team`, or `waiting_room` with short names or with numbers."""

    clinic_id: int
    kind: str
    shows_names: bool


@dataclass(frozen=True, slots=True)
class InboxAudience:
    """The owner of the notifications."""

    clinic_id: int
    user_id: int


def dates_or_default(first: date | None, last: date | None, today: date) -> tuple[date, date]:
    if first is None or last is None:
        return today, today + timedelta(days=DEFAULT_DAYS_AHEAD)
    return first, last
