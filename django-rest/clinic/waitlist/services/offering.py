"""Freed time goes to the waitlist, in the transaction that frees it.

To offer is to claim, so it follows the lock rule of `scheduling.services`: whoever frees time locks its practitioner
first where somebody waits (`lock_what_effects_may_claim`). Claims are written before entries are changed: whoever holds
an entry's row then already has the feed's head, and no two of them wait for each other.

In quiet hours nobody is woken, and no time to answer runs: what is freed then is kept at once, and who is asked is told
at their end, from when on the time to answer counts. What begins too early for that is offered to nobody, and is free.
"""

import copy
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from clinic.accounts.link_tokens import new_token
from clinic.appointments.actor import Actor, SystemActor, UserActor
from clinic.appointments.claim_facts import read_claim_facts
from clinic.appointments.lifecycle import ACTIVE_STATUSES, UNDO, Status
from clinic.appointments.models import ActorKind, Appointment, AppointmentEvent, Channel, Source
from clinic.appointments.services.claiming import place_in, place_of, put_at, rules_for, write_claim
from clinic.appointments.services.effects import Change, Effect, Undoing
from clinic.appointments.services.eligibility import check_may_book_for, service_of
from clinic.appointments.services.history import record
from clinic.appointments.slot_assignment import OwnTime, SlotAssignment, SlotRequest, assign_slot
from clinic.common.errors import OwnAppointment, SlotTaken, StaleVersion, TooSoonToOffer, TransitionNotAllowed
from clinic.common.transactions import in_one_transaction, savepoint
from clinic.people.services.contact_routes import in_waking_hours
from clinic.scheduling.models import Clinic, Hold, Practitioner, WaitlistMode
from clinic.scheduling.queries.claims import busy_intervals
from clinic.scheduling.queries.hours import hours_of
from clinic.scheduling.queries.open_times import policy_of, treatment_of
from clinic.scheduling.services import lock_for_claim, lock_practitioners
from clinic.scheduling.working_hours import Interval
from clinic.waitlist.matching import Freed, PartOfDay, PractitionerDay, Wish, best_start
from clinic.waitlist.models import EntryState, OfferState, WaitlistEntry, WaitlistOffer
from clinic.waitlist.queries import (
    AROUND,
    appointments_of_patients,
    entries_to_ask,
    get_entry_for,
    somebody_waits,
    times_offered,
)
from clinic.waitlist.services.telling import take_back_offer, tell_of_offer

# No treatment reaches further than this around the freed time.
# Time to answer for patients who are asked in the morning; with less of it they are not asked.
LEAST_TO_ANSWER = timedelta(minutes=15)
# An offer made at once is of no time that begins meanwhile: it would be over as it comes.
LEAST_TO_BE_ASKED = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class FreedTime:
    """`given_back_by` is not asked. `told_at`: nobody is told before it, as until then it may be undone."""

    clinic: Clinic
    practitioner_id: int
    freed: Freed
    given_back_by: int
    told_at: datetime | None = None


def _may_claim(clinic: Clinic) -> bool:
    return clinic.waitlist_mode == WaitlistMode.OFFER and somebody_waits(clinic)


def _offer_what_became_free(change: Change) -> None:
    freed_time = freed_by(change)
    if freed_time is not None:
        offer_time(freed_time, channel=change.actor.channel, now=change.now)


def _take_back(undoing: Undoing) -> None:
    """The time goes back to whoever had it: of its offers nobody has been told yet. It is as if there had been none."""
    for practitioner_id, interval in undoing.claims:
        offers = WaitlistOffer.objects.select_related("entry").filter(
            practitioner_id=practitioner_id,
            state=OfferState.OPEN,
            blocked_from__lt=interval.end,
            blocked_until__gt=interval.start,
        )
        for offer in offers:
            Hold.objects.filter(pk=offer.hold_id).delete()
            take_back_offer(offer)
            swap_state(offer.entry, EntryState.WAITING, now=undoing.now)
            offer.delete()
    booked = AppointmentEvent.objects.filter(step=undoing.step, action="create", actor_kind=ActorKind.WAITLIST)
    for appointment in Appointment.objects.select_for_update().filter(pk__in=booked.values("appointment_id")):
        _unbook(appointment, undoing)


def _unbook(appointment: Appointment, undoing: Undoing) -> None:
    """Take back a booking for an entry that accepts by itself. If it was changed since, it stays: its time is
    taken."""
    if appointment.version > 1 or appointment.status != Status.CONFIRMED:
        return
    before = copy.copy(appointment)
    appointment.status, appointment.deleted_at = Status.CANCELLED, undoing.now
    appointment.version, appointment.updated_at = appointment.version + 1, undoing.now
    appointment.save(update_fields=["status", "deleted_at", "version", "updated_at"])
    for entry in WaitlistEntry.objects.filter(appointment=appointment, state=EntryState.BOOKED):
        swap_state(entry, EntryState.WAITING, now=undoing.now)
    record(appointment, UNDO, actor=undoing.actor, now=undoing.now, before=before, after=appointment)


