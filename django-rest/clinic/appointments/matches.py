"""Patients as a booking desk finds them: by name or phone, with what it should know before it books."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Count, IntegerField, Max, Q, QuerySet, Value, When

from clinic.accounts.models import User
from clinic.appointments.lifecycle import Status
from clinic.appointments.models import Appointment
from clinic.appointments.queries import appointments_visible_to
from clinic.people.models import Patient
from clinic.people.queries import patients_visible_to, search_patients

MAX_MATCHES = 8
AHEAD = (Status.PENDING, Status.CONFIRMED)


@dataclass(frozen=True, slots=True)
class PatientMatch:
    """`next_visit`: None if there is none; `last_visit_service_id`: of the last completed visit."""

    patient: Patient
    missed_count: int
    next_visit: Appointment | None
    last_service_id: int | None
    last_practitioner_id: int | None


def find_matches(user: User, text: str, *, now: datetime) -> list[PatientMatch]:
    """Names that begin with the text come first. Four queries."""
    begins = Case(
        When(name__istartswith=text, then=Value(0)),
        When(name__icontains=f" {text}", then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    found = search_patients(user, text).annotate(place=begins).order_by("place", "name", "id")
    return _with_visits(user, list(found[:MAX_MATCHES]), now=now)


def match_of(user: User, patient_id: int, *, now: datetime) -> list[PatientMatch]:
    """Of one patient; empty for a stranger's. Four queries."""
    return _with_visits(user, list(patients_visible_to(user).filter(pk=patient_id)), now=now)


def _with_visits(user: User, patients: list[Patient], *, now: datetime) -> list[PatientMatch]:
    if not patients:
        return []
    visits = appointments_visible_to(user).filter(patient_id__in=[patient.pk for patient in patients])
    next_visits: dict[int, Appointment] = {}
    ahead = visits.filter(status__in=AHEAD, starts_at__gt=now).select_related("clinic", "practitioner", "service")
    for visit in ahead.order_by("starts_at", "id"):
        next_visits.setdefault(visit.patient_id, visit)
    counted = visits.filter(status=Status.NO_SHOW).values_list("patient_id")
    missed = dict(counted.annotate(number=Count("pk")).values_list("patient_id", "number"))
    last = _last_visits(visits)
    return [
        PatientMatch(
            patient=patient,
            missed_count=missed.get(patient.pk, 0),
            next_visit=next_visits.get(patient.pk),
            last_service_id=last[patient.pk].service_id if patient.pk in last else None,
            last_practitioner_id=last[patient.pk].practitioner_id if patient.pk in last else None,
        )
        for patient in patients
    ]


def _last_visits(visits: QuerySet[Appointment]) -> dict[int, Appointment]:
    completed = Q(status=Status.COMPLETED)
    newest = (
        visits.filter(completed)
        .values("patient_id")
        .annotate(newest=Max("starts_at"))
        .values_list("patient_id", "newest")
    )
    wanted = Q(pk__in=[])
    for patient_id, starts_at in newest:
        wanted |= Q(patient_id=patient_id, starts_at=starts_at)
    return {visit.patient_id: visit for visit in visits.filter(completed & wanted).order_by("id")}
