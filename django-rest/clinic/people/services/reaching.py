"""How a patient is reached: what they have given, and what they want."""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.conf import settings

from clinic.common.instants import zone_of
from clinic.outbox.optouts import opted_out_of
from clinic.outbox.quiet import after_quiet_hours
from clinic.outbox.sms_gate import can_get_sms
from clinic.outbox.ways import Reachable, Way, Ways, ways_to
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic


def language_of(patient: Patient, clinic: Clinic) -> str:
    return patient.language or clinic.language


def in_waking_hours(now: datetime, clinic: Clinic) -> datetime:
    """`now`, or the end of the clinic's quiet hours."""
    return after_quiet_hours(
        now, zone=zone_of(clinic.timezone), quiet_from=clinic.quiet_from, quiet_until=clinic.quiet_until
    )


def opted_out_among(patients: Iterable[Patient]) -> set[str]:
    """The phones whose owners want no SMS. One query, none where nobody is sent any."""
    if not settings.SMS_IS_CONFIGURED:
        return set()
    return opted_out_of({patient.phone for patient in patients if patient.phone and patient.wants_sms})


def ways_to_patient(patient: Patient, ways: Ways, *, clinic: Clinic, opted_out: Collection[str] = ()) -> list[Way]:
    """Outside of the app, the first choice first; empty for who cannot be reached or wants nothing. `opted_out`: phones
    that are known to want no SMS; of others it turns out, and a mail goes out then. Numbers to which the clinic
    sends no SMS are treated like them."""
    reachable = Reachable(
        phone=patient.phone if patient.wants_sms else "", email=patient.email if patient.wants_email else ""
    )
    can_come = settings.SMS_IS_CONFIGURED and patient.phone not in opted_out and can_get_sms(patient.phone, clinic)
    return ways_to(reachable, ways, sms_can_come=can_come)
