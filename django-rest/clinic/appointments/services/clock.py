"""Changes by time alone: a request that was not decided expires, a patient who does not come has missed it.

What is due is read from the database each time, so nothing is forgotten while no worker runs. Each appointment is
changed in a transaction of its own, as a person's decision is, and only if it still is what it was found as: a second
worker, or somebody at the desk who is quicker, leaves nothing to do.
"""

import logging
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet

from clinic.appointments.actor import SystemActor
from clinic.appointments.lifecycle import NO_SHOW_GRACE, Action, Status
from clinic.appointments.models import Appointment, AppointmentEvent, Channel
from clinic.appointments.services.decisions import take
from clinic.appointments.services.effects import lock_what_effects_may_claim
from clinic.common.errors import ChairsideError, UnknownTimeZone
from clinic.common.isolation import sum_isolated
from clinic.common.transactions import in_one_transaction
from clinic.scheduling.models import Clinic

# After a longer outage nobody knows any more who came: the clinic decides.
LOOK_BACK = timedelta(days=1)
SYSTEM = SystemActor(Channel.WORKER)
NOT_DECIDED = "The start passed before the request was decided."

log = logging.getLogger("chairside.worker")


def expire_requests(*, now: datetime) -> int:
    """Cancel what is still pending at its start. Returns how many. One query where nothing is due. Raises
    PartlyFailed."""
    begun = _begun(Status.PENDING).filter(starts_at__lte=now).values_list("pk", flat=True)
    return sum_isolated(
        list(begun), lambda one: _take(Action.EXPIRE, one, found_as=Status.PENDING, now=now, reason=NOT_DECIDED)
    )


def mark_missed(*, now: datetime) -> int:
    """A no-show of whom the clinic awaits and nobody has checked in, some minutes after the start; a day back at most.
    Both whether and when are the clinic's settings. Returns how many. Two queries, or one where nobody is awaited.
    Raises PartlyFailed."""
    missed = list(_missed(now))
    return sum_isolated(missed, lambda one: _take(Action.NO_SHOW, one, found_as=Status.CONFIRMED, now=now))


def _missed(now: datetime) -> Iterator[int]:
    awaited = _begun(Status.CONFIRMED).filter(starts_at__range=(now - LOOK_BACK, now))
    found = list(awaited.values_list("pk", "clinic_id", "starts_at", "arrived_at"))
    minutes = _minutes_of_grace({clinic_id for _, clinic_id, *_ in found}) if found else {}
    for pk, clinic_id, starts_at, arrived_at in found:
        if clinic_id in minutes:
            # Patients who say that they are here are awaited longer.
            grace = timedelta(minutes=minutes[clinic_id]) + (NO_SHOW_GRACE if arrived_at is not None else timedelta(0))
            if starts_at + grace <= now:
                yield pk


def _minutes_of_grace(clinic_ids: Collection[int]) -> dict[int, int]:
    """Of those that mark patients as missed by themselves."""
    marking = Clinic.objects.filter(pk__in=clinic_ids, auto_no_show=True)
    return dict(marking.values_list("pk", "no_show_after_minutes"))


def _begun(status: Status) -> QuerySet[Appointment]:
    """Of all clinics, by the index of status and start."""
    return _not_set_right(Appointment.objects.filter(status=status)).order_by("starts_at", "pk")


def _not_set_right(appointments: QuerySet[Appointment]) -> QuerySet[Appointment]:
    """Without those that were missed and are not any more: a person has said so."""
    set_right = AppointmentEvent.objects.filter(appointment_id=OuterRef("pk"), from_status=Status.NO_SHOW)
    return appointments.exclude(Exists(set_right))


def _take(action: Action, appointment_id: int, *, found_as: Status, now: datetime, reason: str = "") -> bool:
    try:
        return _take_if_still(action, appointment_id, found_as=found_as, now=now, reason=reason)
    except UnknownTimeZone:
        raise
    except ChairsideError as refusal:  # Somebody was quicker, or it was moved: there is nothing to do any more.
        log.info("appointment %s: no %s: %s", appointment_id, action, refusal.code)
        return False


@in_one_transaction
def _take_if_still(action: Action, appointment_id: int, *, found_as: Status, now: datetime, reason: str) -> bool:
    seen = Appointment.objects.filter(pk=appointment_id).select_related("clinic").first()
    if seen is None:
        return False
    if action is Action.NO_SHOW and not seen.clinic.auto_no_show:
        return False
    if action is Action.EXPIRE:
        lock_what_effects_may_claim(seen.clinic, [seen.practitioner_id], now=now)
    same = Appointment.objects.select_for_update().filter(pk=appointment_id, status=found_as)
    appointment = _not_set_right(same).first()
    if appointment is None:
        return False
    take(action, appointment, actor=SYSTEM, now=now, reason=reason)
    return True
