"""Appointments by a rule: every date is checked under one lock and written in one transaction."""

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum

from clinic.appointments.actor import UserActor
from clinic.appointments.lifecycle import Status
from clinic.appointments.models import Appointment, Series, Source
from clinic.appointments.recurrence import Occurrence, Rule, occurrences
from clinic.appointments.services.claiming import place_in, put_at, release_holds, write_claim
from clinic.appointments.services.eligibility import check_may_book_for, patient_of, service_of
from clinic.appointments.services.history import record
from clinic.appointments.services.own_time import check_may_allow_overlap
from clinic.appointments.services.series_dates import PlannedDate, conflict_of, decide_dates, planned_dates
from clinic.common.errors import NoSuchLocalTime, PermissionDenied
from clinic.common.instants import zone_of
from clinic.common.transactions import in_one_transaction
from clinic.scheduling.models import Clinic, Practitioner
from clinic.scheduling.queries.practitioners import get_practitioner
from clinic.scheduling.services import lock_for_claim


@dataclass(frozen=True, slots=True)
class SeriesBooking:
    """Data of a new series. The first date and the time are the clinic's. The desk may let the dates overlap other
    visits of the patient: those that do are marked."""

    patient_id: int | None
    practitioner_id: int
    first_date: date
    start_local: time
    rule: Rule
    service_id: int | None = None
    notes: str = ""
    outside_hours: bool = False
    allow_overlap: bool = False


class OnConflict(StrEnum):
    FAIL = "fail"
    SKIP = "skip"


@in_one_transaction
def book_series(
    *, actor: UserActor, clinic: Clinic, booking: SeriesBooking, on_conflict: OnConflict, now: datetime
) -> tuple[Series, list[PlannedDate]]:
    """Book every date, or with `skip` every date that can be had; the dates tell which those are.

    Raises SeriesConflict (`conflicts` lists the dates; with `skip` only where none is left), NotFound, InvalidRequest,
    PermissionDenied.
    """
    locked = lock_for_claim(clinic, practitioner_id=booking.practitioner_id, service_id=None)
    series = _draft_of(actor, clinic, locked.practitioners[booking.practitioner_id], booking, now=now)
    planned = _plan(actor, series, booking, now=now)
    refused = [plan for plan in planned if plan.refusal is not None]
    if refused and (on_conflict is OnConflict.FAIL or len(refused) == len(planned)):
        raise conflict_of(refused, clinic, booking.start_local)
    series.save()
    booked = [plan for plan in planned if plan.refusal is None]
    release_holds({hold_id for plan in booked for hold_id in plan.released_hold_ids}, now=now)
    for appointment in (plan.appointment for plan in booked if plan.appointment is not None):
        appointment.series = series
        write_claim(appointment.save)
        record(appointment, "create", actor=actor, now=now, after=appointment)
    return series, planned


def plan_series(*, actor: UserActor, clinic: Clinic, booking: SeriesBooking, now: datetime) -> list[PlannedDate]:
    """The result `book_series` would have at this moment. Locks and writes nothing."""
    practitioner = get_practitioner(clinic, booking.practitioner_id)
    return _plan(actor, _draft_of(actor, clinic, practitioner, booking, now=now), booking, now=now)


def _draft_of(
    actor: UserActor, clinic: Clinic, practitioner: Practitioner, booking: SeriesBooking, *, now: datetime
) -> Series:
    if actor.is_patient:
        raise PermissionDenied("The clinic makes a series; a patient books one appointment.")
    check_may_book_for(actor, practitioner)
    if booking.allow_overlap:
        check_may_allow_overlap(actor)
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


def _plan(actor: UserActor, series: Series, booking: SeriesBooking, *, now: datetime) -> list[PlannedDate]:
    zone = zone_of(series.clinic.timezone)
    dates = occurrences(booking.rule, booking.first_date, booking.start_local, zone)
    drafts = {found.local_date: _appointment_on(found, series, now=now) for found in dates if found.start is not None}
    decisions = decide_dates(
        list(drafts.values()),
        actor=actor,
        outside_hours=booking.outside_hours,
        allow_overlap=booking.allow_overlap,
        now=now,
    )
    plans = dict(zip(drafts, planned_dates(list(drafts.values()), decisions), strict=True))
    return [
        plans[found.local_date] if found.start is not None else PlannedDate(found.local_date, None, NoSuchLocalTime())
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
    place = place_in(series.clinic, found.start, service=series.service)
    put_at(appointment, place, series.practitioner, series.service)
    return appointment
