"""Pages of patients. A search for a part of a name looks at every patient of the clinic, so it is made for ids, which
an index alone answers."""

from functools import cached_property
from typing import Any, cast

from django.core.paginator import Page, Paginator
from django.db.models import OuterRef, QuerySet, Subquery

from clinic.accounts.models import Role, User
from clinic.common.indexed_lists import IndexedList, IndexedPages, Part
from clinic.common.pagination import MAX_COUNT, count_up_to
from clinic.people.identities import practitioner_of
from clinic.people.models import Patient
from clinic.people.queries import search_patients
from clinic.scheduling.models import Practitioner

MAX_SORTED_PATIENTS = 2000


def listed_patients(user: User, text: str) -> QuerySet[Patient] | IndexedList[Patient]:
    """In the order of their names. No query; one for a practitioner."""
    practitioner = practitioner_of(user) if user.role == Role.PRACTITIONER else None
    return search_patients(user, text) if text or practitioner is None else _patients_of(practitioner)


def _patients_of(practitioner: Practitioner) -> IndexedList[Patient]:
    """Few are sorted. Of many, the clinic's patients are gone through in the order of their names."""
    theirs = practitioner.appointments.order_by()
    found = theirs.values_list("patient_id", flat=True).order_by("patient_id").distinct()
    ids = list(found[: MAX_SORTED_PATIENTS + 1])
    patients = Patient.objects.filter(clinic_id=practitioner.clinic_id)
    if len(ids) <= MAX_SORTED_PATIENTS:
        return _listed(Part(patients.filter(pk__in=ids), "PRIMARY"))
    # One comparison for each patient: as a condition of existence the server might begin with the visits.
    with_visit = Subquery(theirs.filter(patient_id=OuterRef("pk")).values("patient_id")[:1])
    counted = Part(theirs.distinct(), "appointment_pract_patient", counted="patient_id")
    return _listed(Part(patients.filter(pk=with_visit), "patient_clinic_found"), counted)


def _listed(part: Part, *counted: Part) -> IndexedList[Patient]:
    return IndexedList(Patient, (part,), ("name", "id"), _rows_of, counted)


class PatientPages(IndexedPages):
    def in_whole_order(self, rows: Any, view: Any) -> tuple[Any, tuple[str, ...]]:
        return (rows, rows.order) if isinstance(rows, IndexedList) else (rows.order_by(*view.order), view.order)

    def read_rows(self, rows: Any, part: slice) -> list[Any]:
        return rows.rows(part) if isinstance(rows, IndexedList) else _rows_of(_ids_of(rows, part))

    def count_rows(self, rows: Any) -> int:
        return super().count_rows(rows) if isinstance(rows, IndexedList) else count_up_to(rows, MAX_COUNT + 1)


class FoundPages(Paginator[Patient]):
    """Of a page for people. A first page that is not full tells how many there are; else they are counted, up to
    `MAX_COUNT`, where the pages end as well."""

    def __init__(self, patients: QuerySet[Patient], per_page: int) -> None:
        super().__init__(cast(Any, patients), per_page)
        self.patients = patients

    @property
    def count(self) -> int:
        return min(self._counted, MAX_COUNT)

    @property
    def is_counted(self) -> bool:
        """False: there are more."""
        return self._counted <= MAX_COUNT

    @cached_property
    def _counted(self) -> int:
        first = len(self._first_ids)
        return count_up_to(self.patients, MAX_COUNT + 1) if first == self.per_page else first

    @cached_property
    def _first_ids(self) -> list[int]:
        return _ids_of(self.patients, slice(self.per_page))

    def page(self, number: int | str) -> Page[Patient]:
        number = self.validate_number(number)
        first = (number - 1) * self.per_page
        ids = self._first_ids if number == 1 else _ids_of(self.patients, slice(first, first + self.per_page))
        return Page(_rows_of(ids), number, self)


def _ids_of(patients: QuerySet[Patient], part: slice) -> list[int]:
    ids: Any = patients.values_list("pk", flat=True)[part]
    return list(ids)


def _rows_of(ids: list[int]) -> list[Patient]:
    """In their order. One that was deleted in between is on no page."""
    found = Patient.objects.in_bulk(ids)
    return [found[patient_id] for patient_id in ids if patient_id in found]