OFFER_FREED_TIME = Effect(run=_offer_what_became_free, may_claim=_may_claim, take_back=_take_back)


def freed_by(change: Change) -> FreedTime | None:
    """None where the change keeps its time, or nobody else could come: what was completed or missed is over."""
    before, after = change.before, change.after
    if change.action == UNDO:
        return None  # It was free a moment ago.
    if before is None or before.status not in ACTIVE_STATUSES:
        return None
    if after is not None and not _gave_up(before, after):
        return None
    return FreedTime(
        clinic=before.clinic,
        practitioner_id=before.practitioner_id,
        freed=Freed(Interval(before.blocked_from, before.blocked_until), before.starts_at, before.local_date),
        given_back_by=before.patient_id,
        told_at=change.told_at,
    )


def _gave_up(before: Appointment, after: Appointment) -> bool:
    if after.status in (Status.CANCELLED, Status.REJECTED):
        return True
    moved = (before.practitioner_id, before.blocked_from, before.blocked_until) != (
        after.practitioner_id,
        after.blocked_from,
        after.blocked_until,
    )
    return moved and after.status in ACTIVE_STATUSES


def offer_time(freed_time: FreedTime, *, channel: Channel, now: datetime) -> None:
    """To the best match, by priority and then the oldest; what that one leaves, to the next. Call inside a
    transaction that has locked the practitioner, or nothing yet."""
    freed, clinic = freed_time.freed, freed_time.clinic
    if clinic.waitlist_mode != WaitlistMode.OFFER or freed.interval.end <= now:
        return
    entries = entries_to_ask(
        clinic,
        practitioner_id=freed_time.practitioner_id,
        local_date=freed.local_date,
        freed=freed.interval,
        except_patient_id=freed_time.given_back_by,
    )
    if not entries:
        return
    locked = lock_practitioners(clinic, [freed_time.practitioner_id], now=now, also_inactive=True)
    practitioner = locked[freed_time.practitioner_id]
    if practitioner.active:
        _ask_in_turn(entries, freed_time, practitioner, channel=channel, now=now)


def _ask_in_turn(
    entries: Sequence[WaitlistEntry],
    freed_time: FreedTime,
    practitioner: Practitioner,
    *,
    channel: Channel,
    now: datetime,
) -> None:
    freed, clinic = freed_time.freed, freed_time.clinic
    told_at = max(now, freed_time.told_at or now)
    window = Interval(freed.interval.start - AROUND, freed.interval.end + AROUND)
    patient_ids = {entry.patient_id for entry in entries}
    booked = appointments_of_patients(patient_ids, window)
    offered, known = times_offered(entries, practitioner.pk, window)
    hours = hours_of(clinic, [practitioner.pk], freed.local_date, freed.local_date)[practitioner.pk]
    busy = busy_intervals([practitioner.pk], window, now=now).get(practitioner.pk, [])
    day = PractitionerDay(policy_of(clinic), hours.blocks, hours.exceptions, busy)
    when_asked = _day_for_who_is_asked(day, clinic, told_at=told_at, now=now)
    for entry in entries:
        entry.clinic = clinic
        elsewhere = booked[entry.patient_id] + offered[entry.patient_id] + known[entry.pk]
        wish = Wish(treatment_of(clinic, entry.service), PartOfDay(entry.part_of_day), elsewhere)
        start = best_start(wish, freed, day if entry.auto_accept else when_asked, now=now)
        if start is None:
            continue
        given = _give(entry, practitioner, start, channel=channel, told_at=told_at, now=now)
        if given is not None:
            busy.append(given)
            offered[entry.patient_id].append(given)


def _day_for_who_is_asked(day: PractitionerDay, clinic: Clinic, *, told_at: datetime, now: datetime) -> PractitionerDay:
    asked_at = in_waking_hours(told_at, clinic)
    least = LEAST_TO_BE_ASKED if asked_at == told_at else LEAST_TO_ANSWER
    notice = max(day.policy.notice, asked_at - now + least)
    return replace(day, policy=replace(day.policy, notice=notice))


def _give(
    entry: WaitlistEntry,
    practitioner: Practitioner,
    start: datetime,
    *,
    channel: Channel,
    told_at: datetime,
    now: datetime,
) -> Interval | None:
    """The time it took. None where somebody wrote around the lock, or the entry or the patient's visits were changed in
    the meantime."""
    appointment = _appointment_for(entry, now=now)
    put_at(appointment, place_in(entry.clinic, start, service=entry.service), practitioner, entry.service)
    try:
        with savepoint():
            if entry.auto_accept:
                _book(entry, appointment, channel=channel, told_at=told_at, now=now)
            else:
                _offer(entry, appointment, told_at=told_at, now=now)
    except (SlotTaken, OwnAppointment, StaleVersion):
        return None
    return Interval(appointment.blocked_from, appointment.blocked_until)


