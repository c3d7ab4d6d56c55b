"""Claiming time. The lock rule, on one page:

Whoever makes a practitioner's time *less* available (a booking, a hold, a move, a re-opening) calls
`lock_practitioners` first in the transaction, once, with every practitioner concerned: it takes their row locks in
the order of their ids, so two claims can wait for each other but never in a circle. Only then are the rules read and
the claim written. Freeing time needs no lock, unless it is given on in the same transaction. The cells' primary key
refuses what slips past: raw SQL, bulk updates.
"""

from collections.abc import Collection
from datetime import datetime

from django.db import IntegrityError, connection

from clinic.common.errors import NotFound
from clinic.scheduling.models import ClaimedCell, Clinic, Hold, Practitioner

DUPLICATE_KEY = 1062


def lock_practitioners(
    clinic: Clinic, practitioner_ids: Collection[int], *, now: datetime, also_inactive: bool = False
) -> dict[int, Practitioner]:
    """Lock the rows until the transaction ends and delete these practitioners' expired holds.

    Call inside a transaction, before anything else is read. Raises NotFound for one that is not of this clinic or
    not active; `also_inactive` is for those whose time is only freed.
    """
    assert connection.in_atomic_block
    wanted = sorted(set(practitioner_ids))
    practitioners = Practitioner.objects.select_for_update().filter(clinic=clinic, pk__in=wanted).order_by("pk")
    if not also_inactive:
        practitioners = practitioners.filter(active=True)
    found = {practitioner.pk: practitioner for practitioner in practitioners}
    if len(found) != len(wanted):
        raise NotFound("There is no such practitioner.")
    Hold.objects.filter(practitioner_id__in=wanted, expires_at__lte=now).delete()
    return found


def is_overlap(error: IntegrityError) -> bool:
    """Whether the database refused a second claim of a cell: `Duplicate entry '7-2026-11-20 09:30:00…'`."""
    code, message = (*error.args, "", "")[:2]
    return code == DUPLICATE_KEY and "PRIMARY" in str(message) and ":" in str(message).split(" for key ")[0]


def release_expired_holds(*, now: datetime) -> int:
    """Returns how many. Each in a statement of its own: two clinics are never written in one transaction."""
    expired = list(Hold.objects.filter(expires_at__lte=now).values_list("pk", flat=True))
    return sum(Hold.objects.filter(pk=hold_id, expires_at__lte=now).delete()[0] for hold_id in expired)


def prune_cells(*, older_than: datetime) -> int:
    """Cells of the past block nobody any more."""
    return ClaimedCell.objects.filter(starts_at__lt=older_than).delete()[0]
