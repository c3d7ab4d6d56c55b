"""Patients: who may see which, and how they are searched."""

import re
from collections.abc import Collection
from contextlib import suppress

from django.db.models import Q, QuerySet

from clinic.accounts.models import Role, User
from clinic.accounts.phones import normalise_phone
from clinic.common.errors import InvalidRequest, NotFound
from clinic.people.identities import clinic_id_of, practitioner_of
from clinic.people.models import Patient, PatientEvent
from clinic.people.names import is_same_name

PHONE_TEXT = re.compile(r"\s*[+(]?[\d\s()./-]*\d[\d\s()./-]*")
# Of all phones of one page. More than a family share the number of a home or an office.
MAX_SHARING_A_PHONE = 500


def patients_visible_to(user: User) -> QuerySet[Patient]:
    """Owner and staff: their clinic's. A practitioner: those with an appointment with them. A patient: themselves."""
    patients = Patient.objects.all()
    match user.role:
        case Role.OWNER | Role.STAFF:
            return patients.filter(clinic_id=clinic_id_of(user))
        case Role.PRACTITIONER if practitioner := practitioner_of(user):
            own = practitioner.appointments.values("patient_id")
            return patients.filter(clinic_id=clinic_id_of(user), pk__in=own)
        case Role.PATIENT:
            return patients.filter(clinic_id=clinic_id_of(user), user_id=user.pk)
        case Role.ADMIN if user.reads_every_clinic:
            return patients
    return patients.none()


def search_patients(user: User, text: str) -> QuerySet[Patient]:
    """Every word of the text in name or e-mail, or a phone number in any notation."""
    return patients_visible_to(user).filter(search_condition(text, region=region_of(user))).order_by("name", "id")


def search_condition(text: str, *, region: str | None, prefix: str = "") -> Q:
    """`prefix` leads to the patient. A text of digits is a phone number, or a part of one."""
    condition = Q()
    for word in text.split():
        # A number holds nothing but digits: to look there for letters would be a quarter of the work.
        places = ("name", "email", "phone") if word.strip("+").isdigit() else ("name", "email")
        condition &= Q(*((f"{prefix}{place}__icontains", word) for place in places), _connector=Q.OR)
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


def possible_duplicates(patients: Collection[Patient], *, among: QuerySet[Patient]) -> dict[int, list[Patient]]:
    """The records that may be the same person as a patient, by the patient's id. One query.

    They share the phone, and either the name as well or one of the two has an account. Two records that both have an
    account cannot be merged and are not named.
    """
    phones = sorted({patient.phone for patient in patients if patient.phone})
    clinics = sorted({patient.clinic_id for patient in patients})
    sharing = among.filter(clinic_id__in=clinics, phone__in=phones).order_by("pk")
    others = list(sharing[:MAX_SHARING_A_PHONE]) if phones else []
    return {patient.pk: [other for other in others if _may_be_one(patient, other)] for patient in patients}


def _may_be_one(patient: Patient, other: Patient) -> bool:
    if patient.pk == other.pk or (patient.clinic_id, patient.phone) != (other.clinic_id, other.phone):
        return False
    accounts = [record.user_id for record in (patient, other) if record.user_id is not None]
    return len(accounts) == 1 or (not accounts and is_same_name(patient.name, other.name))


def history_of_patient(user: User, patient_id: int) -> QuerySet[PatientEvent]:
    """Links and merges of a record, also of one that has become part of another. Raises NotFound."""
    lines = PatientEvent.objects.filter(clinic_id=clinic_id_of(user), patient_id=patient_id)
    if not lines.exists():
        get_patient_for(user, patient_id)
    return lines
