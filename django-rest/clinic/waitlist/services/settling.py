"""A booking removes the patient's matching entries from the waitlist. A request that comes to nothing brings them
back. An undo leaves them as they were before the step."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import F

from clinic.appointments.actor import GuestActor
from clinic.appointments.lifecycle import ACTIVE_STATUSES, UNDO, Status
from clinic.appointments.models import Appointment, AppointmentEvent
from clinic.appointments.queries import CALLED_OFF
from clinic.appointments.services.effects import Change, Effect, Undoing
from clinic.common.errors import StaleVersion
from clinic.common.instants import local_date_of, zone_of
from clinic.common.transactions import finish_with
from clinic.waitlist.matching import PartOfDay, part_of_day
from clinic.waitlist.models import EntryState, WaitlistEntry
from clinic.waitlist.queries import STILL_OPEN, ids_waiting, open_offer_of, with_open_offer
from clinic.waitlist.services.answers import settle_offer_by_booking
from clinic.waitlist.services.offering import swap_state


def _collect(change: Change) -> None:
    # Of an undo, see `_take_back`.
    is_news = change.action != UNDO
    guest = change.actor.guest if isinstance(change.actor, GuestActor) else None
    has_new_record = guest is not None and not guest.may_have_record  # It waits for nothing.
    if is_news and not has_new_record and (_is_booked(change) or _came_to_nothing(change)):
        finish_with(settle, change)


def _take_back(undoing: Undoing) -> None:
    """Entries that the step removed wait again, and those that it brought back are booked. They bear its time."""
    lines = AppointmentEvent.objects.filter(step=undoing.step, appointment_id__in=undoing.versions)
    ended = {line.appointment_id: line.at for line in lines if line.from_status == Status.PENDING}
    removed = WaitlistEntry.objects.filter(
        appointment__in=list(undoing.versions), state=EntryState.BOOKED, updated_at__in={line.at for line in lines}
    )
    removed.update(**_waiting_again(undoing.now))
    for one in Appointment.objects.filter(pk__in=ended, status__in=CALLED_OFF).select_related("clinic"):
        brought_back = WaitlistEntry.objects.filter(
            patient=one.patient_id, state=EntryState.WAITING, updated_at=ended[one.pk]
        )
        for entry in brought_back.select_related("clinic"):
            if is_met(entry, one):
                swap_state(entry, EntryState.BOOKED, now=undoing.now, appointment=one)


SETTLE_ENTRIES = Effect(run=_collect, take_back=_take_back)


def _is_booked(change: Change) -> bool:
    before, after = change.before, change.after
    was_active = before is not None and before.status in ACTIVE_STATUSES
    return after is not None and after.status in ACTIVE_STATUSES and not was_active


def _came_to_nothing(change: Change) -> bool:
    """A request that the clinic rejected or cancelled, or that nobody decided."""
    before, after = change.before, change.after
    if before is None or after is None or before.status != Status.PENDING or change.actor.is_patient:
        return False
    return after.status in CALLED_OFF


def settle(changes: Sequence[Change]) -> None:
    """Call in their transaction, at its end. One query for any number of bookings of people who wait for nothing, and
    one for any of requests."""
    booked = [change for change in changes if _is_booked(change)]
    patient_ids = {change.after.patient_id for change in booked if change.after is not None}
    waiting = ids_waiting(patient_ids)
    if waiting:
        entries = list(with_open_offer(WaitlistEntry.objects.filter(pk__in=waiting)))
        for change in booked:
            for entry in entries:
                if change.after is not None and is_met(entry, change.after):
                    _settle(entry, change.after, change)
    ended = [change.after for change in changes if _came_to_nothing(change) and change.after is not None]
    if ended:
        today = local_date_of(changes[0].now, zone_of(ended[0].clinic.timezone))
        entries_of = WaitlistEntry.objects.filter(
            appointment__in=[one.pk for one in ended], state=EntryState.BOOKED, last_date__gte=today
        )
        entries_of.update(**_waiting_again(changes[0].now))


def _waiting_again(now: datetime) -> dict[str, Any]:
    return {"state": EntryState.WAITING, "appointment": None, "version": F("version") + 1, "updated_at": now}


def is_met(entry: WaitlistEntry, booked: Appointment) -> bool:
    """Whether the patient has what they wait for."""
    local = booked.starts_at.astimezone(zone_of(entry.clinic.timezone))
    return (
        entry.patient_id == booked.patient_id
        and entry.state in STILL_OPEN
        and entry.practitioner_id in (None, booked.practitioner_id)
        and entry.service_id in (None, booked.service_id)
        and entry.first_date <= booked.local_date <= entry.last_date
        and entry.part_of_day in (PartOfDay.ANY, part_of_day(local.time()))
    )


def _settle(entry: WaitlistEntry, booked: Appointment, change: Change) -> None:
    offer = open_offer_of(entry)
    if offer is None:
        try:
            swap_state(entry, EntryState.BOOKED, now=change.now, appointment=booked)
        except StaleVersion:
            return  # It was just withdrawn, or offered a time: the booking stands all the same.
    else:
        settle_offer_by_booking(offer, booked, channel=change.actor.channel, now=change.now)
        entry.state = EntryState.BOOKED
