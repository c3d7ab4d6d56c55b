"""Pages of appointments, and how many there are in all.

Counting appointments reads every row of a list. But each change of an appointment, or of a name that a search looks
into, raises its clinic's number in `live_head`; so as long as that number stands, a count stands, and is not made
again. The number is read before the count: what changes in between makes a count that nobody will ask for.
"""

import hashlib
from functools import cached_property, partial
from typing import Any, ClassVar, cast

from django.core.cache import cache
from django.core.paginator import Page, Paginator
from django.db import connection
from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.views import APIView

from clinic.accounts.models import User
from clinic.accounts.requests import viewer_of
from clinic.appointments.models import Appointment
from clinic.appointments.shown import ShownAppointment, shown_part
from clinic.common.pagination import Pages
from clinic.people.identities import patient_id_of, practitioner_id_of

REMEMBERED_SECONDS = 600


class CountedPages(Paginator[ShownAppointment]):
    """`asked` tells who asks and for what, in which clinic; without it a count is not remembered."""

    def __init__(
        self, appointments: QuerySet[Appointment], per_page: int, *, of_few: bool, clinic_id: int | None, asked: str
    ) -> None:
        super().__init__(cast(Any, appointments), per_page)
        self.appointments = appointments
        self.of_few = of_few
        self.clinic_id = clinic_id
        self.asked = asked

    @cached_property
    def count(self) -> int:
        if self.clinic_id is None or connection.in_atomic_block:  # What is not committed may yet be undone.
            return self.appointments.count()
        key = hashlib.sha256(f"{_state_of(self.clinic_id)} {self.asked}".encode()).hexdigest()
        return cast(int, cache.get_or_set(f"count:{key}", self.appointments.count, REMEMBERED_SECONDS))

    def page(self, number: int | str) -> Page[ShownAppointment]:
        if str(number) != "1":
            number = self.validate_number(number)
            return Page(self._part_from((number - 1) * self.per_page), number, self)
        rows = self._part_from(0)
        if len(rows) < self.per_page:  # It is all there is.
            self.count = len(rows)
        return Page(rows, 1, self)

    def _part_from(self, first: int) -> list[ShownAppointment]:
        return shown_part(self.appointments, slice(first, first + self.per_page), of_few=self.of_few)

    def _check_object_list_is_ordered(self) -> None:
        """It is: `queries.order_of`."""


class AppointmentPages(Pages):
    of_few: ClassVar[bool] = False

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> Any:
        viewer = viewer_of(request)
        paginator = partial(
            CountedPages,
            of_few=self.of_few,
            clinic_id=viewer.clinic_id if viewer is not None else None,
            asked=f"{_scope_of(viewer)} {request.path} {_filters_of(request)}",
        )
        self.django_paginator_class = cast(Any, paginator)
        return super().paginate_queryset(queryset, request, view)


class PagesOfFew(AppointmentPages):
    of_few = True


def _scope_of(viewer: User | None) -> tuple[Any, ...]:
    """All of a viewer that decides what they see."""
    if viewer is None:
        return ()
    return viewer.role, viewer.clinic_id, practitioner_id_of(viewer), patient_id_of(viewer)


def _filters_of(request: Request) -> list[tuple[str, list[str]]]:
    return sorted((name, values) for name, values in request.query_params.lists() if not name.startswith("page"))


def _state_of(clinic_id: int) -> str:
    """`<epoch>.<clinic>.<seq>`, as the stream names it. One query, of two rows by their keys."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT epoch, seq FROM live_head WHERE clinic_id = %s", [clinic_id])
        epoch, seq = cursor.fetchone()
    return f"{epoch}.{clinic_id}.{seq}"
