"""Links between patients' records and accounts.

A proven phone proves a phone, not a person: families and offices share one, and numbers are given to new owners. So a
record is linked by itself only if it is the one record with this phone and this name, and has no account. In every
other case the person has a record of their own, and the desk is shown which may be the same person.
"""

from datetime import datetime
from typing import Any

from django.db import connection

from clinic.accounts.models import Role, User
from clinic.common.errors import ChairsideError, InvalidRequest
from clinic.common.transactions import in_one_transaction
from clinic.common.versions import write_changes
from clinic.people.models import PREFERENCES, Patient, PatientAction, PatientEvent
from clinic.people.names import is_same_name
from clinic.people.queries import get_patient_for
from clinic.people.services.history import record
from clinic.people.services.merging import has_attachments, move_record


class RecordHasAccount(ChairsideError):  # noqa: N818 - named as the user would say it
    code = "record_has_account"
    status = 409
    detail = "This record belongs to an account already."


class RecordHasNoAccount(ChairsideError):  # noqa: N818 - named as the user would say it
    code = "record_has_no_account"
    status = 409
    detail = "This record belongs to no account."


class AccountHasRecord(ChairsideError):  # noqa: N818 - named as the user would say it
    """`patient` in the answer is the account's own record."""

    code = "account_has_record"
    status = 409
    detail = "This account has a record that is in use. Merge the two records if they are one person's."


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
    if (own is not None and has_attachments(own)) or _was_unlinked(found, user):
        return None
    _link(found, user, own=own, actor=user, now=now)
    return found


@in_one_transaction
def link_patient(*, editor: User, patient_id: int, user_id: int, now: datetime) -> Patient:
    """The desk, who sees both, gives a record to a patient's account. An unused record of the account gives way.

    Raises NotFound, InvalidRequest, RecordHasAccount, AccountHasRecord.
    """
    clinic = get_patient_for(editor, patient_id).clinic
    # The account first, as an edit takes it.
    account = User.objects.select_for_update().filter(clinic=clinic, role=Role.PATIENT, pk=user_id).first()
    if account is None:
        raise InvalidRequest("There is no such account of a patient.", attr="user")
    found = get_patient_for(editor, patient_id, lock=True)
    if found.user_id == account.pk:
        return found
    if found.user_id is not None:
        raise RecordHasAccount
    own = Patient.objects.select_for_update().filter(user=account).first()
    if own is not None and has_attachments(own):
        raise AccountHasRecord(attr="user", extra={"patient": own.pk})
    _link(found, account, own=own, actor=editor, now=now)
    return found


@in_one_transaction
def unlink_patient(*, editor: User, patient_id: int, now: datetime) -> Patient:
    """The record stays with the clinic, and the account gets an empty one. Raises NotFound, RecordHasNoAccount."""
    account = get_patient_for(editor, patient_id).user
    if account is None:
        raise RecordHasNoAccount
    account = User.objects.select_for_update().get(pk=account.pk)
    patient = get_patient_for(editor, patient_id, lock=True)
    if patient.user_id != account.pk:
        raise RecordHasNoAccount
    record(patient, PatientAction.UNLINK, actor=editor, now=now, account=account)
    write_changes(patient, {"user": None})
    Patient.objects.create(
        clinic=patient.clinic, user=account, name=account.name, email=account.email, phone=account.phone or ""
    )
    write_changes(account, {}, touched=True)
    return patient


def _link(found: Patient, account: User, *, own: Patient | None, actor: User, now: datetime) -> None:
    """Requires: account and records locked; nothing attached to `own`."""
    chosen = _preferences_of(own, found)
    record(found, PatientAction.LINK, actor=actor, now=now, account=account, other=own)
    if own is not None:
        record(own, PatientAction.MERGE, actor=actor, now=now, account=account, other=found)
        move_record(own, into=found, user=actor, now=now)
    write_changes(found, {"user": account, "email": found.email or account.email} | chosen)
    write_changes(account, {}, touched=True)


def _was_unlinked(patient: Patient, account: User) -> bool:
    """The desk has decided: another proof of the phone does not undo it."""
    return PatientEvent.objects.filter(patient=patient, account=account, action=PatientAction.UNLINK).exists()


def _preferences_of(own: Patient | None, found: Patient) -> dict[str, Any]:
    """A record that gives way hands on what its person chose: their language, and what they do not want to be sent."""
    if own is None:
        return {}
    wanted = {name: getattr(own, name) and getattr(found, name) for name in PREFERENCES if name != "language"}
    return wanted | {"language": own.language or found.language}
