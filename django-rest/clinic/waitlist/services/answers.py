"""Ends of an offer: accepted, declined, expired or withdrawn. If not accepted, its time goes to the next.

Each locks the offer's practitioner first: so an offer has one end, whoever comes at the same time.
"""

from datetime import datetime

from django.db.models import F

from clinic.accounts.models import User
from clinic.appointments.actor import Actor, PatientActor, SystemActor, UserActor
from clinic.appointments.claim_facts import read_claim_facts
from clinic.appointments.lifecycle import Status
from clinic.appointments.models import ActorKind, Appointment, Channel, Source
from clinic.appointments.services.claiming import place_in, put_at, rules_for, write_claim
from clinic.appointments.services.eligibility import service_of
from clinic.appointments.services.history import record
from clinic.appointments.slot_assignment import (
    OwnTime,
    Place,
    SlotAssignment,
    SlotRequest,
    assign_slot,
    booked_treatment,
)
from clinic.common.errors import BookingRuleError, HoldExpired, InvalidRequest, NotFound, OfferOver
from clinic.common.instants import local_date_of, zone_of
from clinic.common.isolation import sum_isolated
from clinic.common.transactions import in_one_transaction
from clinic.scheduling.models import Hold, Practitioner
from clinic.scheduling.services import lock_practitioners
from clinic.scheduling.working_hours import Interval
from clinic.waitlist.matching import Freed
from clinic.waitlist.models import EntryState, OfferState, WaitlistEntry, WaitlistOffer
from clinic.waitlist.queries import (
    entries_visible_to,
    get_entry_for,
    get_offer,
    open_offer_of,
)
from clinic.waitlist.services.offering import FreedTime, offer_time
from clinic.waitlist.services.telling import take_back_offer


@in_one_transaction
def accept_offer(*, token: str, viewer: User | None, now: datetime, channel: Channel = Channel.API) -> WaitlistOffer:
    """Book the time that was kept: confirmed, because the clinic has offered it. A second time: the same answer.

    Raises NotFound, OfferOver, OwnAppointment (the patient has something else by now).
    """
    practitioner = _lock(get_offer(token), now=now)
    offer = get_offer(token)
    if offer.state == OfferState.ACCEPTED:
        return offer
    _check_is_open(offer, now=now)
    appointment = _appointment_of(offer, practitioner, now=now)
    Hold.objects.filter(pk=offer.hold_id).delete()
    write_claim(appointment.save)
    _settle(offer, EntryState.BOOKED, now=now, appointment=appointment)
    _end(offer, OfferState.ACCEPTED, now=now, appointment=appointment)
    actor = _actor_behind(viewer, offer, channel)
    record(appointment, "create", actor=actor, now=now, after=appointment, reason="an offer was accepted")
    return offer


@in_one_transaction
def decline_offer(*, token: str, now: datetime, channel: Channel = Channel.API) -> WaitlistOffer:
    """The next is asked; this entry waits on for another time. A second time: the same answer.

    Raises NotFound, OfferOver.
    """
    _lock(get_offer(token), now=now)
    offer = get_offer(token)
    if offer.state == OfferState.DECLINED:
        return offer
    _check_is_open(offer, now=now)
    _give_on(offer, OfferState.DECLINED, EntryState.WAITING, channel=channel, now=now)
    return offer


@in_one_transaction
def withdraw_offer(offer: WaitlistOffer, *, now: datetime) -> None:
    """The entry goes, and with it what it was offered. Raises StaleVersion, OfferOver."""
    _lock(offer, now=now)
    offer = get_offer(offer.token)
    if offer.state != OfferState.OPEN:
        raise OfferOver
    _give_on(offer, OfferState.WITHDRAWN, EntryState.WITHDRAWN, channel=Channel.API, now=now)


@in_one_transaction
def take_back_offer_by_hand(*, user: User, entry_id: int, now: datetime) -> None:
    """The time is free again, is offered to nobody else by itself, and the entry waits on.

    Raises NotFound, OfferOver.
    """
    entry = get_entry_for(user, entry_id)
    offer = open_offer_of(entry)
    if offer is None:
        raise OfferOver
    _lock(offer, now=now)
    offer = get_offer(offer.token)
    if offer.state != OfferState.OPEN:
        raise OfferOver
    Hold.objects.filter(pk=offer.hold_id).delete()
    _settle(offer, EntryState.WAITING, now=now)
    _end(offer, OfferState.WITHDRAWN, now=now)


def move_on_expired_offers(*, now: datetime) -> int:
    """Returns how many. Each in a transaction of its own: two clinics are never written in one. Raises PartlyFailed."""
    expired = WaitlistOffer.objects.filter(state=OfferState.OPEN, expires_at__lte=now).order_by("expires_at", "id")
    return sum_isolated(list(expired), lambda offer: _expire(offer.token, now=now))


