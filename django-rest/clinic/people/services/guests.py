"""Records of guests: people without an account, whose name and phone are claims."""

from django.db.models import QuerySet

from clinic.accounts.phones import normalise_phone
from clinic.accounts.services import check_name
from clinic.common.errors import TryAgain
from clinic.people.identities import Guest
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic


class RecordChanged(TryAgain):
    """While a guest's request was written, another one made their record, or it became an account's."""


def guest_of(clinic: Clinic, *, name: str, phone: str, email: str = "") -> Guest:
    """As it is stored and compared. Raises NotAName, and InvalidRequest for what is no phone number."""
    check_name(name)
    phone = normalise_phone(phone, region=clinic.phone_region)
    return Guest(clinic, " ".join(name.split()), phone, email.strip().lower())


def find_record(guest: Guest) -> Patient | None:
    """The record of an earlier request."""
    return _records_of(guest).order_by("pk").first()


def create_record(guest: Guest) -> Patient:
    return Patient.objects.create(clinic=guest.clinic, name=guest.name, phone=guest.phone, email=guest.email)


def check_record(guest: Guest, record: Patient, *, is_new: bool) -> None:
    """Call after the appointment is written: until the commit the feed's head is locked, so that requests of one clinic
    are written one after another and no other record is missed here. Raises RecordChanged."""
    records = set(_records_of(guest).values_list("pk", flat=True))
    if record.pk not in records or (is_new and len(records) > 1):
        raise RecordChanged


def _records_of(guest: Guest) -> QuerySet[Patient]:
    """Treat names and phones as unproved. So a record that belongs to an account is never taken, and an e-mail is
    never written to a record that has another or none: what the clinic tells one person would reach another."""
    records = Patient.objects.filter(clinic=guest.clinic, user=None, phone=guest.phone, name=guest.name)
    return records.filter(email=guest.email) if guest.email else records
