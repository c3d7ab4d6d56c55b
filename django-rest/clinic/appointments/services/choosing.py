"""Who takes a booking that names nobody: of those who offer the service and are open and free at that start, the one
with the fewest bookings that day. Call inside the claim, with all who might be chosen locked."""

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Count

from clinic.appointments.actor import Actor
from clinic.appointments.lifecycle import ACTIVE_STATUSES
from clinic.appointments.models import Appointment
from clinic.appointments.services.placing import check_rules, claim, place
from clinic.common.errors import InvalidRequest, OffGrid, OutsideWorkingHours, SlotTaken
from clinic.scheduling.models import Practitioner, Service
from clinic.scheduling.queries import claimed_practitioner_ids, hours_of
from clinic.scheduling.slots import Interval


def claim_with_a_free_one(
    appointment: Appointment,
    candidates: Collection[Practitioner],
    service: Service | None,
    start: datetime,
    *,
    actor: Actor,
    outside_hours: bool,
    now: datetime,
) -> None:
    """Give the appointment to one of the candidates and write it. The same few queries for any number of them.

    Raises a BookingRuleError where nobody works then, SlotTaken where nobody is free.
    """
    if not candidates:
        raise InvalidRequest("Nobody offers this.", attr="practitioner" if service is None else "service")
    working = _working_at(start, appointment, candidates, service, actor=actor, outside_hours=outside_hours, now=now)
    for practitioner in _fewest_bookings_first(appointment, _free_among(appointment, working)):
        place(appointment, practitioner, service, start)
        try:
            with transaction.atomic():
                claim(appointment.save)
        except SlotTaken:
            continue  # Somebody wrote around the lock; the next one may still be free.
        return
    raise SlotTaken(attr="start")


def _working_at(
    start: datetime,
    appointment: Appointment,
    candidates: Collection[Practitioner],
    service: Service | None,
    *,
    actor: Actor,
    outside_hours: bool,
    now: datetime,
) -> list[Practitioner]:
    """Leaves the appointment placed. What is wrong for everybody (past, notice, horizon) is raised at once."""
    working: list[Practitioner] = []
    refusal: OffGrid | OutsideWorkingHours | None = None
    place(appointment, next(iter(candidates)), service, start)
    day = appointment.local_date
    hours = hours_of(appointment.clinic, [practitioner.pk for practitioner in candidates], day, day)
    for practitioner in candidates:
        place(appointment, practitioner, service, start)
        try:
            check_rules(appointment, actor=actor, outside_hours=outside_hours, now=now, hours=hours[practitioner.pk])
            working.append(practitioner)
        except (OffGrid, OutsideWorkingHours) as error:
            refusal = refusal or error
    if refusal is not None and not working:
        raise refusal
    return working


def _free_among(appointment: Appointment, practitioners: Sequence[Practitioner]) -> list[Practitioner]:
    blocked = Interval(appointment.blocked_from, appointment.blocked_until)
    taken = claimed_practitioner_ids([practitioner.pk for practitioner in practitioners], blocked)
    return [practitioner for practitioner in practitioners if practitioner.pk not in taken]


def _fewest_bookings_first(appointment: Appointment, practitioners: Sequence[Practitioner]) -> list[Practitioner]:
    """Of two with equally many, the one with the lower id."""
    of_the_day = Appointment.objects.filter(
        practitioner__in=practitioners, local_date=appointment.local_date, status__in=ACTIVE_STATUSES
    )
    counts = dict(of_the_day.order_by().values_list("practitioner").annotate(count=Count("*")))
    return sorted(practitioners, key=lambda practitioner: (counts.get(practitioner.pk, 0), practitioner.pk))
