from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F

from clinic.accounts.models import Role, User
from clinic.accounts.phones import normalise_phone
from clinic.accounts.services import TokenPair, change_profile, check_name, create_user, issue_tokens
from clinic.common.errors import InvalidRequest, PhoneNotProven
from clinic.common.transactions import in_one_transaction
from clinic.common.versions import ANY_VERSION, Expected, write_changes
from clinic.people.models import PREFERENCES, Patient
from clinic.people.queries import get_patient_for
from clinic.people.services.linking import link_proven_record
from clinic.people.services.phone_codes import check_phone_code
from clinic.scheduling.models import Clinic


@dataclass(frozen=True, slots=True)
class SignUp:
    name: str
    email: str
    phone: str
    password: str
    phone_code: str = ""


def sign_up_patient(*, clinic: Clinic, sign_up: SignUp, now: datetime) -> tuple[User, TokenPair]:
    """A new account with its patient record: with a code sent to the phone, the one the clinic has already if phone
    and name agree (`linking`).

    Call outside of any transaction, so that a wrong code is counted. Raises InvalidRequest, PhoneNotProven.
    """
    phone = normalise_phone(sign_up.phone, region=clinic.phone_region)
    if sign_up.phone_code:
        check_phone_code(clinic=clinic, phone=phone, code=sign_up.phone_code, now=now)
    return _sign_up(clinic, sign_up, phone, now=now)


@in_one_transaction
def _sign_up(clinic: Clinic, sign_up: SignUp, phone: str, *, now: datetime) -> tuple[User, TokenPair]:
    user = create_user(
        email=sign_up.email,
        password=sign_up.password,
        role=Role.PATIENT,
        name=sign_up.name,
        phone=phone,
        clinic=clinic,
    )
    patient = link_proven_record(user, phone=phone, now=now) if sign_up.phone_code else None
    if patient is None:
        Patient.objects.create(clinic=clinic, user=user, name=user.name, email=user.email, phone=phone)
    return user, issue_tokens(user=user)


@in_one_transaction
def create_patient(
    *, clinic: Clinic, name: str, email: str = "", phone: str = "", preferences: dict[str, Any] | None = None
) -> Patient:
    """A record without an account, as the desk makes it. Raises NotAName, and InvalidRequest for what is no phone
    number."""
    check_name(name)
    phone = _stored_phone(phone, clinic)
    return Patient.objects.create(clinic=clinic, name=name, email=email, phone=phone, **(preferences or {}))


@in_one_transaction
def edit_patient(
    *, editor: User, patient_id: int, changes: dict[str, Any], expected: Expected = ANY_VERSION
) -> Patient:
    """`changes` may hold name, email, phone and preferences. The patient's account, if any, keeps its own name, e-mail
    and phone; the preferences are shown with it, so it gets a new version with them.

    Raises NotFound, StaleVersion, PreconditionFailed, InvalidRequest."""
    changes = dict(changes)
    changes |= changes.pop("preferences", {})
    # The account first, as the patient's own change takes it.
    account = _lock_account_of(get_patient_for(editor, patient_id))
    patient = get_patient_for(editor, patient_id, lock=True)
    expected.check(patient.version)
    if "name" in changes and changes["name"] != patient.name:
        check_name(changes["name"])
    if "phone" in changes:
        changes = {**changes, "phone": _stored_phone(changes["phone"], patient.clinic)}
    write_changes(patient, changes)
    if account is not None and not changes.keys().isdisjoint(PREFERENCES):
        write_changes(account, {}, touched=True)
    return patient


def change_own_profile(
    *, user: User, changes: dict[str, Any], phone_code: str = "", now: datetime, expected: Expected = ANY_VERSION
) -> User:
    """The account, and with it the record of a patient, so that the desk sees the new name and number.

    With a code sent to the phone, an unused record gives way to the one the clinic has already if phone and name agree
    (`linking`). Call outside of any transaction. Raises StaleVersion, PreconditionFailed, InvalidRequest,
    PhoneNotProven.
    """
    phone = changes.get("phone", user.phone) or ""
    if phone_code:
        if user.clinic is None:
            raise PhoneNotProven
        check_phone_code(clinic=user.clinic, phone=phone, code=phone_code, now=now)
    return _change_own_profile(user, changes, proven_phone=phone if phone_code else "", now=now, expected=expected)


@in_one_transaction
def _change_own_profile(
    user: User, changes: dict[str, Any], *, proven_phone: str, now: datetime, expected: Expected
) -> User:
    changes = dict(changes)
    preferences = changes.pop("preferences", {})
    if preferences and not Patient.objects.filter(user=user).exists():
        raise InvalidRequest("Only a patient has these.", attr="preferences")
    former = User.objects.select_for_update().get(pk=user.pk)
    user = change_profile(user=user, changes=changes, touched=bool(preferences), expected=expected)
    if proven_phone and user.role == Role.PATIENT:
        link_proven_record(user, phone=proven_phone, now=now)
    shown = _new_values(former, user) | preferences
    if shown:
        Patient.objects.filter(user=user).update(**shown, version=F("version") + 1)
    return user


def _new_values(former: User, user: User) -> dict[str, Any]:
    """As the record holds them. Not what stays the same: the desk may have written something else there."""
    names = ("name", "email", "phone")
    return {name: getattr(user, name) or "" for name in names if getattr(user, name) != getattr(former, name)}


def _lock_account_of(patient: Patient) -> User | None:
    if patient.user_id is None:
        return None
    return User.objects.select_for_update().get(pk=patient.user_id)


def _stored_phone(phone: str, clinic: Clinic) -> str:
    return normalise_phone(phone, region=clinic.phone_region) if phone else ""
