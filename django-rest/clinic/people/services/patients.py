from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F

from clinic.accounts.contacts import accept_phone
from clinic.accounts.models import Role, User, normalise_email
from clinic.accounts.passwords import check_own_password
from clinic.accounts.phones import NO_PHONE, Phone, phone_changes, phone_given
from clinic.accounts.services import TokenPair, change_profile, create_user, issue_tokens, new_contacts, phone_in
from clinic.common.errors import InvalidRequest, NotAPhone, PhoneHasExtension, PhoneNotProven
from clinic.common.names import check_name
from clinic.common.transactions import in_one_transaction, in_open_transaction
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
    password: str
    phone: str = ""
    phone_code: str = ""
    phone_extension: str | None = None


def sign_up_patient(*, clinic: Clinic, sign_up: SignUp, now: datetime, device: str = "") -> tuple[User, TokenPair]:
    """As `create_patient_account`, with tokens."""
    phone = _phone_of(clinic, sign_up, now=now)
    return _sign_up(clinic, sign_up, phone, device, now=now)


def create_patient_account(*, clinic: Clinic, sign_up: SignUp, now: datetime) -> User:
    """A new account with its patient record: with a code sent to the phone, the one the clinic has already if phone
    and name agree (`linking`).

    Call outside of any transaction, so that a wrong code is counted. Raises InvalidRequest, PhoneNotProven.
    """
    return _create_account(clinic, sign_up, _phone_of(clinic, sign_up, now=now), now=now)


def _phone_of(clinic: Clinic, sign_up: SignUp, *, now: datetime) -> Phone:
    given = {"phone": sign_up.phone, "phone_extension": sign_up.phone_extension}
    phone = phone_given(given, region=clinic.phone_region) or NO_PHONE
    if sign_up.phone_code:
        if not phone.number:
            raise NotAPhone
        _check_code(clinic, phone, sign_up.phone_code, now=now)
    return phone


@in_one_transaction
def _sign_up(clinic: Clinic, sign_up: SignUp, phone: Phone, device: str, *, now: datetime) -> tuple[User, TokenPair]:
    user = _create_account(clinic, sign_up, phone, now=now)
    return user, issue_tokens(user=user, device=device)


@in_open_transaction
def _create_account(clinic: Clinic, sign_up: SignUp, phone: Phone, *, now: datetime) -> User:
    user = create_user(
        email=sign_up.email,
        password=sign_up.password,
        role=Role.PATIENT,
        name=sign_up.name,
        phone=phone,
        clinic=clinic,
        now=now,
    )
    if sign_up.phone_code:
        accept_phone(user, phone, now=now)
    patient = link_proven_record(user, phone=phone.number, now=now) if sign_up.phone_code else None
    if patient is None:
        Patient.objects.create(
            clinic=clinic,
            user=user,
            name=user.name,
            email=normalise_email(sign_up.email),
            phone=phone.number,
            phone_extension=phone.extension,
        )
    return user


@in_one_transaction
def create_patient(
    *, clinic: Clinic, name: str, email: str = "", preferences: dict[str, Any] | None = None, **fields: Any
) -> Patient:
    """A record without an account, as the desk makes it. `fields` may be phone, phone_extension, birth_date and alert.
    Raises NotAName, NotAPhone, InvalidRequest, Ambiguous."""
    check_name(name)
    fields |= phone_changes(fields, known=NO_PHONE, region=clinic.phone_region, none="")
    return Patient.objects.create(clinic=clinic, name=name, email=email, **fields, **(preferences or {}))


