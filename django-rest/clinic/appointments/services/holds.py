"""A time that is kept for somebody until it is booked, let go or past."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from clinic.accounts.models import User
from clinic.appointments.actor import Actor
from clinic.appointments.models import Appointment
from clinic.appointments.services.placing import (
    check_is_free,
    check_may_book_for,
    check_rules,
    claim,
    nearest_slots,
    place,
    service_of,
)
from clinic.common.addresses import hash_of_address
from clinic.common.errors import SlotTaken, TooManyHolds
from clinic.common.transactions import in_one_transaction
from clinic.scheduling.models import Clinic, Hold, Practitioner, Service
from clinic.scheduling.queries import get_hold_for
from clinic.scheduling.services import lock_practitioners

TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class HoldRequest:
    """`start` is an aware instant; without a service, one slot of the clinic's grid."""

    practitioner_id: int
    start: datetime
    service_id: int | None = None


def hold_slot(*, actor: Actor, clinic: Clinic, wanted: HoldRequest, address: str, now: datetime) -> Hold:
    """Keep a slot for a visitor, for as long as the clinic says.

    Raises NotFound, a BookingRuleError, SlotTaken (with the nearest open slots), PermissionDenied, TooManyHolds.
    """
    try:
        return _hold(actor=actor, clinic=clinic, wanted=wanted, address=address, now=now)
    except SlotTaken as error:
        error.extra["nearest"] = nearest_slots(
            clinic,
            practitioner_id=wanted.practitioner_id,
            service_id=wanted.service_id,
            start=wanted.start,
            now=now,
        )
        raise


@in_one_transaction
def _hold(*, actor: Actor, clinic: Clinic, wanted: HoldRequest, address: str, now: datetime) -> Hold:
    practitioner = lock_practitioners(clinic, [wanted.practitioner_id], now=now)[wanted.practitioner_id]
    check_may_book_for(actor, practitioner)
    hold = place_hold(
        actor=actor,
        clinic=clinic,
        practitioner=practitioner,
        service=service_of(clinic, practitioner, wanted.service_id),
        start=wanted.start,
        minutes=clinic.hold_minutes,
        now=now,
        address_hash=hash_of_address(address),
    )
    _check_limits(hold, actor, now=now)
    return hold


def place_hold(
    *,
    actor: Actor,
    clinic: Clinic,
    practitioner: Practitioner,
    service: Service | None,
    start: datetime,
    minutes: int,
    now: datetime,
    address_hash: str = "",
) -> Hold:
    """Check the time by the actor's rules and keep it for so many minutes. Call inside the claim.

    The actor's user, if any, is the holder. Without an address it counts against no visitor's limit: what the clinic
    offers somebody. Raises a BookingRuleError, SlotTaken.
    """
    wanted = Appointment(clinic=clinic)  # Never written: a hold is checked as the booking it is for.
    place(wanted, practitioner, service, start)
    check_rules(wanted, actor=actor, outside_hours=False, now=now)
    check_is_free(wanted)
    hold = Hold(
        clinic=clinic,
        practitioner=practitioner,
        service=service,
        user=actor.user,
        token=secrets.token_urlsafe(TOKEN_BYTES),
        address_hash=address_hash,
        starts_at=wanted.starts_at,
        ends_at=wanted.ends_at,
        blocked_from=wanted.blocked_from,
        blocked_until=wanted.blocked_until,
        expires_at=now + timedelta(minutes=minutes),
        created_at=now,
    )
    claim(hold.save)
    return hold


@in_one_transaction
def release_hold(*, holder: User | None, hold_id: int, token: str | None) -> None:
    """By its token, or by the user who made it. Raises NotFound."""
    get_hold_for(holder, hold_id, token=token).delete()


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
