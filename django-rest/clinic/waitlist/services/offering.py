"""Freed time goes to the waitlist, in the transaction that frees it.

To offer is to claim, so it follows the lock rule of `scheduling.services`: whoever frees time locks its practitioner
first where somebody waits (`lock_what_effects_may_claim`). Claims are written before entries are changed: whoever holds
an entry's row then already has the feed's head, and no two of them wait for each other.

In quiet hours nobody is woken, and no time to answer runs: what is freed then is kept at once, and who is asked is told
at their end, from when on the time to answer counts. What begins too early for that is offered to nobody, and is free.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction

from clinic.appointments.actor import Actor
from clinic.appointments.lifecycle import ACTIVE_STATUSES, Status
from clinic.appointments.models import ActorKind, Appointment, Channel, Source
from clinic.appointments.services.effects import Change, Effect
from clinic.appointments.services.history import record
from clinic.appointments.services.placing import claim, place
from clinic.common.errors import SlotTaken, StaleVersion
from clinic.people.services.reaching import in_waking_hours
from clinic.scheduling.models import Clinic, Hold, Practitioner, WaitlistMode
from clinic.scheduling.queries import busy_intervals, hours_of, policy_of, treatment_of
from clinic.scheduling.services import lock_practitioners
from clinic.scheduling.slots import Interval
from clinic.waitlist.matching import Day, Freed, PartOfDay, Wish, best_start
from clinic.waitlist.models import EntryState, WaitlistEntry, WaitlistOffer
from clinic.waitlist.queries import appointments_of_patients, entries_to_ask, somebody_waits, times_offered
from clinic.waitlist.services.telling import tell_of_offer

TOKEN_BYTES = 32
# No treatment reaches further than this around the freed time.
AROUND = timedelta(days=1)
# Who is asked in the morning has this long to answer, or is not asked.
LEAST_TO_ANSWER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class FreedTime:
    """`given_back_by` is not asked."""

    clinic: Clinic
    practitioner_id: int
    freed: Freed
    given_back_by: int


def _may_claim(clinic: Clinic) -> bool:
    return clinic.waitlist_mode == WaitlistMode.OFFER and somebody_waits(clinic)


def _offer_what_became_free(change: Change) -> None:
    freed_time = freed_by(change)
    if freed_time is not None:
        offer_time(freed_time, channel=change.actor.channel, now=change.now)


OFFER_FREED_TIME = Effect(run=_offer_what_became_free, may_claim=_may_claim)


def freed_by(change: Change) -> FreedTime | None:
    """None where the change keeps its time, or nobody else could come: what was completed or missed is over."""
    before, after = change.before, change.after
    if before is None or before.status not in ACTIVE_STATUSES:
        return None
    if after is not None and not _gave_up(before, after):
        return None
    return FreedTime(
        clinic=before.clinic,
        practitioner_id=before.practitioner_id,
        freed=Freed(Interval(before.blocked_from, before.blocked_until), before.starts_at, before.local_date),
        given_back_by=before.patient_id,
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
        _ask_in_turn(entries, freed, clinic, practitioner, channel=channel, now=now)


def _ask_in_turn(
    entries: Sequence[WaitlistEntry],
    freed: Freed,
    clinic: Clinic,
    practitioner: Practitioner,
    *,
    channel: Channel,
    now: datetime,
) -> None:
    window = Interval(freed.interval.start - AROUND, freed.interval.end + AROUND)
    patient_ids = {entry.patient_id for entry in entries}
    booked = appointments_of_patients(patient_ids, window)
    offered, known = times_offered(entries, practitioner.pk, window)
    hours = hours_of(clinic, [practitioner.pk], freed.local_date, freed.local_date)[practitioner.pk]
    busy = busy_intervals([practitioner.pk], window, now=now).get(practitioner.pk, [])
    day = Day(policy_of(clinic), hours.blocks, hours.exceptions, busy)
    when_asked = _day_for_who_is_asked(day, now=now, asked_at=in_waking_hours(now, clinic))
    for entry in entries:
        entry.clinic = clinic
        elsewhere = booked[entry.patient_id] + offered[entry.patient_id] + known[entry.pk]
        wish = Wish(treatment_of(clinic, entry.service), PartOfDay(entry.part_of_day), elsewhere)
        start = best_start(wish, freed, day if entry.auto_accept else when_asked, now=now)
        if start is None:
            continue
        given = _give(entry, practitioner, start, channel=channel, now=now)
        if given is not None:
            busy.append(given)
            offered[entry.patient_id].append(given)


def _day_for_who_is_asked(day: Day, *, now: datetime, asked_at: datetime) -> Day:
    if asked_at == now:
        return day
    notice = max(day.policy.notice, asked_at - now + LEAST_TO_ANSWER)
    return replace(day, policy=replace(day.policy, notice=notice))


def _give(
    entry: WaitlistEntry, practitioner: Practitioner, start: datetime, *, channel: Channel, now: datetime
) -> Interval | None:
    """The time it took. None where somebody wrote around the lock, or the entry was changed in the meantime."""
    appointment = Appointment(
        clinic=entry.clinic,
        patient=entry.patient,
        status=Status.CONFIRMED,
        source=Source.WAITLIST,
        created_at=now,
        updated_at=now,
    )
    place(appointment, practitioner, entry.service, start)
    try:
        with transaction.atomic():
            if entry.auto_accept:
                _book(entry, appointment, channel=channel, now=now)
            else:
                _offer(entry, appointment, now=now)
    except (SlotTaken, StaleVersion):
        return None
    return Interval(appointment.blocked_from, appointment.blocked_until)


def _book(entry: WaitlistEntry, appointment: Appointment, *, channel: Channel, now: datetime) -> None:
    claim(appointment.save)
    swap_state(entry, EntryState.BOOKED, now=now, appointment=appointment)
    actor = Actor(ActorKind.WAITLIST, channel)
    record(appointment, "create", actor=actor, now=now, after=appointment, reason="from the waitlist, at once")


def _offer(entry: WaitlistEntry, wanted: Appointment, *, now: datetime) -> None:
    """`wanted` is not written: its time is kept until the patient has answered, at the latest until it begins."""
    asked_at = in_waking_hours(now, entry.clinic)
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
    hold = Hold(**of_what, **times, token=secrets.token_urlsafe(TOKEN_BYTES))
    claim(hold.save)
    swap_state(entry, EntryState.OFFERED, now=now)
    offer = WaitlistOffer.objects.create(
        **of_what, **times, entry=entry, hold=hold, token=secrets.token_urlsafe(TOKEN_BYTES)
    )
    tell_of_offer(offer, asked_at=asked_at)


def swap_state(
    entry: WaitlistEntry, state: EntryState, *, now: datetime, appointment: Appointment | None = None
) -> None:
    """Compare and swap. Raises StaleVersion: another writer got there first."""
    same = WaitlistEntry.objects.filter(pk=entry.pk, state=entry.state, version=entry.version)
    if not same.update(state=state, version=entry.version + 1, updated_at=now, appointment=appointment):
        raise StaleVersion
    entry.state, entry.version, entry.appointment = state, entry.version + 1, appointment