def _appointment_for(entry: WaitlistEntry, *, now: datetime) -> Appointment:
    return Appointment(
        clinic=entry.clinic,
        patient=entry.patient,
        status=Status.CONFIRMED,
        source=Source.WAITLIST,
        created_at=now,
        updated_at=now,
    )


def _book(
    entry: WaitlistEntry,
    appointment: Appointment,
    *,
    channel: Channel,
    told_at: datetime,
    now: datetime,
    released_hold_ids: Collection[int] = (),
) -> None:
    write_claim(appointment.save, released_hold_ids=released_hold_ids, now=now)
    swap_state(entry, EntryState.BOOKED, now=now, appointment=appointment)
    actor = SystemActor(channel, ActorKind.WAITLIST)
    record(
        appointment,
        "create",
        actor=actor,
        now=now,
        after=appointment,
        reason="from the waitlist, at once",
        messages_from=told_at,
    )


def _offer(
    entry: WaitlistEntry,
    wanted: Appointment,
    *,
    told_at: datetime,
    now: datetime,
    released_hold_ids: Collection[int] = (),
) -> None:
    """`wanted` is not written: its time is kept until the patient has answered, at the latest until it begins."""
    asked_at = in_waking_hours(told_at, entry.clinic)
    expires_at = min(asked_at + timedelta(minutes=entry.clinic.offer_minutes), wanted.starts_at)
    times = {
        "starts_at": wanted.starts_at,
        "ends_at": wanted.ends_at,
        "blocked_from": wanted.blocked_from,
        "blocked_until": wanted.blocked_until,
        "expires_at": expires_at,
        "created_at": now,
    }
    of_what = {"clinic": entry.clinic, "practitioner": wanted.practitioner, "service": wanted.service}
    # The hold's own token is nobody's: only the offer's answers.
    hold = Hold(**of_what, **times, token=new_token())
    write_claim(hold.save, released_hold_ids=released_hold_ids, now=now)
    swap_state(entry, EntryState.OFFERED, now=now)
    offer = WaitlistOffer.objects.create(**of_what, **times, entry=entry, hold=hold, token=new_token(), told_at=told_at)
    tell_of_offer(offer, asked_at=asked_at)


@in_one_transaction
def offer_by_hand(*, actor: UserActor, entry_id: int, practitioner_id: int, start: datetime, now: datetime) -> None:
    """A free time that the desk has chosen for an entry; an entry with `auto_accept` is booked at once. Nobody is told
    before the end of the undo window.

    Raises NotFound, TransitionNotAllowed, InvalidRequest, PermissionDenied, SlotTaken, OwnAppointment, TooSoonToOffer,
    and a BookingRuleError for a time at which the desk could not book.
    """
    clinic = get_entry_for(actor.user, entry_id).clinic
    locked = lock_for_claim(clinic, practitioner_id=practitioner_id, service_id=None)
    practitioner = locked.practitioners[practitioner_id]
    entry = get_entry_for(actor.user, entry_id)
    entry.clinic = clinic  # As it was read with the lock.
    if entry.state != EntryState.WAITING:
        raise TransitionNotAllowed(f"This entry is {entry.state}.")
    check_may_book_for(actor, practitioner)
    service = service_of(clinic, practitioner, entry.service_id)
    told_at = now + timedelta(seconds=clinic.undo_seconds)
    wanted = _appointment_for(entry, now=now)
    put_at(wanted, place_in(clinic, start, service=service), practitioner, service)
    released = _decide_by_hand(wanted, actor, now=now).released_hold_ids
    if in_waking_hours(told_at, clinic) + LEAST_TO_BE_ASKED > wanted.starts_at and not entry.auto_accept:
        raise TooSoonToOffer
    if entry.auto_accept:
        _book(entry, wanted, channel=actor.channel, told_at=told_at, now=now, released_hold_ids=released)
    else:
        _offer(entry, wanted, told_at=told_at, now=now, released_hold_ids=released)


def _decide_by_hand(wanted: Appointment, actor: Actor, *, now: datetime) -> SlotAssignment:
    """By the rules of the desk. Raises a BookingRuleError, SlotTaken, OwnAppointment."""
    request = SlotRequest(
        place_of(wanted),
        [wanted.practitioner_id],
        now,
        rules=rules_for(actor, wanted.clinic, now=now),
        takes_undo_holds=actor.is_clinic,
        own_time=OwnTime.REFUSED,
        patient_id=wanted.patient_id,
    )
    return assign_slot(request, read_claim_facts(wanted.clinic, [request]))


def swap_state(
    entry: WaitlistEntry, state: EntryState, *, now: datetime, appointment: Appointment | None = None
) -> None:
    """Compare and swap. Raises StaleVersion: another writer got there first."""
    same = WaitlistEntry.objects.filter(pk=entry.pk, state=entry.state, version=entry.version)
    if not same.update(state=state, version=entry.version + 1, updated_at=now, appointment=appointment):
        raise StaleVersion
    entry.state, entry.version, entry.appointment = state, entry.version + 1, appointment
