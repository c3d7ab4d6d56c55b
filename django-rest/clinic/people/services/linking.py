"""Links between patients' records and accounts.

A proven phone proves a phone, not a person: families and offices share one, and numbers are given to new owners. So a
record is linked by itself only if it is the one record with this phone and this name, and has no account. In every
other case the person has a record of their own, and the desk is shown which may be the same person.
"""

from datetime import datetime
from typing import Any

from django.db import connection

from clinic.accounts.models import User
from clinic.common.versions import write_changes
from clinic.people.models import PREFERENCES, Patient, PatientAction
from clinic.people.names import is_same_name
from clinic.people.services.history import record
from clinic.people.services.merging import has_attachments, move_record


def link_proven_record(user: User, *, phone: str, now: datetime) -> Patient | None:
    """The record that becomes the user's by a proven phone (E.164); None if none does.

    A record that the user has already gives way only if nothing is attached to it. Requires: transaction.
    """
    assert connection.in_atomic_block
    known = Patient.objects.select_for_update().filter(clinic=user.clinic, phone=phone)
    own = Patient.objects.select_for_update().filter(user=user).first()
    same = [patient for patient in known.order_by("pk") if patient != own and is_same_name(patient.name, user.name)]
    if len(same) != 1 or same[0].user_id is not None:
        return None
    [found] = same
    if own is not None:
        if has_attachments(own):
            return None
        record(own, PatientAction.MERGE, actor=user, now=now, account=user, other=found)
        move_record(own, into=found, user=user, now=now)
    record(found, PatientAction.LINK, actor=user, now=now, account=user, other=own)
    write_changes(found, {"user": user, "email": found.email or user.email} | _preferences_of(own, found))
    return found


def _preferences_of(own: Patient | None, found: Patient) -> dict[str, Any]:
    """A record that gives way hands on what its person chose: their language, and what they do not want to be sent."""
    if own is None:
        return {}
    wanted = {name: getattr(own, name) and getattr(found, name) for name in PREFERENCES if name != "language"}
    return wanted | {"language": own.language or found.language}
