"""Appointments when one patient's record becomes part of another."""

import copy
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from clinic.accounts.models import User
from clinic.appointments.actor import UserActor
from clinic.appointments.models import Appointment
from clinic.appointments.services.briefs import brief_of
from clinic.appointments.services.claiming import write_claim
from clinic.appointments.services.history import record
from clinic.people.models import Patient
from clinic.people.services.merging import MergeEffect


def move_appointments(source: Patient, into: Patient, *, user: User, now: datetime) -> None:
    """Appointments follow their patient's record, each with a line in its history. Of two visits at the same time, the
    later-created one is marked: overlaps are allowed by then. Raises OwnAppointment if one was written meanwhile."""
    actor = UserActor(user)
    marked = _overlapping(into, source, only_later=True)
    for appointment in Appointment.objects.select_for_update().filter(pk__in=list(marked.values_list("pk", flat=True))):
        before = copy.copy(appointment)
        appointment.allow_overlap = True
        _write(appointment, "allow_overlap", now=now)
        record(appointment, "edit", actor=actor, now=now, before=before, after=appointment)
    marked_ids = set(_overlapping(source, into, only_later=True).values_list("pk", flat=True))
    for appointment in Appointment.objects.select_for_update().filter(patient=source).order_by("pk"):
        before = copy.copy(appointment)
        appointment.patient = into
        appointment.allow_overlap |= appointment.pk in marked_ids
        _write(appointment, "patient", "allow_overlap", now=now)
        record(appointment, "link", actor=actor, now=now, before=before, after=appointment)


def _write(appointment: Appointment, *fields: str, now: datetime) -> None:
    appointment.version += 1
    appointment.updated_at = now
    write_claim(lambda: appointment.save(update_fields=[*fields, "version", "updated_at"]))


def overlapping_visits(source: Patient, into: Patient) -> list[dict[str, Any]]:
    """Active visits of `source` at the time of one of `into`. One query."""
    found = _overlapping(source, into).select_related("clinic", "patient", "practitioner")
    return [brief_of(appointment, appointment.clinic) for appointment in found.order_by("starts_at", "id")]


def _overlapping(patient: Patient, other: Patient, *, only_later: bool = False) -> QuerySet[Appointment]:
    """Active visits of a patient at the time of one of the other's; `only_later` leaves those created before it."""
    active = Appointment.objects.filter(is_active=1)
    theirs = active.filter(patient=other, starts_at__lt=OuterRef("ends_at"), ends_at__gt=OuterRef("starts_at"))
    if only_later:
        at, visit_id = OuterRef("created_at"), OuterRef("pk")
        theirs = theirs.filter(Q(created_at__lt=at) | Q(created_at=at, pk__lt=visit_id))
    return active.filter(Exists(theirs), patient=patient)


MOVE_APPOINTMENTS = MergeEffect(move_appointments, overlapping_visits)
