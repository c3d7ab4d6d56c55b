from dataclasses import dataclass

from clinic.accounts.models import Role, User
from clinic.accounts.phones import normalise_phone
from clinic.accounts.services import TokenPair, change_profile, create_user, issue_tokens
from clinic.appointments.models import Patient
from clinic.appointments.queries import get_patient_for
from clinic.common.transactions import in_one_transaction
from clinic.scheduling.models import Clinic


@dataclass(frozen=True, slots=True)
class SignUp:
    name: str
    email: str
    phone: str
    password: str


@in_one_transaction
def sign_up_patient(*, clinic: Clinic, sign_up: SignUp) -> tuple[User, TokenPair]:
    """A new account with its patient record. Raises InvalidRequest."""
    user = create_user(
        email=sign_up.email,
        password=sign_up.password,
        role=Role.PATIENT,
        name=sign_up.name,
        phone=normalise_phone(sign_up.phone, region=clinic.phone_region),
        clinic=clinic,
    )
    Patient.objects.create(clinic=clinic, user=user, name=user.name, email=user.email, phone=user.phone or "")
    return user, issue_tokens(user=user)


@in_one_transaction
def create_patient(*, clinic: Clinic, name: str, email: str = "", phone: str = "") -> Patient:
    """A record without an account, as the desk makes it. Raises InvalidRequest for what is no phone number."""
    return Patient.objects.create(clinic=clinic, name=name, email=email, phone=_stored_phone(phone, clinic))


@in_one_transaction
def edit_patient(*, editor: User, patient_id: int, changes: dict[str, str]) -> Patient:
    """`changes` may hold name, email and phone. The patient's account, if any, keeps its own."""
    patient = get_patient_for(editor, patient_id, lock=True)
    if "phone" in changes:
        changes = {**changes, "phone": _stored_phone(changes["phone"], patient.clinic)}
    for name, value in changes.items():
        setattr(patient, name, value)
    patient.save(update_fields=list(changes))
    return patient


@in_one_transaction
def change_own_profile(*, user: User, changes: dict[str, str]) -> User:
    """The account, and with it the record of a patient, so that the desk sees the new name and number."""
    user = change_profile(user=user, changes=changes)
    shown = {name: value or "" for name, value in changes.items() if name in {"name", "email", "phone"}}
    if shown:
        Patient.objects.filter(user=user).update(**shown)
    return user


def _stored_phone(phone: str, clinic: Clinic) -> str:
    return normalise_phone(phone, region=clinic.phone_region) if phone else ""
