"""A time that is kept for somebody until it is booked, let go or past."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.db.models import Q

from clinic.accounts.link_tokens import new_token
from clinic.accounts.models import User
from clinic.appointments.actor import Actor, UserActor, user_of
from clinic.appointments.claim_facts import read_claim_facts
from clinic.appointments.services.claiming import place_in, rules_for, write_claim
from clinic.appointments.services.eligibility import check_may_book_for, check_offer
from clinic.appointments.services.refusals import explained, nearest_slots
from clinic.appointments.slot_assignment import Place, SlotRequest, assign_slot
from clinic.common.addresses import hash_of_address
from clinic.common.errors import AlreadyRenewed, HoldExpired, TooManyHolds
from clinic.common.transactions import in_one_transaction
from clinic.scheduling.models import Clinic, Hold, Practitioner, Service
from clinic.scheduling.queries.holds import find_hold, get_hold_for
from clinic.scheduling.services import lock_for_claim


@dataclass(frozen=True, slots=True)
class HoldRequest:
    """`start` is an aware instant; without a service, one slot of the clinic's grid; without a practitioner, of one who
    is free."""

    practitioner_id: int | None
    start: datetime
    service_id: int | None = None


@in_one_transaction
def hold_slot(*, actor: Actor, clinic: Clinic, wanted: HoldRequest, address: str, now: datetime) -> Hold:
    """Keep a slot for a visitor, for as long as the clinic says. A user who holds it already keeps that hold.

    Raises NotFound, a BookingRuleError, SlotTaken (with the nearest open slots), PermissionDenied, TooManyHolds.
    """
    nearest = partial(
        nearest_slots,
        clinic,
        practitioner_id=wanted.practitioner_id,
        service_id=wanted.service_id,
        start=wanted.start,
        now=now,
    )
    with explained(actor, nearest):
        return _hold(actor=actor, clinic=clinic, wanted=wanted, address=address, now=now)


def _hold(*, actor: Actor, clinic: Clinic, wanted: HoldRequest, address: str, now: datetime) -> Hold:
    locked = lock_for_claim(clinic, practitioner_id=wanted.practitioner_id, service_id=wanted.service_id)
    earlier = _earlier_hold(actor, wanted, locked.practitioners, now=now)
    if earlier is not None:
        return earlier
    check_offer(locked, actor, clinic, wanted.practitioner_id, wanted.service_id)
    request = SlotRequest(
        place_in(clinic, wanted.start, service=locked.service),
        list(locked.practitioners),
        now,
        rules=rules_for(actor, clinic, now=now),
        is_named=wanted.practitioner_id is not None,
        takes_undo_holds=actor.is_clinic,
    )
    assignment = assign_slot(request, read_claim_facts(clinic, [request]))
    practitioner = locked.practitioners[assignment.practitioner_id]
    check_may_book_for(actor, practitioner)
    hold = hold_at(
        clinic,
        assignment.place,
        practitioner,
        locked.service,
        user=user_of(actor),
        address_hash=hash_of_address(address),
        expires_at=now + timedelta(minutes=clinic.hold_minutes),
        now=now,
    )
    write_claim(hold.save, released_hold_ids=assignment.released_hold_ids, now=now)
    _check_limits(hold, actor, now=now)
    return hold


def _earlier_hold(
    actor: Actor, wanted: HoldRequest, practitioner_ids: Collection[int], *, now: datetime
) -> Hold | None:
    """The user's own hold of the same time. Call inside the claim."""
    if not isinstance(actor, UserActor):
        return None
    same = Hold.objects.filter(
        user=actor.user,
        practitioner_id__in=practitioner_ids,
        starts_at=wanted.start,
        expires_at__gt=now,
        kept_for_undo=False,
    )
    no_service = Q(service__isnull=True)
    same = same.filter(no_service if wanted.service_id is None else Q(service_id=wanted.service_id))
    return same.exclude(address_hash="").select_related("clinic").first()


def hold_at(
    clinic: Clinic,
    place: Place,
    practitioner: Practitioner,
    service: Service | None,
    *,
    expires_at: datetime,
    now: datetime,
    user: User | None = None,
    address_hash: str = "",
) -> Hold:
    """Not written yet. Without an address it counts against no visitor's limit: what the clinic offers somebody."""
    return Hold(
        clinic=clinic,
        practitioner=practitioner,
        service=service,
        user=user,
        token=new_token(),
        address_hash=address_hash,
        starts_at=place.starts_at,
        ends_at=place.ends_at,
        blocked_from=place.blocked_from,
        blocked_until=place.blocked_until,
        expires_at=expires_at,
        created_at=now,
    )


@in_one_transaction
def renew_hold(*, holder: User | None, hold_id: int, token: str | None, now: datetime) -> Hold:
    """Once, for as long again as the clinic holds times. By its token, or by the user who made it.

    Raises NotFound, HoldExpired, AlreadyRenewed.
    """
    hold = get_hold_for(holder, hold_id, token=token)
    if not hold.is_renewable:
        raise AlreadyRenewed
    expires_at = now + timedelta(minutes=hold.clinic.hold_minutes)
    same = Hold.objects.filter(pk=hold.pk, renewed=False, expires_at__gt=now)
    if not same.update(renewed=True, expires_at=expires_at):
        raise HoldExpired
    hold.renewed, hold.expires_at = True, expires_at
    return hold


@in_one_transaction
def release_hold(*, holder: User | None, hold_id: int, token: str | None) -> None:
    """By its token, or by the user who made it. Raises NotFound."""
    get_hold_for(holder, hold_id, token=token).delete()


@in_one_transaction
def release_refused(*, clinic: Clinic, token: str, now: datetime) -> None:
    """After a refused booking that leads nowhere: its time is free for others at once, and for another try. Nothing
    where the hold has ended."""
    hold = find_hold(token, now=now, clinic=clinic)
    if hold is not None:
        hold.delete()


def _check_limits(hold: Hold, actor: Actor, *, now: datetime) -> None:
    """After the hold is written: until the commit the feed's head is locked, so that holds of one clinic are written
    one after another and none is missed here. The clinic's own people all come from one address: it is not counted."""
    live = Hold.objects.filter(clinic=hold.clinic, expires_at__gt=now).exclude(address_hash="")
    clinic = hold.clinic
    if hold.user is not None and live.filter(user=hold.user).count() > clinic.max_holds_per_user:
        raise TooManyHolds
    if not actor.is_patient:
        return
    if live.filter(address_hash=hold.address_hash).count() > clinic.max_holds_per_address:
        raise TooManyHolds
