"""Families: the records that one account books for, beside its own.

Each person has a record of their own. Access hangs on the link between account and record: it ends with the link, on
open streams too, and visits stay with the record.
"""

from datetime import date, datetime
from typing import Any

from clinic.accounts.contacts import check_is_verified
from clinic.accounts.models import Role, User
from clinic.common.errors import ChairsideError, NotFound, PermissionDenied
from clinic.common.names import check_name
from clinic.common.transactions import in_one_transaction
from clinic.common.versions import ANY_VERSION, Expected, write_changes
from clinic.people.identities import forget_patient_ids
from clinic.people.models import FamilyMember, Patient, PatientAction, PatientEvent
from clinic.people.names import is_same_name
from clinic.people.queries import family_of, get_family_member_for
from clinic.people.services.history import record
from clinic.people.services.merging import has_attachments

MAX_MEMBERS = 20


class TooManyMembers(ChairsideError):  # noqa: N818 - named as the user would say it
    code = "too_many_members"
    status = 409
    detail = f"An account books for {MAX_MEMBERS} people at most, beside its owner."


class AlreadyInFamily(ChairsideError):  # noqa: N818 - named as the user would say it
    """`patient` in the answer is the record of that person."""

    code = "already_in_family"
    status = 409
    detail = "You book for this person already."


@in_one_transaction
def add_family_member(*, user: User, name: str, now: datetime, birth_date: date | None = None) -> FamilyMember:
    """A person to book for. The one record of the clinic with this name and the account's verified phone is linked, if
    it has no account and no other birth date; else the person gets a record of their own, and the desk sees which
    records may be the same person.

    Raises NotAName, PermissionDenied, AlreadyInFamily, TooManyMembers, ContactNotVerified.
    """
    account = _lock_account(user)
    check_is_verified(account)
    check_name(name)
    own = Patient.objects.filter(user=account).first()
    if own is None:
        raise PermissionDenied("Only a patient's account books for a family.")
    _check_is_new(account, own, name=name, birth_date=birth_date)
    return _add(account, own, name=name, birth_date=birth_date, now=now)


@in_one_transaction
def edit_family_member(
    *, user: User, patient_id: int, changes: dict[str, Any], now: datetime, expected: Expected = ANY_VERSION
) -> FamilyMember:
    """Correct name or birth date. A record never becomes another person's: with the name of somebody else, access to it
    ends, its visits stay with it, and that person gets a record as in `add_family_member`.

    Raises NotFound, NotAName, AlreadyInFamily, StaleVersion, PreconditionFailed, PermissionDenied (the record is
    another account's).
    """
    account = _lock_account(user)
    member = get_family_member_for(account, patient_id)
    patient = member.patient = Patient.objects.select_for_update().get(pk=member.patient_id)
    expected.check(patient.version)
    if patient.user_id is not None:
        raise PermissionDenied("This person has an account, and changes this there.")
    name = changes.get("name", patient.name)
    if name != patient.name:
        check_name(name)
    if not is_same_name(name, patient.name):
        own = Patient.objects.get(user=account)
        birth_date = changes.get("birth_date", patient.birth_date)
        _check_is_new(account, own, name=name, birth_date=birth_date)
        if _is_in_use(patient, account):
            leave_family(member, actor=account, now=now)
            return _add(account, own, name=name, birth_date=birth_date, now=now)
    write_changes(patient, changes)
    return member


@in_one_transaction
def remove_family_member(*, user: User, patient_id: int, now: datetime) -> None:
    """Access ends at once, on open streams too; the record and its visits stay with the clinic. Raises NotFound."""
    account = _lock_account(user)
    leave_family(get_family_member_for(account, patient_id), actor=account, now=now)


def join_family(patient: Patient, account: User, *, actor: User, now: datetime) -> FamilyMember:
    """Requires: account locked, in a transaction. Raises TooManyMembers."""
    known = FamilyMember.objects.filter(user=account, patient=patient).first()
    if known is not None:
        return known
    if FamilyMember.objects.filter(user=account).count() >= MAX_MEMBERS:
        raise TooManyMembers
    record(patient, PatientAction.JOIN_FAMILY, actor=actor, now=now, account=account)
    member = FamilyMember.objects.create(clinic_id=patient.clinic_id, user=account, patient=patient, created_at=now)
    forget_patient_ids(account)
    return member


def leave_family(member: FamilyMember, *, actor: User, now: datetime) -> None:
    """Requires: account locked, in a transaction."""
    record(member.patient, PatientAction.LEAVE_FAMILY, actor=actor, now=now, account=member.user)
    member.delete()
    forget_patient_ids(member.user)


def _check_is_new(account: User, own: Patient, *, name: str, birth_date: date | None) -> None:
    """Raises AlreadyInFamily."""
    for known in (own, *(member.patient for member in family_of(account))):
        if is_same_name(known.name, name) and not differs(known.birth_date, birth_date):
            raise AlreadyInFamily(attr="name", extra={"patient": known.pk})


def _add(account: User, own: Patient, *, name: str, birth_date: date | None, now: datetime) -> FamilyMember:
    patient = _record_of(account, own, name=name, birth_date=birth_date)
    if patient is None:
        patient = Patient.objects.create(clinic_id=own.clinic_id, name=name, birth_date=birth_date)
    elif patient.birth_date is None and birth_date is not None:
        write_changes(patient, {"birth_date": birth_date})
    return join_family(patient, account, actor=account, now=now)


def _record_of(account: User, own: Patient, *, name: str, birth_date: date | None) -> Patient | None:
    """The clinic's, if it can be nobody else's."""
    if not account.verified_phone:
        return None
    known = Patient.objects.select_for_update().filter(
        clinic_id=own.clinic_id, phone=account.verified_phone, phone_extension=""
    )
    same = [patient for patient in known.order_by("pk") if patient != own and is_same_name(patient.name, name)]
    if len(same) != 1 or same[0].user_id is not None or differs(same[0].birth_date, birth_date):
        return None
    return None if _was_parted(same[0], account) else same[0]


def differs(one: date | None, other: date | None) -> bool:
    return one is not None and other is not None and one != other


def _was_parted(patient: Patient, account: User) -> bool:
    """The desk has decided: to name the person again does not undo it."""
    parted = PatientEvent.objects.filter(patient=patient, account=account, action=PatientAction.LEAVE_FAMILY)
    return parted.exclude(actor=account).exists()


def _is_in_use(patient: Patient, account: User) -> bool:
    """By visits and the like, or by another account."""
    others = FamilyMember.objects.filter(patient=patient).exclude(user=account)
    return others.exists() or has_attachments(patient, but="family_of")


def _lock_account(user: User) -> User:
    """Raises NotFound for an account that is no patient's."""
    account = User.objects.select_for_update().filter(pk=user.pk, role=Role.PATIENT).first()
    if account is None:
        raise NotFound
    forget_patient_ids(user)
    return account
