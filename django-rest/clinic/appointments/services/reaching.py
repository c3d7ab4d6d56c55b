"""How a patient is reached: what they have given, and what they want."""

from django.conf import settings

from clinic.appointments.models import Patient
from clinic.outbox.ways import Reachable, Way, Ways, ways_to
from clinic.scheduling.models import Clinic


def language_of(patient: Patient, clinic: Clinic) -> str:
    return patient.language or clinic.language


def ways_to_patient(patient: Patient, ways: Ways) -> list[Way]:
    """Outside of the app, the first choice first; empty for who cannot be reached or wants nothing."""
    reachable = Reachable(
        phone=patient.phone if patient.wants_sms else "", email=patient.email if patient.wants_email else ""
    )
    return ways_to(reachable, ways, sms_is_configured=settings.SMS_IS_CONFIGURED)