@in_one_transaction
def edit_patient(
    *, editor: User, patient_id: int, changes: dict[str, Any], expected: Expected = ANY_VERSION
) -> Patient:
    """`changes` may hold name, email, phone, phone_extension, birth_date, alert and preferences. The patient's account,
    if any, keeps its own name, e-mail and phone; the preferences are shown with it, so it gets a new version with them.

    Raises NotFound, StaleVersion, PreconditionFailed, InvalidRequest."""
    changes = dict(changes)
    changes |= changes.pop("preferences", {})
    # The account first, as the patient's own change takes it.
    account = _lock_account_of(get_patient_for(editor, patient_id))
    patient = get_patient_for(editor, patient_id, lock=True)
    expected.check(patient.version)
    if "name" in changes and changes["name"] != patient.name:
        check_name(changes["name"])
    region = patient.clinic.phone_region
    changes = {**changes, **phone_changes(changes, known=patient.whole_phone, region=region, none="")}
    write_changes(patient, changes)
    if account is not None and not changes.keys().isdisjoint(PREFERENCES):
        write_changes(account, {}, touched=True)
    return patient


def change_own_profile(
    *,
    user: User,
    changes: dict[str, Any],
    phone_code: str = "",
    password: str | None = None,
    address: str = "",
    now: datetime,
    expected: Expected = ANY_VERSION,
) -> User:
    """The account, and with it the record of a patient, so that the desk sees the new name and number. Another e-mail
    or phone takes the password, and effect when it is verified.

    With a code sent to the phone, an unused record gives way to the one the clinic has already if phone and name agree
    (`linking`). Call outside of any transaction. Raises StaleVersion, PreconditionFailed, InvalidRequest,
    PhoneNotProven, WrongPassword, Locked.
    """
    region = user.clinic.phone_region if user.clinic is not None else None
    changes = {**changes, **phone_changes(changes, known=user.shown_phone, region=region, none=None)}
    phone = phone_in(user, changes) or user.shown_phone
    if new_contacts(user, changes):
        if password is None:
            raise InvalidRequest("Another e-mail or phone takes your password.", attr="password")
        check_own_password(user=user, password=password, address=address, attr="password")
    if phone_code:
        if user.clinic is None:
            raise PhoneNotProven
        _check_code(user.clinic, phone, phone_code, now=now)
    proven_phone = phone.number if phone_code else ""
    return _change_own_profile(user, changes, proven_phone=proven_phone, password=password, now=now, expected=expected)


@in_one_transaction
def _change_own_profile(
    user: User,
    changes: dict[str, Any],
    *,
    proven_phone: str,
    password: str | None,
    now: datetime,
    expected: Expected,
) -> User:
    changes = dict(changes)
    preferences = changes.pop("preferences", {})
    if preferences and not Patient.objects.filter(user=user).exists():
        raise InvalidRequest("Only a patient has these.", attr="preferences")
    former = User.objects.select_for_update().get(pk=user.pk)
    shown_before = _shown_of(former)
    user = change_profile(user=user, changes=changes, touched=bool(preferences), password=password, expected=expected)
    if proven_phone and user.verified_phone != proven_phone:
        accept_phone(user, Phone(proven_phone), now=now)
    if proven_phone and user.role == Role.PATIENT:
        link_proven_record(user, phone=proven_phone, now=now)
    shown_now = _shown_of(user)
    # Not what stays the same: the desk may have written something else there.
    shown = {name: value for name, value in shown_now.items() if value != shown_before[name]} | preferences
    if shown:
        Patient.objects.filter(user=user).update(**shown, version=F("version") + 1)
    return user


def _shown_of(user: User) -> dict[str, str]:
    """As the record holds them. What an account without a verified address claims is there as what a guest gives."""
    phone = user.shown_phone
    return {
        "name": user.name,
        "email": user.shown_email,
        "phone": phone.number,
        "phone_extension": phone.extension,
    }


def _lock_account_of(patient: Patient) -> User | None:
    if patient.user_id is None:
        return None
    return User.objects.select_for_update().get(pk=patient.user_id)


def _check_code(clinic: Clinic, phone: Phone, code: str, *, now: datetime) -> None:
    """Raises PhoneNotProven; PhoneHasExtension, because no SMS reaches one."""
    if phone.extension:
        raise PhoneHasExtension
    check_phone_code(clinic=clinic, phone=phone.number, code=code, now=now)
