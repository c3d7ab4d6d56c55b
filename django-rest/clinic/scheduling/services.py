"""Claiming time. The lock rule, on one page:

Whoever makes a practitioner's time *less* available (a booking, a hold, a move, a re-opening) calls
`lock_practitioners` first in the transaction, once, with every practitioner concerned: it takes their row locks in
the order of their ids, so two claims can wait for each other but never in a circle. Then it takes the clinic's, shared
with all other claims. Only then are the rules read and the claim written: by the zone and policy that hold now, not by
those of the request's beginning. Whoever changes what holds for the whole clinic (`lock_clinic`) has its row alone: no
claim is under way then, and none begins, of whichever practitioner. Freeing time needs no lock, unless it is given on
in the same transaction. The cells' primary key refuses what slips past: raw SQL, bulk updates.
"""

from collections.abc import Collection
from datetime import datetime
from functools import partial
from typing import Any, Literal

from django.db import IntegrityError, connection

from clinic.accounts.models import User
from clinic.common.errors import InvalidRequest, NotFound
from clinic.common.isolation import sum_isolated
from clinic.common.transactions import in_one_statement, in_one_transaction
from clinic.common.versions import ANY_VERSION, Expected, raise_versions, write_changes
from clinic.scheduling.models import ClaimedCell, Clinic, Hold, Practitioner, Service
from clinic.scheduling.queries import get_service_for_owner

DUPLICATE_KEY = 1062


def lock_practitioners(
    clinic: Clinic, practitioner_ids: Collection[int], *, now: datetime, also_inactive: bool = False
) -> dict[int, Practitioner]:
    """Lock the rows until the transaction ends, read the clinic anew and delete these practitioners' expired holds.

    Call inside a transaction, before anything else is read; after it `clinic` says what holds now. Raises NotFound for
    a practitioner who is not of this clinic or not active; `also_inactive` is for those whose time is only freed.
    """
    assert connection.in_atomic_block
    wanted = sorted(set(practitioner_ids))
    practitioners = Practitioner.objects.select_for_update().filter(clinic=clinic, pk__in=wanted).order_by("pk")
    if not also_inactive:
        practitioners = practitioners.filter(active=True)
    found = {practitioner.pk: practitioner for practitioner in practitioners}
    if len(found) != len(wanted):
        raise NotFound("There is no such practitioner.")
    # Before any hold goes: its trigger locks the feed's head, which comes last.
    _read_anew(clinic, "LOCK IN SHARE MODE")
    Hold.objects.filter(practitioner_id__in=wanted, expires_at__lte=now).delete()
    return found


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
    for column in Clinic._meta.concrete_fields:
        setattr(clinic, column.attname, getattr(row, column.attname))


def is_overlap(error: IntegrityError) -> bool:
    """Whether the database refused a second claim of a cell: `Duplicate entry '7-2026-11-20 09:30:00…'`."""
    code, message = (*error.args, "", "")[:2]
    return code == DUPLICATE_KEY and "PRIMARY" in str(message) and ":" in str(message).split(" for key ")[0]


def release_expired_holds(*, now: datetime) -> int:
    """Returns how many. Each in a statement of its own: two clinics are never written in one transaction."""
    expired = list(Hold.objects.filter(expires_at__lte=now).values_list("pk", flat=True))
    return sum_isolated(expired, partial(_release_expired_hold, now=now))


@in_one_statement
def _release_expired_hold(hold_id: int, *, now: datetime) -> int:
    return Hold.objects.filter(pk=hold_id, expires_at__lte=now).delete()[0]


@in_one_statement
def prune_cells(*, older_than: datetime) -> int:
    """Cells of the past block nobody any more."""
    return ClaimedCell.objects.filter(starts_at__lt=older_than).delete()[0]


@in_one_transaction
def create_service(*, owner: User, fields: dict[str, Any]) -> Service:
    """`fields` may name `practitioners` by id. Raises InvalidRequest for one that is not of this clinic."""
    assert owner.clinic is not None
    fields = dict(fields)
    practitioner_ids = fields.pop("practitioners", [])
    service = Service.objects.create(clinic=owner.clinic, **fields)
    link_both(service.practitioners, Practitioner, _practitioners_named(owner, practitioner_ids))
    return service


@in_one_transaction
def edit_service(*, owner: User, service_id: int, changes: dict[str, Any], expected: Expected = ANY_VERSION) -> Service:
    """Appointments keep the length they were booked with. Raises NotFound, StaleVersion, PreconditionFailed,
    InvalidRequest."""
    changes = dict(changes)
    practitioner_ids = changes.pop("practitioners", None)
    if practitioner_ids is not None:  # Before the service: whoever changes a practitioner takes the two in this order.
        list(Practitioner.objects.select_for_update().filter(clinic=owner.clinic).order_by("pk").values_list("pk"))
    service = get_service_for_owner(owner, service_id, lock=True)
    expected.check(service.version)
    write_changes(service, changes, touched=practitioner_ids is not None)
    if practitioner_ids is not None:
        link_both(service.practitioners, Practitioner, _practitioners_named(owner, practitioner_ids))
    return service


def link_both(linked: Any, model: type[Practitioner | Service], wanted: Collection[Practitioner | Service]) -> None:
    """Set who offers what. The rows of the other side show it too: those that come or go get a new version."""
    former = set(linked.values_list("pk", flat=True))
    linked.set(wanted)
    raise_versions(model._default_manager.filter(pk__in=former ^ {row.pk for row in wanted}))


def _practitioners_named(owner: User, practitioner_ids: Collection[int]) -> list[Practitioner]:
    found = list(Practitioner.objects.filter(clinic=owner.clinic, active=True, pk__in=practitioner_ids))
    refuse_unknown(practitioner_ids, found, attr="practitioners")
    return found


def refuse_unknown(ids: Collection[int], found: Collection[Practitioner | Service], *, attr: str) -> None:
    unknown = sorted(set(ids) - {row.pk for row in found})
    if unknown:
        raise InvalidRequest(f"There is no such row here: {', '.join(map(str, unknown))}.", attr=attr)
