"""Future visits whose local time changes with newer rules of a time zone. They were agreed by the clock on the wall, so
they keep their local time and get another instant."""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from shared_config import is_time_zone

from clinic.appointments.actor import SystemActor
from clinic.appointments.claim_facts import read_claim_facts
from clinic.appointments.lifecycle import UPCOMING, ZONE_CHANGE
from clinic.appointments.models import Appointment, AppointmentEvent, Channel
from clinic.appointments.recurrence import instant_on
from clinic.appointments.services.claiming import place_in, put_at, write_claim
from clinic.appointments.services.history import record
from clinic.appointments.slot_assignment import OwnTime, SlotRequest, assign_slot, booked_treatment
from clinic.common.errors import ChairsideError, InvalidRequest, NoSuchLocalTime, StaleVersion
from clinic.common.instants import offset_minutes_of, zone_of
from clinic.common.transactions import in_one_transaction
from clinic.scheduling.models import Clinic
from clinic.scheduling.services import lock_for_change

REASON = "The rules of the time zone changed; the local time stays."
BY_SYSTEM = SystemActor(Channel.COMMAND)

# The zone by whose rules visits without a recorded offset were booked; None: not known.
RulesOf = Callable[[str], ZoneInfo | None]


@dataclass(frozen=True, slots=True)
class ZoneChange:
    """`start_local` is what was agreed; `new_start` is None where the new rules skip that time."""

    appointment: Appointment
    start_local: datetime
    new_start: datetime | None

    @property
    def shift(self) -> timedelta:
        return timedelta(0) if self.new_start is None else self.new_start - self.appointment.starts_at


def unrecorded_count(*, now: datetime) -> int:
    return _upcoming(now=now).filter(utc_offset_minutes=None).count()


def zone_changes(*, now: datetime, unrecorded: RulesOf = lambda _name: None) -> Iterator[ZoneChange]:
    """By clinic, then by start. Visits without a recorded offset count only if `unrecorded` names their rules. A visit
    that was moved around the services (raw SQL) has no agreed local time and is left out."""
    for clinic in _clinics():
        zone, old_rules = zone_of(clinic.timezone), unrecorded(clinic.timezone)
        rows = _upcoming(now=now).filter(clinic=clinic).select_related("patient", "practitioner", "service")
        for appointment in rows.order_by("starts_at", "pk"):
            appointment.clinic = clinic
            offset = appointment.utc_offset_minutes
            if offset is None and old_rules is not None:
                offset = offset_minutes_of(appointment.starts_at, old_rules)
            if offset is None or offset == offset_minutes_of(appointment.starts_at, zone):
                continue
            start_local = (appointment.starts_at + timedelta(minutes=offset)).replace(tzinfo=None)
            change = ZoneChange(appointment, start_local, instant_on(start_local.date(), start_local.time(), zone))
            if change.new_start != appointment.starts_at and _is_where_it_was_put(appointment):
                yield change


def in_safe_order(changes: Sequence[ZoneChange]) -> list[ZoneChange]:
    """Latest visit first if visits move later, earliest first if they move earlier: none is in another's way."""
    later = [change for change in changes if change.shift > timedelta(0)]
    earlier = [change for change in changes if change.shift <= timedelta(0)]
    later.sort(key=lambda change: change.appointment.starts_at, reverse=True)
    earlier.sort(key=lambda change: change.appointment.starts_at)
    return [*later, *earlier]


@in_one_transaction
def keep_local_time(change: ZoneChange, *, now: datetime) -> Appointment:
    """Move the visit to the instant of its agreed local time, with history and messages.

    Raises NoSuchLocalTime, InvalidRequest if that instant is past, SlotTaken, OwnAppointment, and StaleVersion if it
    changed meanwhile.
    """
    seen = change.appointment
    if change.new_start is None:
        raise NoSuchLocalTime
    if change.new_start <= now:
        raise InvalidRequest("By the new rules this visit has begun.")
    locked = lock_for_change(seen.clinic, {seen.practitioner_id}).practitioners
    appointment = Appointment.objects.select_for_update().get(pk=seen.pk)
    if (appointment.version, appointment.starts_at) != (seen.version, seen.starts_at):
        raise StaleVersion
    appointment.clinic, appointment.patient, appointment.service = seen.clinic, seen.patient, seen.service
    before = copy.copy(appointment)
    practitioner = locked[appointment.practitioner_id]
    place = place_in(appointment.clinic, change.new_start, treatment=booked_treatment(appointment))
    request = SlotRequest(
        place,
        [practitioner.pk],
        now,
        own_time=OwnTime.ALLOWED if appointment.allow_overlap else OwnTime.REFUSED,
        patient_id=appointment.patient_id,
        except_visit_ids=[appointment.pk],
    )
    assignment = assign_slot(request, read_claim_facts(appointment.clinic, [request]))
    put_at(appointment, place, practitioner, seen.service)
    appointment.version += 1
    appointment.updated_at = now
    write_claim(appointment.save, released_hold_ids=assignment.released_hold_ids, now=now)
    record(appointment, ZONE_CHANGE, actor=BY_SYSTEM, now=now, before=before, after=appointment, reason=REASON)
    return appointment


def refusal_of(change: ZoneChange, *, now: datetime) -> str | None:
    """Keep its local time; the reason if that is not possible."""
    try:
        keep_local_time(change, now=now)
    except ChairsideError as error:
        return error.detail
    return None


def record_offsets(*, now: datetime) -> int:
    """Record the offset by the present rules on future visits that have none. Returns how many; changes no time."""
    count = 0
    for clinic in _clinics():
        zone = zone_of(clinic.timezone)
        for appointment in _upcoming(now=now).filter(clinic=clinic, utc_offset_minutes=None):
            offset = offset_minutes_of(appointment.starts_at, zone)
            same = Appointment.objects.filter(pk=appointment.pk, starts_at=appointment.starts_at)
            count += same.update(utc_offset_minutes=offset)
    return count


def _clinics() -> Iterator[Clinic]:
    """Without those whose zone the tables do not know: health reports them."""
    return (clinic for clinic in Clinic.objects.order_by("pk") if is_time_zone(clinic.timezone))


def _upcoming(*, now: datetime) -> QuerySet[Appointment]:
    return Appointment.objects.filter(starts_at__gt=now, status__in=sorted(UPCOMING))


def _is_where_it_was_put(appointment: Appointment) -> bool:
    put = AppointmentEvent.objects.filter(appointment=appointment, to_starts_at__isnull=False).order_by("-at", "-id")
    last = put.values_list("to_starts_at", flat=True).first()
    return last is None or last == appointment.starts_at
