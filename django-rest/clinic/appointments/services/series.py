"""Appointments by a rule: every date is checked under one lock and written in one transaction."""

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum

from clinic.appointments.actor import Actor
from clinic.appointments.lifecycle import Status
from clinic.appointments.models import Appointment, Series, Source
from clinic.appointments.recurrence import Occurrence, Rule, occurrences
from clinic.appointments.services.history import record
from clinic.appointments.services.placing import check_may_book_for, claim, patient_of, place, service_of
from clinic.appointments.services.series_dates import PlannedDate, conflict_of, refusals_of
from clinic.common.errors import NoSuchLocalTime, PermissionDenied
from clinic.common.instants import zone_of
from clinic.common.transactions import in_one_transaction
from clinic.scheduling.models import Clinic, Practitioner
from clinic.scheduling.queries import get_practitioner
from clinic.scheduling.services import lock_practitioners


@dataclass(frozen=True, slots=True)
class SeriesBooking:
    """What is asked for. The first date and the time are the clinic's."""

    patient_id: int | None
    practitioner_id: int
    first_date: date
    start_local: time
    rule: Rule
    service_id: int | None = None
    notes: str = ""
    outside_hours: bool = False


class OnConflict(StrEnum):
    FAIL = "fail"
    SKIP = "skip"


@in_one_transaction
def book_series(
    *, actor: Actor, clinic: Clinic, booking: SeriesBooking, on_conflict: OnConflict, now: datetime
) -> tuple[Series, list[PlannedDate]]:
    """Book every date, or with `skip` every date that can be had; the dates tell which those are.

    Raises SeriesConflict (`conflicts` lists the dates; with `skip` only where none is left), NotFound, InvalidRequest,
    PermissionDenied.
    """
    practitioner = lock_practitioners(clinic, [booking.practitioner_id], now=now)[booking.practitioner_id]
    series = _draft_of(actor, clinic, practitioner, booking, now=now)
    planned = _plan(actor, series, booking, now=now)
    refused = [plan for plan in planned if plan.refusal is not None]
    if refused and (on_conflict is OnConflict.FAIL or len(refused) == len(planned)):
        raise conflict_of(refused, clinic, booking.start_local)
    series.save()
    for plan in planned:
        if plan.appointment is not None and plan.refusal is None:
            plan.appointment.series = series
            claim(plan.appointment.save)
            record(plan.appointment, "create", actor=actor, now=now, after=plan.appointment)
    return series, planned


def plan_series(*, actor: Actor, clinic: Clinic, booking: SeriesBooking, now: datetime) -> list[PlannedDate]:
    """What `book_series` would find at this moment. Locks and writes nothing."""
    practitioner = get_practitioner(clinic, booking.practitioner_id)
    return _plan(actor, _draft_of(actor, clinic, practitioner, booking, now=now), booking, now=now)


def _draft_of(
    actor: Actor, clinic: Clinic, practitioner: Practitioner, booking: SeriesBooking, *, now: datetime
) -> Series:
    if actor.is_patient:
        raise PermissionDenied("The clinic makes a series; a patient books one appointment.")
    check_may_book_for(actor, practitioner)
    rule = booking.rule
    return Series(
        clinic=clinic,
        patient=patient_of(actor, booking.patient_id),
        practitioner=practitioner,
        service=service_of(clinic, practitioner, booking.service_id),
        frequency=rule.frequency,
        count=rule.count,
        until=rule.until,
        weekdays=list(rule.weekdays),
        first_date=booking.first_date,
        start_local=booking.start_local,
        notes=booking.notes,
        created_at=now,
        updated_at=now,
    )


def _plan(actor: Actor, series: Series, booking: SeriesBooking, *, now: datetime) -> list[PlannedDate]:
    zone = zone_of(series.clinic.timezone)
    dates = occurrences(booking.rule, booking.first_date, booking.start_local, zone)
    drafts = {found.local_date: _appointment_on(found, series, now=now) for found in dates if found.start is not None}
    refusals = refusals_of(list(drafts.values()), actor=actor, outside_hours=booking.outside_hours, now=now)
    why = dict(zip(drafts, refusals, strict=True))
    return [
        PlannedDate(found.local_date, drafts.get(found.local_date), why.get(found.local_date))
        if found.start is not None
        else PlannedDate(found.local_date, None, NoSuchLocalTime())
        for found in dates
    ]


def _appointment_on(found: Occurrence, series: Series, *, now: datetime) -> Appointment:
    assert found.start is not None
    appointment = Appointment(
        clinic=series.clinic,
        patient=series.patient,
        status=Status.CONFIRMED,
        notes=series.notes,
        source=Source.SERIES,
        created_at=now,
        updated_at=now,
    )
    place(appointment, series.practitioner, series.service, found.start)
    return appointment
