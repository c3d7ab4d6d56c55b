"""Identities of users and guests: clinic, practitioner, patient record."""

from dataclasses import dataclass

from clinic.accounts.models import User
from clinic.scheduling.models import Clinic, Practitioner

NOBODY = 0  # No row has this id: a filter by it finds nothing.


def clinic_id_of(user: User) -> int:
    return user.clinic_id or NOBODY


def practitioner_of(user: User | None) -> Practitioner | None:
    practitioner: Practitioner | None = getattr(user, "practitioner", None)
    return practitioner if practitioner is not None and practitioner.active else None


def practitioner_id_of(user: User | None) -> int | None:
    practitioner = practitioner_of(user)
    return practitioner.pk if practitioner is not None else None


def patient_id_of(user: User) -> int | None:
    return getattr(getattr(user, "patient", None), "pk", None)


@dataclass(frozen=True, slots=True)
class Guest:
    """Identity claimed by a guest; unverified. `phone` is E.164."""

    clinic: Clinic
    name: str
    phone: str
    email: str = ""
