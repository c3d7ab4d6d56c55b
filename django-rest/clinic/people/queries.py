"""Patients: who may see which, and how they are searched."""

import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from clinic.accounts.models import User
from clinic.accounts.phones import normalise_phone
from clinic.accounts.scoping import rows_within_reach
from clinic.common.errors import InvalidRequest, NotFound
from clinic.people.identities import among_records, clinic_id_of, practitioner_of
from clinic.people.lookups import HOLDS
from clinic.people.models import DistinctPatients, FamilyMember, Patient, PatientEvent
from clinic.people.names import is_same_name
from clinic.scheduling.models import Practitioner

PHONE_TEXT = re.compile(r"\s*[+(]?[\d\s()./-]*\d[\d\s()./-]*")
# Of all phones of one page. More than a family share the number of a home or an office.
MAX_SHARING_A_PHONE = 500
MAX_SEARCH_LENGTH = 100


def patients_visible_to(user: User) -> QuerySet[Patient]:
    """Owner and staff: their clinic's. A practitioner: those with an appointment with them. A patient: themselves and
    their family."""
    return rows_within_reach(
        user,
        Patient.objects.all(),
        of_practitioner=lambda: _with_appointments_of(practitioner_of(user)),
        of_patient=lambda: Q(**among_records(user, "pk")),
    )


def _with_appointments_of(practitioner: Practitioner | None) -> Q:
    return Q(pk__in=[] if practitioner is None else practitioner.appointments.values("patient_id"))


def search_patients(user: User, text: str) -> QuerySet[Patient]:
    """Every word of the text in name or e-mail, or a phone number in any notation."""
    return patients_visible_to(user).filter(search_condition(text, region=region_of(user))).order_by("name", "id")


def search_condition(text: str, *, region: str | None, prefix: str = "") -> Q:
    """`prefix` leads to the patient. A text of digits is a phone number, or a part of one."""
    condition = Q()
    for word in text.split():
        # A number holds nothing but digits: to look there for letters would be a quarter of the work.
        places = ("name", "email", "phone") if word.strip("+").isdigit() else ("name", "email")
        condition &= Q(*((f"{prefix}{place}__{HOLDS}", word) for place in places), _connector=Q.OR)
    return condition | phone_condition(text, region=region, prefix=prefix) if is_phone(text) else condition


def is_phone(text: str) -> bool:
    """Or a part of one, in any notation."""
    return PHONE_TEXT.fullmatch(text) is not None


def phone_condition(text: str, *, region: str | None, prefix: str = "") -> Q:
    return Q(*((f"{prefix}phone__contains", part) for part in _phone_parts(text, region)), _connector=Q.OR)


def _phone_parts(text: str, region: str | None) -> set[str]:
    """Ignore prefixes (0, 00, +49): the stored number is the country code and the national number alone."""
    parts = {re.sub(r"\D", "", text).lstrip("0") or text}
    with suppress(InvalidRequest):
        parts.add(normalise_phone(text, region=region))
    return parts


def region_of(user: User) -> str | None:
    return user.clinic.phone_region if user.clinic is not None else None


def get_patient_for(user: User, patient_id: int, *, lock: bool = False) -> Patient:
    """Raises NotFound."""
    patients = patients_visible_to(user)
    patient = (patients.select_for_update() if lock else patients).filter(pk=patient_id).first()
    if patient is None:
        raise NotFound("There is no such patient.")
    return patient


def family_of(user: User) -> QuerySet[FamilyMember]:
    """With their records, in the order they came."""
    return FamilyMember.objects.filter(user=user).select_related("patient").order_by("pk")


def get_family_member_for(user: User, patient_id: int) -> FamilyMember:
    """With record and account. Raises NotFound."""
    found = FamilyMember.objects.select_related("patient", "user").filter(user=user, patient_id=patient_id).first()
    if found is None:
        raise NotFound("You book for no such person.")
    return found


Families = Mapping[int, list[User]]


def families_of(patients: Collection[Patient]) -> Families:
    """By record, the accounts that book for it, the first one first. One query."""
    found: dict[int, list[User]] = {patient.pk: [] for patient in patients}
    links = FamilyMember.objects.filter(patient_id__in=found).select_related("user").order_by("pk")
    for link in links if found else ():
        found[link.patient_id].append(link.user)
    return found


@dataclass(frozen=True, slots=True)
class _Identity:
    """The parts of a record by which it is compared with another. `phones` of a family's record without one are those
    of the accounts that book for it."""

    patient: Patient
    phones: frozenset[str]
    accounts: frozenset[int]


def possible_duplicates(
    patients: Collection[Patient], *, among: QuerySet[Patient], families: Families
) -> dict[int, list[Patient]]:
    """The records that may be the same person as a patient, by the patient's id. `families` are those of the patients.
    Three queries, none if no phone is known.

    They share a phone, and either the name as well or one of the two has an account. Not named are two records that
    both have an account, as they cannot be merged; two that one account books for; and two of which the desk has said
    that they are two people.
    """
    mine = [_identity(patient, families[patient.pk]) for patient in patients]
    phones = sorted({phone for identity in mine for phone in identity.phones})
    if not phones:
        return {patient.pk: [] for patient in patients}
    clinics = sorted({patient.clinic_id for patient in patients})
    sharing = among.filter(clinic_id__in=clinics, phone__in=phones).order_by("pk")
    of_families = among.filter(clinic_id__in=clinics, phone="", family_of__user__phone__in=phones).distinct()
    # No record is in both: the phone of those of families is empty.
    others = list(sharing[:MAX_SHARING_A_PHONE].union(of_families[:MAX_SHARING_A_PHONE], all=True))
    of_others = families_of(others)
    theirs = [_identity(other, of_others[other.pk]) for other in sorted(others, key=lambda other: other.pk)]
    found = {
        identity.patient.pk: [other.patient for other in theirs if _may_be_one(identity, other)] for identity in mine
    }
    return _without_distinct(found)


def _identity(patient: Patient, family: Collection[User]) -> _Identity:
    phones = {patient.phone} if patient.phone else {user.phone for user in family if user.phone}
    own = () if patient.user_id is None else (patient.user_id,)
    return _Identity(patient, frozenset(phones), frozenset((*own, *(user.pk for user in family))))


def _may_be_one(one: _Identity, two: _Identity) -> bool:
    patient, other = one.patient, two.patient
    if patient.pk == other.pk or patient.clinic_id != other.clinic_id or not one.phones & two.phones:
        return False
    if one.accounts & two.accounts:
        return False
    owners = [record.user_id for record in (patient, other) if record.user_id is not None]
    return len(owners) == 1 or (not owners and is_same_name(patient.name, other.name))


def _without_distinct(found: dict[int, list[Patient]]) -> dict[int, list[Patient]]:
    ids = {*found, *(other.pk for others in found.values() for other in others)}
    rows = DistinctPatients.objects.filter(patient_id__in=ids, other_id__in=ids)
    distinct = {frozenset(pair) for pair in rows.values_list("patient_id", "other_id")}
    return {
        patient_id: [other for other in others if frozenset((patient_id, other.pk)) not in distinct]
        for patient_id, others in found.items()
    }


def history_of_patient(user: User, patient_id: int) -> QuerySet[PatientEvent]:
    """Links and merges of a record, also of one that has become part of another. Raises NotFound."""
    lines = PatientEvent.objects.filter(clinic_id=clinic_id_of(user), patient_id=patient_id)
    if not lines.exists():
        get_patient_for(user, patient_id)
    return lines
