"""Records of guests: people without an account.

Their name and phone are claims, so that a request gets a record of its own. Only who has the reference of an earlier
request, or gives back a code sent to the phone, comes back to a record.
"""

from django.db.models import QuerySet

from clinic.accounts.phones import phone_given
from clinic.common.errors import ChangedMeanwhile, NotAPhone
from clinic.common.names import check_name
from clinic.people.identities import Guest
from clinic.people.models import Patient
from clinic.people.names import is_same_name
from clinic.scheduling.models import Clinic


class RecordChanged(ChangedMeanwhile):
    """While a guest's request was written, another one made their record."""


def guest_of(clinic: Clinic, *, name: str, email: str = "", **fields: str) -> Guest:
    """As it is stored and compared. `fields` are phone, and may be phone_extension. Raises NotAName, NotAPhone,
    Ambiguous."""
    check_name(name)
    phone = phone_given(fields, region=clinic.phone_region)
    if phone is None or not phone.number:
        raise NotAPhone
    return Guest(clinic, " ".join(name.split()), phone.number, email.strip().lower(), phone.extension)


# Shared, as the lock that a row which refers to the record takes: nobody waits for it who only books.
LOCKED = "SELECT * FROM patient WHERE id = %s LOCK IN SHARE MODE"


def find_record(guest: Guest, earlier: Patient | None = None) -> Patient | None:
    """The record of an earlier request, by its reference (`earlier`, locked) or by verified phone and name; None: they
    get one of their own, and the desk sees whose it may be. Locked: until the commit it becomes no account's."""
    if earlier is not None:
        return earlier if _is_of(guest, earlier) else None
    if not guest.is_verified:
        return None
    same = [record for record in _records_of(guest).order_by("pk") if is_same_name(record.name, guest.name)]
    if len(same) != 1:
        return None
    for record in Patient.objects.raw(LOCKED, [same[0].pk]):
        return record if _is_of(guest, record) else None
    return None


def record_for(guest: Guest) -> Patient:
    """A new record, not written yet."""
    return Patient(
        clinic=guest.clinic,
        name=guest.name,
        phone=guest.phone,
        phone_extension=guest.phone_extension,
        email=guest.email,
    )


def check_new_record(guest: Guest, record: Patient) -> None:
    """Call after the appointment is written: until the commit the feed's head is locked, so that requests of one clinic
    are written one after another and no other record is missed here. Raises RecordChanged."""
    if guest.is_verified and not guest.reference:
        others = _records_of(guest).exclude(pk=record.pk)
        if [is_same_name(other.name, guest.name) for other in others].count(True) == 1:
            raise RecordChanged


def _is_of(guest: Guest, record: Patient) -> bool:
    """As `_records_of`, and by name."""
    same_phone = (record.phone, record.phone_extension) == (guest.phone, guest.phone_extension)
    same_email = guest.email in ("", record.email)
    return record.user_id is None and same_phone and same_email and is_same_name(record.name, guest.name)


def _records_of(guest: Guest) -> QuerySet[Patient]:
    """A record that belongs to an account is never taken, and an e-mail is never written to a record that has another
    or none: what the clinic tells one person would reach another."""
    records = Patient.objects.filter(
        clinic=guest.clinic, user=None, phone=guest.phone, phone_extension=guest.phone_extension
    )
    return records.filter(email=guest.email) if guest.email else records
