"""Pages of patients."""

from functools import cached_property
from typing import Any, cast

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet

from clinic.common.pagination import Pages
from clinic.people.models import Patient


class FoundPages(Paginator[Patient]):
    """A search for a part of a name looks at every patient of the clinic, so it is made once: for ids, which an index
    alone answers. A first page that is not full tells how many there are; else they are counted."""

    def __init__(self, patients: QuerySet[Patient], per_page: int) -> None:
        super().__init__(cast(Any, patients), per_page)
        self.patients = patients

    @cached_property
    def count(self) -> int:
        return self.patients.count() if len(self._first_ids) == self.per_page else len(self._first_ids)

    @cached_property
    def _first_ids(self) -> list[int]:
        return self._ids(0)

    def _ids(self, first: int) -> list[int]:
        return list(self.patients.values_list("pk", flat=True)[first : first + self.per_page])

    def page(self, number: int | str) -> Page[Patient]:
        number = self.validate_number(number)
        ids = self._first_ids if number == 1 else self._ids((number - 1) * self.per_page)
        found = Patient.objects.in_bulk(ids)
        # One that was deleted in between is on no page.
        return Page([found[patient_id] for patient_id in ids if patient_id in found], number, self)


class PatientPages(Pages):
    django_paginator_class = FoundPages
