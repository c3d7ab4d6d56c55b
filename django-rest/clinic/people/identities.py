"""Identities of users and guests: clinic, practitioner, patient record."""

from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet

from clinic.accounts.models import User
from clinic.accounts.scoping import rows_within_reach
from clinic.people.models import FamilyMember
from clinic.scheduling.models import Clinic, Practitioner

Row = TypeVar("Row", bound=Model)
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
    """The account's own record."""
    return getattr(getattr(user, "patient", None), "pk", None)


def patient_ids_of(user: User) -> tuple[int, ...]:
    """The records that an account books for: its own first, then its family's. One query, once for each `user`."""
    known: tuple[int, ...] | None = user.__dict__.get("patient_ids")
    if known is None:
        own_id = patient_id_of(user)
        family = () if own_id is None else FamilyMember.objects.filter(user=user).values_list("patient_id", flat=True)
        known = user.__dict__["patient_ids"] = () if own_id is None else (own_id, *family)
    return known


def forget_patient_ids(user: User) -> None:
    """Call after a change of the family."""
    user.__dict__.pop("patient_ids", None)


def among_records(user: User, column: str = "patient_id") -> dict[str, Any]:
    """The condition that leaves the rows of the records that an account books for."""
    ids = patient_ids_of(user) or (NOBODY,)
    return {column: ids[0]} if len(ids) == 1 else {f"{column}__in": list(ids)}


def visible_rows(user: User, rows: QuerySet[Row]) -> QuerySet[Row]:
    """Rows with a clinic, a practitioner and a patient, by the user's role: `rows_within_reach`."""
    return rows_within_reach(
        user,
        rows,
        of_practitioner=lambda: Q(practitioner_id=practitioner_id_of(user) or NOBODY),
        of_patient=lambda: Q(**among_records(user)),
    )


@dataclass(frozen=True, slots=True)
class Guest:
    """Identity claimed by a guest. `phone` is E.164. `is_verified`: a code sent to the phone was given back.
    `reference` is that of an earlier request of theirs."""

    clinic: Clinic
    name: str
    phone: str
    email: str = ""
    phone_extension: str = ""
    is_verified: bool = False
    reference: str = ""

    @property
    def may_have_record(self) -> bool:
        return self.is_verified or bool(self.reference)
