"""Links between patients' records and accounts.

A proven phone proves a phone, not a person: families and offices share one, and numbers are given to new owners. So a
record is linked by itself only if it is the one record with this phone and this name, and has no account. In every
other case the person has a record of their own, and the desk is shown which may be the same person.
"""

from datetime import datetime
from typing import Any

from django.db import connection

from clinic.accounts.models import Role, User
from clinic.common.errors import Ambiguous, ChairsideError, InvalidRequest
from clinic.common.transactions import in_one_transaction
from clinic.common.versions import write_changes
from clinic.people.models import PREFERENCES, FamilyMember, Patient, PatientAction, PatientEvent
from clinic.people.names import is_same_name
from clinic.people.queries import get_patient_for
from clinic.people.services.families import differs, join_family, leave_family
from clinic.people.services.history import record
from clinic.people.services.merging import has_attachments, joined_alert, move_record


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
    # The code went to the number: it proves no extension behind it.
    known = Patient.objects.select_for_update().filter(clinic=user.clinic, phone=phone, phone_extension="")
    own = Patient.objects.select_for_update().filter(user=user).first()
    same = [patient for patient in known.order_by("pk") if patient != own and is_same_name(patient.name, user.name)]
    if len(same) != 1 or same[0].user_id is not None:
        return None
    [found] = same
    if own is not None and (has_attachments(own) or differs(own.birth_date, found.birth_date)):
        return None
    if _was_unlinked(found, user):
        return None
    _link(found, user, own=own, actor=user, now=now)
    return found


@in_one_transaction
def link_patient(
    *, editor: User, patient_id: int, user_id: int, now: datetime, as_family: bool | None = None
) -> Patient:
    """The desk, who sees both, gives a record to a patient's account: as the account's own, in whose place an unused
    one gives way; or as one of its family, if so said, or if the two have different names and the record no account.

    Raises NotFound, InvalidRequest, RecordHasAccount, AccountHasRecord, TooManyMembers.
    """
    clinic = get_patient_for(editor, patient_id).clinic
    # The account first, as an edit takes it.
    account = User.objects.select_for_update().filter(clinic=clinic, role=Role.PATIENT, pk=user_id).first()
    if account is None:
        raise InvalidRequest("There is no such account of a patient.", attr="user")
    found = get_patient_for(editor, patient_id, lock=True)
    if found.user_id == account.pk:
        return found
    if as_family is None:
        as_family = found.user_id is None and not is_same_name(found.name, account.name)
    if as_family:
        join_family(found, account, actor=editor, now=now)
        return found
    if found.user_id is not None:
        raise RecordHasAccount
    own = Patient.objects.select_for_update().filter(user=account).first()
    if own is not None and has_attachments(own):
        raise AccountHasRecord(attr="user", extra={"patient": own.pk})
    _link(found, account, own=own, actor=editor, now=now)
    return found


@in_one_transaction
def unlink_patient(*, editor: User, patient_id: int, now: datetime, user_id: int | None = None) -> Patient:
    """The record stays with the clinic. An account whose own it was gets an empty one; one whose family it was in books
    for it no more. `user_id` says which account, where there are several.

    Raises NotFound, RecordHasNoAccount, Ambiguous.
    """
    account = User.objects.select_for_update().get(pk=_account_meant(get_patient_for(editor, patient_id), user_id))
    patient = get_patient_for(editor, patient_id, lock=True)
    link = FamilyMember.objects.filter(patient=patient, user=account).first()
    if link is not None:
        leave_family(link, actor=editor, now=now)
        return patient
    if patient.user_id != account.pk:
        raise RecordHasNoAccount
    record(patient, PatientAction.UNLINK, actor=editor, now=now, account=account)
    write_changes(patient, {"user": None})
    Patient.objects.create(
        clinic=patient.clinic,
        user=account,
        name=account.name,
        email=account.shown_email,
        phone=account.shown_phone.number,
        phone_extension=account.shown_phone.extension,
    )
    write_changes(account, {}, touched=True)
    return patient


def _account_meant(patient: Patient, user_id: int | None) -> int:
    family = FamilyMember.objects.filter(patient=patient).values_list("user_id", flat=True)
    linked = [found for found in (patient.user_id, *family) if found is not None]
    meant = [found for found in linked if user_id in (None, found)]
    if not meant:
        raise RecordHasNoAccount
    if len(meant) > 1:
        raise Ambiguous("Several accounts book for this record. Send `user`, the id of one.", attr="user")
    return meant[0]


def _link(found: Patient, account: User, *, own: Patient | None, actor: User, now: datetime) -> None:
    """Requires: account and records locked; nothing attached to `own`."""
    chosen = _preferences_of(own, found)
    record(found, PatientAction.LINK, actor=actor, now=now, account=account, other=own)
    if own is not None:
        record(own, PatientAction.MERGE, actor=actor, now=now, account=account, other=found)
        move_record(own, into=found, user=actor, now=now)
    FamilyMember.objects.filter(patient=found, user=account).delete()
    alert = found.alert if own is None else joined_alert(own, found)
    write_changes(found, {"user": account, "alert": alert, "email": found.email or account.email or ""} | chosen)
    write_changes(account, {}, touched=True)


def _was_unlinked(patient: Patient, account: User) -> bool:
    """The desk has decided: another proof of the phone does not undo it."""
    return PatientEvent.objects.filter(patient=patient, account=account, action=PatientAction.UNLINK).exists()


def _preferences_of(own: Patient | None, found: Patient) -> dict[str, Any]:
    """A record that gives way hands on what its person chose: their language, and what they do not want to be sent; and
    their birth date."""
    if own is None:
        return {}
    wanted = {name: getattr(own, name) and getattr(found, name) for name in PREFERENCES if name != "language"}
    return wanted | {
        "language": own.language or found.language,
        "birth_date": found.birth_date or own.birth_date,
    }
