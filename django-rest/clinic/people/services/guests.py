"""Records of people without an account: the one a guest's request goes to, and whose they become with an account.

A phone that is proven by a code is what links them. Families share a phone, so the name decides which of several
records are this person's; the others stay as they are, for the desk. Without a code nothing is linked, and nothing
tells whether there was anything to link.
"""

from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from clinic.accounts.models import User
from clinic.accounts.phones import normalise_phone
from clinic.accounts.services import check_name
from clinic.common.errors import TryAgain
from clinic.common.versions import write_changes
from clinic.people.identities import Guest
from clinic.people.models import Patient
from clinic.people.services.merging import merge_records
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
    """Nobody has proved to be who they say. So a record that belongs to an account is never taken, and an e-mail is
    never written to a record that has another or none: what the clinic tells one person would reach another."""
    records = Patient.objects.filter(clinic=guest.clinic, user=None, phone=guest.phone, name=guest.name)
    return records.filter(email=guest.email) if guest.email else records


def adopt_guest_records(user: User, *, phone: str, now: datetime, own: Patient | None = None) -> Patient | None:
    """The user's record with all that was booked by this phone under their name; None when there is nothing.

    Call inside a transaction, with the phone proven. A record that stands alone is taken whatever its name: people call
    themselves this and that.
    """
    assert connection.in_atomic_block
    waiting = Patient.objects.select_for_update().filter(clinic=user.clinic, phone=phone, user=None)
    guests = list(waiting.order_by("pk"))
    theirs = [guest for guest in guests if _is_same_name(guest.name, user.name)]
    if not theirs and len(guests) == 1:
        theirs = guests
    kept = own or (theirs.pop(0) if theirs else None)
    if kept is None:
        return None
    for guest in theirs:
        merge_records(guest, into=kept, user=user, now=now)
    write_changes(kept, {"user": user, "name": user.name, "email": user.email, "phone": phone})
    return kept


def _is_same_name(one: str, other: str) -> bool:
    return one.casefold().split() == other.casefold().split()
