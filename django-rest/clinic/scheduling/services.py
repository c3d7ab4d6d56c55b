"""Claiming time. The lock rule, on one page:

Whoever makes a practitioner's time *less* available (a booking, a hold, a move, a re-opening) first locks every
practitioner concerned, once in the transaction (`lock_for_claim`, `lock_for_change`, `lock_practitioners`): their row
locks are taken in the order of their ids, so two claims can wait for each other but never in a circle. Then it takes
the clinic's, shared with all other claims. Only then are the facts read and the claim written: by the zone and policy
that hold now, not by those of the request's beginning. Whoever changes what holds for the whole clinic (`lock_clinic`)
has its row alone: no claim is under way then, and none begins, of whichever practitioner. Freeing time needs no lock,
unless it is given on in the same transaction. The cells' primary key refuses what slips past: raw SQL, bulk updates.

A patient's time needs no lock of its own. Its cells are written after the feed's head, which stays locked until the
commit: so appointments of one clinic claim patients' time one after another, whoever writes, and nobody waits for such
a cell. A lock on the patient's row would be waited for in a circle: every later row that refers to the patient needs
that row too, when the head is already held. Services look for other visits first, and the cells refuse what was written
since. A visit that may overlap has no cells and refuses nothing; whoever comes at the same moment came before it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial, reduce
from operator import or_
from typing import Literal

from django.db import IntegrityError, connection
from django.db.models import Q

from clinic.common.bounded_steps import in_bounded_steps
from clinic.common.errors import NotFound
from clinic.common.isolation import sum_isolated
from clinic.common.mysql.conditions import duplicate_in
from clinic.common.transactions import in_one_statement
from clinic.scheduling.claim_queue import waiting_for
from clinic.scheduling.models import CellKind, Clinic, Hold, Practitioner, Service, ServicePractitioner
from clinic.scheduling.working_hours import Interval

# A visit of half an hour has twelve.
STEP_CELLS = 2000
# No other row that a claim writes is given its primary key.
CELL_KEY = "PRIMARY"


def lock_practitioners(
    clinic: Clinic, practitioner_ids: Collection[int], *, now: datetime, also_inactive: bool = False
) -> dict[int, Practitioner]:
    """Lock the rows until the transaction ends, read the clinic anew and delete these practitioners' expired holds.

    Call inside a transaction, before anything else is read; after it `clinic` says what holds now. Raises NotFound for
    a practitioner who is not of this clinic or not active; `also_inactive` is for those whose time is only freed.
    """
    found = _lock_rows(clinic, practitioner_ids, also_inactive=also_inactive)
    # Before any hold goes: its trigger locks the feed's head, which comes last.
    _read_anew(clinic, "LOCK IN SHARE MODE")
    Hold.objects.filter(practitioner_id__in=list(found), expires_at__lte=now).delete()
    return found


@dataclass(frozen=True, slots=True)
class ClaimLock:
    """Locked practitioners in the order of their ids, and the service: None if none is asked for or offered."""

    practitioners: dict[int, Practitioner]
    service: Service | None = None


def lock_for_claim(clinic: Clinic, *, practitioner_id: int | None, service_id: int | None) -> ClaimLock:
    """Lock the practitioner, or without one all active ones who offer the service, then read the clinic anew with the
    service. Two statements.

    Call inside a transaction, before anything else is read. Expired holds stay: `slot_assignment` knows them.
    Raises NotFound for a practitioner who is not of this clinic or not active.
    """
    if practitioner_id is not None:
        found = _lock_rows(clinic, [practitioner_id], also_inactive=False)
    else:
        found = _lock_offering(clinic, service_id)
    return ClaimLock(found, _read_anew_with_service(clinic, practitioner_id, service_id))


def lock_for_change(clinic: Clinic, practitioner_ids: Collection[int]) -> ClaimLock:
    """As `lock_for_claim`, for visits that there are already: also practitioners who have left."""
    found = _lock_rows(clinic, practitioner_ids, also_inactive=True)
    _read_anew(clinic, "LOCK IN SHARE MODE")
    return ClaimLock(found)


def _lock_rows(clinic: Clinic, practitioner_ids: Collection[int], *, also_inactive: bool) -> dict[int, Practitioner]:
    assert connection.in_atomic_block
    wanted = sorted(set(practitioner_ids))
    practitioners = Practitioner.objects.select_for_update().filter(clinic=clinic, pk__in=wanted).order_by("pk")
    if not also_inactive:
        practitioners = practitioners.filter(active=True)
    with waiting_for(wanted):
        found = {practitioner.pk: practitioner for practitioner in practitioners}
    if len(found) != len(wanted):
        raise NotFound("There is no such practitioner.")
    return found


def _lock_offering(clinic: Clinic, service_id: int | None) -> dict[int, Practitioner]:
    assert connection.in_atomic_block
    practitioners = Practitioner.objects.select_for_update().filter(clinic=clinic, active=True).order_by("pk")
    if service_id is not None:
        offering = ServicePractitioner.objects.filter(service=service_id)
        practitioners = practitioners.filter(pk__in=offering.values("practitioner"))
    with waiting_for([("offering", clinic.pk, service_id)]):
        return {practitioner.pk: practitioner for practitioner in practitioners}


def lock_clinic(clinic: Clinic, *, now: datetime) -> list[int]:
    """For a change of what holds for the whole clinic: waits for every claim that is under way, and every later one
    waits. The ids of its active practitioners; a new one is as good as later.

    Call inside a transaction, before anything else is read; after it `clinic` says what holds now.
    """
    assert connection.in_atomic_block
    _read_anew(clinic, "FOR UPDATE")
    Hold.objects.filter(clinic=clinic, expires_at__lte=now).delete()
    return list(Practitioner.objects.filter(clinic=clinic, active=True).order_by("pk").values_list("pk", flat=True))


def _read_anew(clinic: Clinic, lock: Literal["LOCK IN SHARE MODE", "FOR UPDATE"]) -> None:
    # In SQL: the ORM knows no shared lock. On a row that a foreign key points to, every insert takes one anyway.
    [row] = Clinic.objects.raw(f"SELECT * FROM clinic WHERE id = %s {lock}", [clinic.pk])  # noqa: S608
    _take_over(clinic, row)


# The insert of a visit shares the service's row anyway, for its foreign key.
WITH_SERVICE = """
SELECT clinic.*, {service} FROM clinic
LEFT JOIN service ON service.id = %s AND service.clinic_id = clinic.id AND service.active
WHERE clinic.id = %s LOCK IN SHARE MODE
"""
WITH_SERVICE_OFFERED = """
SELECT clinic.*, {service} FROM clinic
LEFT JOIN service_practitioners AS link ON link.service_id = %s AND link.practitioner_id = %s
LEFT JOIN service ON service.id = link.service_id AND service.clinic_id = clinic.id AND service.active
WHERE clinic.id = %s LOCK IN SHARE MODE
"""
OF_SERVICE = [str(field.column) for field in Service._meta.concrete_fields]


def _read_anew_with_service(clinic: Clinic, practitioner_id: int | None, service_id: int | None) -> Service | None:
    """None for a service that is not active, or that the practitioner, if one is named, does not offer."""
    if service_id is None:
        _read_anew(clinic, "LOCK IN SHARE MODE")
        return None
    columns = ", ".join(f"service.{column} AS service_{column}" for column in OF_SERVICE)
    if practitioner_id is None:
        statement, offered = WITH_SERVICE, [service_id]
    else:
        statement, offered = WITH_SERVICE_OFFERED, [service_id, practitioner_id]
    [row] = Clinic.objects.raw(statement.format(service=columns), [*offered, clinic.pk])
    _take_over(clinic, row)
    values = {column: getattr(row, f"service_{column}") for column in OF_SERVICE}
    return Service.from_db(None, OF_SERVICE, [*(values | {"active": True}).values()]) if values["id"] else None


def _take_over(clinic: Clinic, row: Clinic) -> None:
    for column in Clinic._meta.concrete_fields:
        setattr(clinic, column.attname, getattr(row, column.attname))


def overlap_in(error: IntegrityError) -> CellKind | None:
    """The kind of owner of the time, if the database refused a second claim of a cell."""
    duplicate = duplicate_in(error)
    if duplicate is None or duplicate.key != CELL_KEY:
        return None
    kind, _, _ = duplicate.entry.partition("-")  # The key's first column.
    return CellKind(kind) if kind in CellKind.values else None


def release_undo_holds(claims: Collection[tuple[int, Interval]]) -> int:
    """Let go what is kept of these practitioners' times in case a step is undone: the desk books it, or it is undone.
    Returns how many. Call inside a claim. One statement."""
    if not claims:
        return 0
    within = reduce(
        or_,
        (
            Q(practitioner_id=practitioner_id, blocked_from__lt=wanted.end, blocked_until__gt=wanted.start)
            for practitioner_id, wanted in claims
        ),
    )
    return Hold.objects.filter(within, kept_for_undo=True).delete()[0]


def release_expired_holds(*, now: datetime) -> int:
    """Returns how many. Each in a statement of its own: two clinics are never written in one transaction."""
    expired = list(Hold.objects.filter(expires_at__lte=now).values_list("pk", flat=True))
    return sum_isolated(expired, partial(_release_expired_hold, now=now))


@in_one_statement
def _release_expired_hold(hold_id: int, *, now: datetime) -> int:
    return Hold.objects.filter(pk=hold_id, expires_at__lte=now).delete()[0]


def prune_cells(*, older_than: datetime, seconds: float | None = None) -> int:
    """Delete cells of the past, which block nobody any more, in steps that hold up nobody. Returns how many. `seconds`:
    no further step begins after them."""
    return in_bounded_steps(lambda: _prune_some_cells(older_than), full=STEP_CELLS, seconds=seconds)


@in_one_statement
def _prune_some_cells(older_than: datetime) -> int:
    """The oldest first, by their index."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM claimed_cell WHERE starts_at < %s ORDER BY starts_at LIMIT %s",
            [connection.ops.adapt_datetimefield_value(older_than), STEP_CELLS],
        )
        return int(cursor.rowcount)
