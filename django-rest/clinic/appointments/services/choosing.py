"""The practitioner for a booking that names none: one who offers the service and is open and free at that start, in the
fair order of `workload`. Call inside the claim, with all candidates locked."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import DurationField, Exists, F, OuterRef, Q, Subquery, Sum

from clinic.appointments.actor import Actor
from clinic.appointments.lifecycle import ACTIVE_STATUSES, Status
from clinic.appointments.models import Appointment
from clinic.appointments.services.placing import check_rules, claim, place
from clinic.appointments.workload import Workload, in_fair_order, surrounding_days
from clinic.common.errors import InvalidRequest, OffGrid, OutsideWorkingHours, OwnAppointment, SlotTaken
from clinic.people.models import Patient
from clinic.scheduling.models import Practitioner, Service
from clinic.scheduling.queries import claimed_practitioner_ids, hours_of
from clinic.scheduling.slots import Interval

# A visit that is over was work; one that was called off is not.
TIME_SPENT = sorted(status.value for status in {*ACTIVE_STATUSES, Status.COMPLETED, Status.NO_SHOW})


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

    Raises a BookingRuleError where nobody works then, SlotTaken where nobody is free, OwnAppointment if the patient is
    booked at this start already: a second click chooses nobody else.
    """
    if not candidates:
        raise InvalidRequest("Nobody offers this.", attr="practitioner" if service is None else "service")
    working = _working_at(start, appointment, candidates, service, actor=actor, outside_hours=outside_hours, now=now)
    order = _fair_order(appointment, candidates)
    free = {practitioner.pk: practitioner for practitioner in _free_among(appointment, working)}
    for practitioner in (free[practitioner_id] for practitioner_id in order if practitioner_id in free):
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


def _fair_order(appointment: Appointment, candidates: Collection[Practitioner]) -> list[int]:
    """Ids. Call when the appointment is placed. One query. Raises OwnAppointment."""
    first_date, last_date = surrounding_days(appointment.local_date)
    own = Appointment.objects.filter(practitioner=OuterRef("pk"))
    booked = (
        own.filter(local_date__range=(first_date, last_date), status__in=TIME_SPENT)
        .order_by()
        .values("practitioner")
        .annotate(booked=Sum(F("ends_at") - F("starts_at"), output_field=DurationField()))
    )
    newest = own.order_by("-created_at").values("created_at")[:1]
    repeated = own.filter(_same_person(appointment.patient), starts_at=appointment.starts_at, is_active=1)
    practitioners = Practitioner.objects.filter(pk__in=[candidate.pk for candidate in candidates]).order_by()
    rows = list(practitioners.values_list("pk", Subquery(booked.values("booked")), Subquery(newest), Exists(repeated)))
    if any(is_repeat for *_, is_repeat in rows):
        raise OwnAppointment(attr="start")
    return in_fair_order(Workload(pk, booked or timedelta(), newest) for pk, booked, newest, _ in rows)


def _same_person(patient: Patient) -> Q:
    """By name and phone as well: each request of a guest may have a record of its own."""
    same = Q(patient=patient)
    if patient.phone:
        same |= Q(patient__clinic=patient.clinic_id, patient__phone=patient.phone, patient__name=patient.name)
    return same
