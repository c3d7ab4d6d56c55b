"""Contact routes to a patient: the contact data they gave, limited to what they want.

A record of a family that has no contact data of its own is reached like the account that books for it.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.conf import settings

from clinic.common.instants import zone_of
from clinic.outbox.contact_routes import Reachable, Way, Ways, ways_to
from clinic.outbox.optouts import opted_out_of
from clinic.outbox.quiet import after_quiet_hours
from clinic.outbox.sms_gate import can_get_sms
from clinic.people.models import FamilyMember, Patient
from clinic.scheduling.models import Clinic


def contact_of(patient: Patient) -> Patient:
    """The record whose contact data reach a patient: their own or, if it has none, that of the account which books for
    them, of several the first. One query for a record without contact data, none after `fetch_contacts`."""
    if "contact" not in patient.__dict__:
        fetch_contacts([patient])
    contact: Patient = patient.__dict__["contact"]
    return contact


def fetch_contacts(patients: Iterable[Patient]) -> None:
    """For `contact_of`. One query for all; none if each has contact data or an account of their own."""
    unknown = [patient for patient in patients if "contact" not in patient.__dict__]
    for patient in unknown:
        patient.__dict__["contact"] = patient
    lacking: dict[int, list[Patient]] = {}
    for patient in unknown:
        if not (patient.phone or patient.email or patient.user_id is not None):
            lacking.setdefault(patient.pk, []).append(patient)
    if not lacking:
        return
    links = FamilyMember.objects.filter(patient_id__in=lacking, user__is_active=True).select_related("user__patient")
    for link in links.order_by("-pk"):  # The first one last: it stays.
        for patient in lacking[link.patient_id]:
            patient.__dict__["contact"] = link.user.patient


def account_id_of(patient: Patient) -> int | None:
    """The account that is told in the app what becomes of a patient's visits."""
    return contact_of(patient).user_id


def language_of(patient: Patient, clinic: Clinic) -> str:
    return patient.language or contact_of(patient).language or clinic.language


def wants_reminders(patient: Patient) -> bool:
    return patient.wants_reminders and contact_of(patient).wants_reminders


def in_waking_hours(now: datetime, clinic: Clinic) -> datetime:
    """`now`, or the end of the clinic's quiet hours."""
    return after_quiet_hours(
        now, zone=zone_of(clinic.timezone), quiet_from=clinic.quiet_from, quiet_until=clinic.quiet_until
    )


def opted_out_among(patients: Iterable[Patient]) -> set[str]:
    """The phones whose owners want no SMS. One query, none where nobody is sent any; one more for records of families
    without contact data."""
    phones = sms_phones_of(patients)
    return opted_out_of(phones) if phones else set()


def sms_phones_of(patients: Iterable[Patient]) -> set[str]:
    """The phones to which an SMS may go, unless their owners have opted out. No query where each has contact data, one
    for records of families without."""
    patients = list(patients)
    fetch_contacts(patients)
    if not settings.SMS_IS_CONFIGURED:
        return set()
    contacts = map(contact_of, patients)
    return {contact.phone for contact in contacts if contact.phone and contact.wants_sms}


def ways_to_patient(patient: Patient, ways: Ways, *, clinic: Clinic, opted_out: Collection[str] = ()) -> list[Way]:
    """Outside of the app, the first choice first; empty for who cannot be reached or wants nothing. `opted_out`: phones
    that are known to want no SMS; of others it turns out, and a mail goes out then. Numbers to which the clinic
    sends no SMS are treated like them."""
    contact = contact_of(patient)
    # No SMS comes to an extension: the number in front of it is an office's.
    wants_sms = patient.wants_sms and contact.wants_sms and not contact.phone_extension
    reachable = Reachable(
        phone=contact.phone if wants_sms else "",
        email=contact.email if patient.wants_email and contact.wants_email else "",
    )
    can_come = settings.SMS_IS_CONFIGURED and contact.phone not in opted_out and can_get_sms(contact.phone, clinic)
    return ways_to(reachable, ways, sms_can_come=can_come)
