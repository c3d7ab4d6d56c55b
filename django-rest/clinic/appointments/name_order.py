"""Visits of some days in the order of a person's name.

Few are sorted. Of very many, people are gone through in the order of their names, by an index, until those who come in
these days have visits enough for the page: with twenty thousand visits in a month that is one patient in ten.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Model, OuterRef, Q, QuerySet, Subquery

from clinic.appointments.models import Appointment
from clinic.appointments.presentation import ShownAppointment
from clinic.common.indexed_lists import IndexedList, sql_of

PersonKind = Literal["patient", "practitioner"]
# More are not sorted; for a page behind more, as numbers reach it, they are.
MAX_SORTED_VISITS = 4000
MAX_WALKED = 500
INDEX_OF: dict[PersonKind, str] = {"patient": "appointment_patient_start", "practitioner": "appointment_pract_date"}
VISITS = f"FROM `{Appointment._meta.db_table}` U0 "


@dataclass(frozen=True, slots=True)
class NameOrderedList:
    """Of `visits`, without an order, which `is_sorted` has in this order: by name, the person's id and their own."""

    is_sorted: IndexedList[ShownAppointment]
    kind: PersonKind
    people: QuerySet[Model]
    visits: QuerySet[Appointment]
    condition: Q = field(default_factory=Q)

    @property
    def order(self) -> tuple[str, ...]:
        return self.is_sorted.order

    @property
    def model(self) -> type[Model]:
        return self.is_sorted.model

    def filter(self, condition: Q) -> "NameOrderedList":
        return replace(self, is_sorted=self.is_sorted.filter(condition), condition=self.condition & condition)

    def count_up_to(self, most: int) -> int:
        return self.is_sorted.count_up_to(most)

    def rows(self, part: slice) -> list[ShownAppointment]:
        """Four queries; with a practitioner's name one more for each practitioner on the page."""
        if part.stop > MAX_WALKED or self.count_up_to(MAX_SORTED_VISITS + 1) <= MAX_SORTED_VISITS:
            return self.is_sorted.rows(part)
        return self.is_sorted.fetch(self._walk(part.stop)[part.start or 0 : part.stop])

    def _walk(self, stop: int) -> list[int]:
        found: list[int] = []
        for person_ids in self._people(stop):
            found += self._visits_of(person_ids)
            if len(found) >= stop:
                break
        return found

    def _people(self, stop: int) -> Iterator[list[int]]:
        """Of patients all that a page needs, and one more, who may have no visit behind a cursor. Of practitioners
        one after the other, as each has many visits."""
        sign = "-" if self.order[0].startswith("-") else ""
        theirs = self.visits.filter(**{f"{self.kind}_id": OuterRef("pk")}).order_by().values(f"{self.kind}_id")[:1]
        # One comparison for each person: as a condition of existence the server might begin with the visits.
        coming = self.people.filter(_of_people(self.condition, self.kind), pk=Subquery(theirs))
        try:
            sql, values = sql_of(coming.order_by(f"{sign}name", f"{sign}pk").values_list("pk", flat=True)[: stop + 1])
        except EmptyResultSet:
            return
        assert sql.count(VISITS) == 1, sql
        with connection.cursor() as cursor:
            cursor.execute(sql.replace(VISITS, f"{VISITS}FORCE INDEX (`{INDEX_OF[self.kind]}`) "), values)
            ids = [row[0] for row in cursor.fetchall()]
        yield from [ids] if self.kind == "patient" else ([person_id] for person_id in ids)

    def _visits_of(self, person_ids: list[int]) -> list[int]:
        """In order."""
        if not person_ids:
            return []
        place = {person_id: number for number, person_id in enumerate(person_ids)}
        theirs = self.visits.filter(self.condition, **{f"{self.kind}_id__in": person_ids}).order_by()
        sign = -1 if self.order[-1].startswith("-") else 1
        rows = theirs.values_list("pk", f"{self.kind}_id")
        return [row_id for row_id, _ in sorted(rows, key=lambda row: (place[row[1]], sign * row[0]))]


def _of_people(condition: Q, kind: PersonKind) -> Q:
    """The part of a cursor's condition that concerns people: those at its place may have further visits."""
    kept: list[Q | tuple[str, object]] = []
    for child in condition.children:
        if isinstance(child, Q):
            kept.append(_of_people(child, kind))
        elif isinstance(child, tuple):
            name, value = child
            if name.startswith(f"{kind}__"):
                kept.append((name.removeprefix(f"{kind}__"), value))
            elif name.startswith(f"{kind}_id"):
                kept.append((f"pk{name.removeprefix(f'{kind}_id')}", value))
    return Q(*kept, _connector=condition.connector)
