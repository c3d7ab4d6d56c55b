import copy
from datetime import datetime

from clinic.accounts.models import User
from clinic.appointments.actor import Actor
from clinic.appointments.models import Appointment
from clinic.appointments.services.history import record
from clinic.people.models import Patient


def move_appointments(source: Patient, into: Patient, *, user: User, now: datetime) -> None:
    """Appointments follow their patient's record into another one. A `MergeEffect`."""
    for appointment in Appointment.objects.select_for_update().filter(patient=source).order_by("pk"):
        before = copy.copy(appointment)
        appointment.patient = into
        appointment.version += 1
        appointment.updated_at = now
        appointment.save(update_fields=["patient", "version", "updated_at"])
        record(appointment, "link", actor=Actor.by_user(user), now=now, before=before, after=appointment)
