"""Pages of appointments, and how many there are in all.

Counting appointments reads every row of a list. But each change of an appointment, or of a name that a search looks
into, raises its clinic's number in `live_head`; so as long as that number stands, a count stands, and is not made
again. The number is read before the count: what changes in between makes a count that nobody will ask for.
"""

import hashlib
from typing import Any, cast

from django.core.cache import cache
from django.db import connection
from django.db.models import QuerySet
from rest_framework.request import Request

from clinic.accounts.models import User
from clinic.accounts.requests import viewer_of
from clinic.appointments.lists import AppointmentList
from clinic.appointments.models import Appointment
from clinic.appointments.presentation import ShownAppointment, shown_part
from clinic.common.indexed_lists import IndexedPages
from clinic.common.pagination import MAX_COUNT, Pages
from clinic.people.identities import patient_ids_of, practitioner_id_of

REMEMBERED_SECONDS = 600
# The beginning of a page says nothing about the number of rows.
OF_A_PAGE = ("page", "page_size", "after")


class AppointmentPages(IndexedPages):
    def count_rows(self, rows: AppointmentList) -> int:
        """Remembered as long as the clinic's number stands; without a clinic not at all."""
        viewer = viewer_of(self.request)
        clinic_id = viewer.clinic_id if viewer is not None else None
        if clinic_id is None or connection.in_atomic_block:  # What is not committed may yet be undone.
            return rows.count_up_to(MAX_COUNT + 1)
        asked = f"{_scope_of(viewer)} {self.request.path} {_filters_of(self.request)}"
        key = hashlib.sha256(f"{_state_of(clinic_id)} {asked}".encode()).hexdigest()
        count = cache.get(f"count:{key}")
        if count is None:
            count = rows.count_up_to(MAX_COUNT + 1)
            cache.set(f"count:{key}", count, REMEMBERED_SECONDS)
        return cast(int, count)


class PagesOfFew(Pages):
    """Of the visits of one phone."""

    def read_rows(self, rows: QuerySet[Appointment], part: slice) -> list[ShownAppointment]:
        return shown_part(rows, part, of_few=True)


def _scope_of(viewer: User | None) -> tuple[Any, ...]:
    """All of a viewer that decides what they see."""
    if viewer is None:
        return ()
    return viewer.role, viewer.clinic_id, practitioner_id_of(viewer), patient_ids_of(viewer)


def _filters_of(request: Request) -> list[tuple[str, list[str]]]:
    return sorted((name, values) for name, values in request.query_params.lists() if name not in OF_A_PAGE)


def _state_of(clinic_id: int) -> str:
    """`<epoch>.<clinic>.<seq>`, as the stream names it. One query, of two rows by their keys."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT epoch, seq FROM live_head WHERE clinic_id = %s", [clinic_id])
        epoch, seq = cursor.fetchone()
    return f"{epoch}.{clinic_id}.{seq}"
