"""Appointments when one patient's record becomes part of another."""

import copy
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef

from clinic.accounts.models import User
from clinic.appointments.actor import Actor
from clinic.appointments.models import Appointment
from clinic.appointments.services.briefs import brief_of
from clinic.appointments.services.history import record
from clinic.people.models import Patient
from clinic.people.services.merging import MergeEffect


def move_appointments(source: Patient, into: Patient, *, user: User, now: datetime) -> None:
    """Appointments follow their patient's record, each with a line in its history."""
    for appointment in Appointment.objects.select_for_update().filter(patient=source).order_by("pk"):
        before = copy.copy(appointment)
        appointment.patient = into
        appointment.version += 1
        appointment.updated_at = now
        appointment.save(update_fields=["patient", "version", "updated_at"])
        record(appointment, "link", actor=Actor.by_user(user), now=now, before=before, after=appointment)


def overlapping_visits(source: Patient, into: Patient) -> list[dict[str, Any]]:
    """Active visits of `source` at the time of one of `into`. One query."""
    active = Appointment.objects.filter(is_active=1)
    theirs = active.filter(patient=into, starts_at__lt=OuterRef("ends_at"), ends_at__gt=OuterRef("starts_at"))
    found = active.filter(Exists(theirs), patient=source).select_related("clinic", "patient", "practitioner")
    return [brief_of(appointment, appointment.clinic) for appointment in found.order_by("starts_at", "id")]


MOVE_APPOINTMENTS = MergeEffect(move_appointments, overlapping_visits)
