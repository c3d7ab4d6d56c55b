"""Records that a clinic made for somebody before they had an account.

A phone that is proven by a code is what links them. Families share a phone, so the name decides which of several
records are this person's; the others stay as they are, for the desk. Without a code nothing is linked, and nothing
tells whether there was anything to link.
"""

from django.db import connection
from django.db.models import F

from clinic.accounts.models import User
from clinic.appointments.models import Appointment, Patient


def adopt_guest_records(user: User, *, phone: str, own: Patient | None = None) -> Patient | None:
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
        _merge(guest, into=kept)
    kept.user, kept.name, kept.email, kept.phone = user, user.name, user.email, phone
    kept.save(update_fields=["user", "name", "email", "phone"])
    return kept


def _is_same_name(one: str, other: str) -> bool:
    return one.casefold().split() == other.casefold().split()


def _merge(guest: Patient, *, into: Patient) -> None:
    Appointment.objects.filter(patient=guest).update(patient=into, version=F("version") + 1)
    # Whatever else hangs on a patient, now or later.
    for relation in Patient._meta.related_objects:
        rows = relation.related_model._base_manager.filter(**{relation.field.name: guest})
        rows.update(**{relation.field.name: into})
    guest.delete()
