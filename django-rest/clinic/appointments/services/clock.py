"""What time does to appointments by itself: a request that nobody decided expires, who does not come has missed it.

What is due is read from the database each time, so nothing is forgotten while no worker runs. Each appointment is
changed in a transaction of its own, as a person's decision is, and only if it still is what it was found as: a second
worker, or somebody at the desk who is quicker, leaves nothing to do.
"""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import QuerySet

from clinic.appointments.actor import Actor
from clinic.appointments.lifecycle import Action, Status
from clinic.appointments.models import ActorKind, Appointment, Channel
from clinic.appointments.services.decisions import take
from clinic.appointments.services.effects import lock_what_effects_may_claim
from clinic.common.errors import ChairsideError, UnknownTimeZone
from clinic.common.isolation import sum_isolated
from clinic.common.transactions import in_one_transaction
from clinic.scheduling.models import Clinic

# After a longer outage nobody knows any more who came: the clinic decides.
LOOK_BACK = timedelta(days=1)
SYSTEM = Actor(ActorKind.SYSTEM, Channel.WORKER)
NOT_DECIDED = "The start passed before the request was decided."

log = logging.getLogger("chairside.worker")


def expire_requests(*, now: datetime) -> int:
    """Cancel what is still pending at its start. Returns how many. Raises PartlyFailed."""
    begun = (one for clinic in Clinic.objects.all() for one in _begun(clinic, Status.PENDING, until=now))
    return sum_isolated(
        begun, lambda one: _take(Action.EXPIRE, one, found_as=Status.PENDING, now=now, reason=NOT_DECIDED)
    )


def mark_missed(*, now: datetime) -> int:
    """A no-show of whom the clinic awaits and nobody has checked in, some minutes after the start (the clinic's
    setting); a day back at most. Returns how many. Raises PartlyFailed."""
    begun = (
        one
        for clinic, until in _missed_until(now)
        for one in _begun(clinic, Status.CONFIRMED, until=until, since=now - LOOK_BACK)
    )
    return sum_isolated(begun, lambda one: _take(Action.NO_SHOW, one, found_as=Status.CONFIRMED, now=now))


def _missed_until(now: datetime) -> Iterator[tuple[Clinic, datetime]]:
    for clinic in Clinic.objects.all():
        yield clinic, now - timedelta(minutes=clinic.no_show_after_minutes)


def _begun(clinic: Clinic, status: Status, *, until: datetime, since: datetime | None = None) -> list[int]:
    found: QuerySet[Appointment] = Appointment.objects.filter(clinic=clinic, status=status, starts_at__lte=until)
    if since is not None:
        found = found.filter(starts_at__gte=since)
    return list(found.order_by("starts_at", "id").values_list("pk", flat=True))


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
    if action is Action.EXPIRE:
        lock_what_effects_may_claim(seen.clinic, [seen.practitioner_id], now=now)
    appointment = Appointment.objects.select_for_update().filter(pk=appointment_id, status=found_as).first()
    if appointment is None:
        return False
    take(action, appointment, actor=SYSTEM, now=now, reason=reason)
    return True
