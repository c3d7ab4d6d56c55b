"""The answer to an SMS, and the words that all answers share."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from django.utils import translation

from clinic.appointments.models import Appointment
from clinic.common.instants import zone_of
from clinic.common.public_links import visit_address
from clinic.outbox.wording import say_when
from clinic.people.models import Patient
from clinic.people.services.contact_routes import language_of
from clinic.scheduling.models import Clinic, Practitioner, clock_of


@dataclass(frozen=True, slots=True)
class SmsAnswer:
    """`outcome`: for the log. `clinic`: whose limits hold, if it is not the appointment's. `is_for_desk`: the desk is
    shown what was written."""

    text: str
    outcome: str
    appointment: Appointment | None = None
    clinic: Clinic | None = None
    is_for_desk: bool = False


def in_the_language_of(patient: Patient | None) -> AbstractContextManager[None]:
    return translation.override("en" if patient is None else language_of(patient, patient.clinic))


def with_link(text: str, appointment: Appointment | None) -> str:
    """With the address of the visit's page at its end, where this system has one."""
    return f"{text} {visit_address(appointment.reference)}".strip() if appointment is not None else text


def format_visit(starts_at: datetime, *, clinic: Clinic, patient: Patient, practitioner: Practitioner) -> str:
    zone, language = zone_of(clinic.timezone), language_of(patient, clinic)
    when = say_when(starts_at, zone, language, **clock_of(clinic))
    return f"{when}, {practitioner.name}"