@in_one_transaction
def _expire(token: str, *, now: datetime) -> bool:
    _lock(get_offer(token), now=now)
    offer = get_offer(token)
    if offer.state != OfferState.OPEN or offer.expires_at > now:
        return False  # Answered, or another worker got there first.
    _give_on(offer, OfferState.EXPIRED, EntryState.WAITING, channel=Channel.WORKER, now=now)
    return True


def _lock(offer: WaitlistOffer, *, now: datetime) -> Practitioner:
    return lock_practitioners(offer.clinic, [offer.practitioner_id], now=now, also_inactive=True)[offer.practitioner_id]


def _check_is_open(offer: WaitlistOffer, *, now: datetime) -> None:
    if offer.state != OfferState.OPEN or offer.expires_at <= now:
        raise OfferOver


def _appointment_of(offer: WaitlistOffer, practitioner: Practitioner, *, now: datetime) -> Appointment:
    """Check that an offer still holds: the clinic may have changed its hours or its services. Raises OfferOver,
    OwnAppointment, SlotTaken."""
    appointment = Appointment(
        clinic=offer.clinic,
        patient=offer.entry.patient,
        status=Status.CONFIRMED,
        source=Source.WAITLIST,
        created_at=now,
        updated_at=now,
    )
    try:
        if not practitioner.active:
            raise NotFound
        service = service_of(offer.clinic, practitioner, offer.service_id)
        place = place_in(offer.clinic, offer.starts_at, treatment=booked_treatment(offer))
        _decide(place, offer, now=now)
    except (BookingRuleError, InvalidRequest, NotFound, HoldExpired) as error:
        raise OfferOver("The clinic can no longer keep this time.") from error
    put_at(appointment, place, practitioner, service)
    return appointment


def _decide(place: Place, offer: WaitlistOffer, *, now: datetime) -> SlotAssignment:
    request = SlotRequest(
        place,
        [offer.practitioner_id],
        now,
        rules=rules_for(SystemActor(Channel.API, ActorKind.WAITLIST), offer.clinic, now=now),
        own_time=OwnTime.REFUSED,
        patient_id=offer.entry.patient_id,
        hold_id=offer.hold_id,
    )
    return assign_slot(request, read_claim_facts(offer.clinic, [request]))


def _actor_behind(viewer: User | None, offer: WaitlistOffer, channel: Channel) -> Actor:
    if channel is Channel.SMS:
        return PatientActor(offer.entry.patient, channel, ActorKind.PATIENT_SMS)
    user = _user_behind(viewer, offer)
    if user is None:
        return SystemActor(channel, ActorKind.WAITLIST)
    return UserActor(user, channel, ActorKind.WAITLIST)


def _user_behind(viewer: User | None, offer: WaitlistOffer) -> User | None:
    """The token is the authority; a user is named in the history only where the entry is theirs to see."""
    if viewer is None or not entries_visible_to(viewer).filter(pk=offer.entry_id).exists():
        return None
    return viewer


@in_one_transaction
def settle_offer_by_booking(offer: WaitlistOffer, appointment: Appointment, *, channel: Channel, now: datetime) -> None:
    """The patient has booked what they waited for: the time that they were offered goes to the next."""
    _lock(offer, now=now)
    offer = get_offer(offer.token)
    if offer.state == OfferState.OPEN:
        _give_on(offer, OfferState.WITHDRAWN, EntryState.BOOKED, channel=channel, now=now, appointment=appointment)


def _give_on(
    offer: WaitlistOffer,
    end: OfferState,
    state_of_entry: EntryState,
    *,
    channel: Channel,
    now: datetime,
    appointment: Appointment | None = None,
) -> None:
    Hold.objects.filter(pk=offer.hold_id).delete()
    _settle(offer, state_of_entry, now=now, appointment=appointment)
    _end(offer, end, now=now)
    local_date = local_date_of(offer.starts_at, zone_of(offer.clinic.timezone))
    freed = Freed(Interval(offer.blocked_from, offer.blocked_until), offer.starts_at, local_date)
    offer_time(
        FreedTime(
            offer.clinic, offer.practitioner_id, freed, given_back_by=offer.entry.patient_id, told_at=offer.told_at
        ),
        channel=channel,
        now=now,
    )


def _settle(offer: WaitlistOffer, state: EntryState, *, now: datetime, appointment: Appointment | None = None) -> None:
    """Keep an entry's state while its offer is open: only the end of the offer changes it."""
    entry = WaitlistEntry.objects.filter(pk=offer.entry_id, state=EntryState.OFFERED)
    entry.update(state=state, version=F("version") + 1, updated_at=now, appointment=appointment)


def _end(offer: WaitlistOffer, state: OfferState, *, now: datetime, appointment: Appointment | None = None) -> None:
    offer.state, offer.answered_at, offer.appointment = state, now, appointment
    offer.save(update_fields=["state", "answered_at", "appointment"])
    take_back_offer(offer)
