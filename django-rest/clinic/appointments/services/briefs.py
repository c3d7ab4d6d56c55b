"""Appointments that stand in the way of a change, as its refusal lists them."""

from collections.abc import Sequence

from clinic.appointments.models import Appointment
from clinic.common.instants import say_minute, zone_of
from clinic.scheduling.models import Clinic

MAX_LISTED = 100


def list_of(appointments: Sequence[Appointment], clinic: Clinic) -> dict[str, object]:
    """`count` is of all, `appointments` the first of them. Needs patient and practitioner fetched."""
    return {
        "count": len(appointments),
        "appointments": [brief_of(appointment, clinic) for appointment in appointments[:MAX_LISTED]],
    }


def brief_of(appointment: Appointment, clinic: Clinic) -> dict[str, object]:
    zone = zone_of(clinic.timezone)
    return {
        "id": appointment.pk,
        "patient": appointment.patient_id,
        "patient_name": appointment.patient.name,
        "practitioner": appointment.practitioner_id,
        "practitioner_name": appointment.practitioner.name,
        "start": say_minute(appointment.starts_at, zone),
        "end": say_minute(appointment.ends_at, zone),
        "status": appointment.status,
    }
