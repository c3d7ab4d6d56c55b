"""What becomes of an offer: accepted, declined, expired or withdrawn. If not accepted, its time goes to the next.

Each locks the offer's practitioner first: so an offer has one end, whoever comes at the same time.
"""

from datetime import datetime

from django.db.models import F

from clinic.accounts.models import User
from clinic.appointments.actor import Actor
from clinic.appointments.lifecycle import Status
from clinic.appointments.models import ActorKind, Appointment, Channel, Source
from clinic.appointments.services.history import record
from clinic.appointments.services.placing import check_rules, claim, place, service_of, treatment_placed
from clinic.common.errors import BookingRuleError, InvalidRequest, NotFound, OfferOver, OwnAppointment, SlotTaken
from clinic.common.instants import local_date_of, zone_of
from clinic.common.isolation import sum_isolated
from clinic.common.transactions import in_one_transaction
from clinic.scheduling.models import Hold, Practitioner
from clinic.scheduling.queries import is_claimed
from clinic.scheduling.services import lock_practitioners
from clinic.scheduling.slots import Interval
from clinic.waitlist.matching import Freed
from clinic.waitlist.models import EntryState, OfferState, WaitlistEntry, WaitlistOffer
from clinic.waitlist.queries import appointments_of_patients, entries_visible_to, get_offer
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
    claim(appointment.save)
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
    """What was offered must still hold: the clinic may have changed its hours or what it offers."""
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
        place(appointment, practitioner, service, offer.starts_at, treatment=treatment_placed(offer))
        check_rules(appointment, actor=Actor(ActorKind.WAITLIST, Channel.API), outside_hours=False, now=now)
    except (BookingRuleError, InvalidRequest, NotFound) as error:
        raise OfferOver("The clinic can no longer keep this time.") from error
    window = Interval(appointment.starts_at, appointment.ends_at)
    patient_id = appointment.patient_id
    if appointments_of_patients([patient_id], window)[patient_id]:
        raise OwnAppointment
    blocked = Interval(appointment.blocked_from, appointment.blocked_until)
    if is_claimed(practitioner.pk, blocked, except_hold_id=offer.hold_id):
        raise SlotTaken
    return appointment


def _actor_behind(viewer: User | None, offer: WaitlistOffer, channel: Channel) -> Actor:
    if channel is Channel.SMS:
        return Actor(ActorKind.PATIENT_SMS, channel, patient=offer.entry.patient)
    return Actor(ActorKind.WAITLIST, channel, _user_behind(viewer, offer))


def _user_behind(viewer: User | None, offer: WaitlistOffer) -> User | None:
    """The token is the authority; a user is named in the history only where the entry is theirs to see."""
    if viewer is None or not entries_visible_to(viewer).filter(pk=offer.entry_id).exists():
        return None
    return viewer


def _give_on(
    offer: WaitlistOffer, end: OfferState, state_of_entry: EntryState, *, channel: Channel, now: datetime
) -> None:
    Hold.objects.filter(pk=offer.hold_id).delete()
    _settle(offer, state_of_entry, now=now)
    _end(offer, end, now=now)
    local_date = local_date_of(offer.starts_at, zone_of(offer.clinic.timezone))
    freed = Freed(Interval(offer.blocked_from, offer.blocked_until), offer.starts_at, local_date)
    offer_time(
        FreedTime(offer.clinic, offer.practitioner_id, freed, given_back_by=offer.entry.patient_id),
        channel=channel,
        now=now,
    )


def _settle(offer: WaitlistOffer, state: EntryState, *, now: datetime, appointment: Appointment | None = None) -> None:
    """Whatever else was changed of the entry: while its offer is open, only the end of that changes its state."""
    entry = WaitlistEntry.objects.filter(pk=offer.entry_id, state=EntryState.OFFERED)
    entry.update(state=state, version=F("version") + 1, updated_at=now, appointment=appointment)


def _end(offer: WaitlistOffer, state: OfferState, *, now: datetime, appointment: Appointment | None = None) -> None:
    offer.state, offer.answered_at, offer.appointment = state, now, appointment
    offer.save(update_fields=["state", "answered_at", "appointment"])
    take_back_offer(offer)
