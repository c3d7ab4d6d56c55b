"""Lists of appointments over the whole history, each by an index that begins with whose visits they are:

- of some patients: their visits, sorted; nobody has thousands;
- in the order of the start: the index of all, of what is active or of what is over;
- of some statuses, or in the order of a booking or change: an index that holds the visits of each status in that order
  (`list_group`). Each status gives its first rows, and the first of those are the page's;
- within some days by the name of patient or practitioner: see `name_order.py`;
- within some days in another order: the visits of these days, sorted. How many days is limited where it is asked
  (`MAX_SORTED_DAYS`).
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

from django.db.models import QuerySet

from clinic.appointments.lifecycle import ACTIVE_STATUSES, Status
from clinic.appointments.models import LIST_GROUPS, Appointment
from clinic.appointments.name_order import NameOrderedList, PersonKind
from clinic.appointments.presentation import ShownAppointment, shown_by_ids
from clinic.common.indexed_lists import IndexedList, Part

SimpleList = IndexedList[ShownAppointment]
AppointmentList = SimpleList | NameOrderedList
# The zones of the world: a day begins so much earlier or later than in UTC.
EARLIEST_ZONE, LATEST_ZONE = timedelta(hours=14), timedelta(hours=12)

Lead = Literal["patient", "practitioner", "clinic"]


@dataclass(frozen=True, slots=True)
class ListRequest:
    """Filter and order of a list. Dates are the clinic's and included."""

    statuses: tuple[Status, ...] | None
    first_date: date | None
    last_date: date | None
    column: str
    descending: bool

    @property
    def order(self) -> tuple[str, ...]:
        sign = "-" if self.descending else ""
        person = () if self.person is None else (f"{sign}{self.person}_id",)
        return f"{sign}{self.column}", *person, f"{sign}id"

    @property
    def person(self) -> PersonKind | None:
        """Of the order by a name: whose."""
        return PERSON_OF.get(self.column)

    @property
    def has_days(self) -> bool:
        return self.first_date is not None or self.last_date is not None


def list_of(visible: QuerySet[Appointment], wanted: ListRequest, *, lead: Lead, hides_deleted: bool) -> SimpleList:
    """`visible`: of one clinic, practitioner or some patients, as `lead` says; `hides_deleted`: it leaves them out."""
    rows = visible.filter(**_dates(wanted), **_instants(wanted))
    of_statuses = _of_statuses(rows, wanted)
    if lead == "patient" or not hides_deleted:
        of_patients = Part(of_statuses, "appointment_patient_start")
        return _listed(wanted, of_patients, counted=of_patients)
    # By their dates alone: the index holds these, and statuses, so that counting needs no rows.
    by_day = Part(_of_statuses(visible.filter(**_dates(wanted)), wanted), f"appointment_{SHORT[lead]}_date")
    if wanted.column not in LISTED_BY or (wanted.column != "starts_at" and wanted.has_days):
        return _listed(wanted, by_day, counted=by_day)
    if wanted.column == "starts_at" and wanted.statuses is None:
        return _listed(wanted, Part(of_statuses, START[lead]), counted=by_day)
    listed_by = f"appointment_{SHORT[lead]}_{LISTED_BY[wanted.column]}"
    groups = [LIST_GROUPS[status] for status in wanted.statuses or Status]
    if wanted.has_days or wanted.statuses is None:
        counted = by_day
    elif lead == "clinic":
        counted = Part(of_statuses, "appointment_clinic_status")
    else:
        counted = Part(rows.filter(list_group__in=groups), listed_by)
    if wanted.column == "starts_at" and lead == "clinic" and set(wanted.statuses or ()) == ACTIVE_STATUSES:
        return _listed(wanted, Part(rows.filter(is_active=1), ACTIVE), counted=counted)
    return _listed(wanted, *(Part(rows.filter(list_group=group), listed_by) for group in groups), counted=counted)


def by_name(
    visible: QuerySet[Appointment], wanted: ListRequest, found: SimpleList, *, people: QuerySet[Any]
) -> AppointmentList:
    """The list that `list_of` has found, without sorting very many; `people`: patients or practitioners of the clinic,
    as `wanted.person` says."""
    if wanted.person is None:
        return found
    visits = _of_statuses(visible.filter(**_dates(wanted), **_instants(wanted)), wanted)
    return NameOrderedList(found, wanted.person, people, visits)


def _of_statuses(rows: QuerySet[Appointment], wanted: ListRequest) -> QuerySet[Appointment]:
    return rows if wanted.statuses is None else rows.filter(status__in=list(wanted.statuses))


def _listed(wanted: ListRequest, *parts: Part, counted: Part) -> SimpleList:
    return IndexedList(Appointment, parts, wanted.order, shown_by_ids, (counted,))


SHORT: dict[Lead, str] = {"practitioner": "pract", "clinic": "clinic"}
START: dict[Lead, str] = {"practitioner": "appointment_practitioner_start", "clinic": "appointment_clinic_start"}
ACTIVE = "appointment_clinic_active"
PERSON_OF: dict[str, PersonKind] = {"patient__name": "patient", "practitioner__name": "practitioner"}
# Orders that have an index of their own, by the ends of their names.
LISTED_BY = {"starts_at": "by_start", "created_at": "by_creation", "updated_at": "by_change"}


def _dates(wanted: ListRequest) -> dict[str, Any]:
    dates = {"local_date__gte": wanted.first_date, "local_date__lte": wanted.last_date}
    return {name: day for name, day in dates.items() if day is not None}


def _instants(wanted: ListRequest) -> dict[str, Any]:
    """Instants that follow from the dates in every zone: most indexes are in their order."""
    instants: dict[str, Any] = {}
    if wanted.first_date is not None:
        with suppress(OverflowError):  # Of the calendar's first day: no row is earlier.
            instants["starts_at__gte"] = _midnight(wanted.first_date) - EARLIEST_ZONE
    if wanted.last_date is not None:
        with suppress(OverflowError):
            instants["starts_at__lt"] = _midnight(wanted.last_date) + timedelta(days=1) + LATEST_ZONE
    return instants


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
