"""Content of the pages of patients; of a record, all in one answer."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db.models import Count

from clinic.accounts.models import Role, User
from clinic.appointments.lifecycle import Status
from clinic.appointments.models import Appointment
from clinic.appointments.presentation import ShownAppointment, shown_part
from clinic.appointments.queries import appointments_visible_to, get_appointment_for
from clinic.appointments.slot_assignment import booked_treatment
from clinic.common.errors import NotFound
from clinic.common.instants import zone_of
from clinic.messaging.conversations import ConversationLine, conversation_of, phones_of
from clinic.messaging.queries import waiting_for_desk
from clinic.people.identities import clinic_id_of
from clinic.people.models import FamilyMember, Patient, PatientAction, PatientEvent
from clinic.people.queries import Families, families_of, get_patient_for, patients_visible_to, possible_duplicates
from clinic.scheduling.models import Practitioner
from clinic.scheduling.queries.open_times import open_slots_of
from clinic.scheduling.queries.practitioners import practitioners_offering
from clinic.scheduling.slots import Slot
from clinic.waitlist.models import WaitlistEntry
from clinic.waitlist.queries import EntryFilter, list_entries

PATIENTS_ON_A_PAGE = 30
# Longer than a name or an address that is found by it.
MAX_AHEAD, MAX_PAST, MAX_MESSAGES = 20, 20, 20


@dataclass(frozen=True, slots=True)
class Relative:
    """Another record that an account links with this one. `books`: its account books for this record; else this
    record's account books for it."""

    patient: Patient
    books: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """`ahead` begins with the next visit, `past` with the latest; `past_count` is of all that lie behind. `missed`
    counts no-shows. `messages` is None for who may not read them."""

    patient: Patient
    zone: ZoneInfo
    ahead: list[ShownAppointment]
    past: list[ShownAppointment]
    past_count: int
    missed: int
    messages: list[ConversationLine] | None
    waiting: int
    waitlist: list[WaitlistEntry]
    family: list[Relative]
    families: Families
    duplicates: list[Patient]


def overview_of(user: User, patient_id: int, *, now: datetime) -> Overview:
    """The visits, entries and relatives that the user may see. Twenty-four queries at most. Raises NotFound."""
    patient = get_patient_for(user, patient_id)
    visits = appointments_visible_to(user).filter(patient=patient)
    is_ahead = {"is_active": 1, "ends_at__gt": now}
    behind = visits.exclude(**is_ahead)
    families, visible = families_of([patient]), patients_visible_to(user)
    duplicates = possible_duplicates([patient], among=visible, families=families) if user.works_at_desk else {}
    return Overview(
        patient=patient,
        zone=zone_of(user.clinic.timezone if user.clinic is not None else "UTC"),
        ahead=shown_part(visits.filter(**is_ahead).order_by("starts_at", "id"), slice(MAX_AHEAD), of_few=True),
        past=shown_part(behind.order_by("-starts_at", "-id"), slice(MAX_PAST), of_few=True),
        past_count=behind.count(),
        missed=visits.filter(status=Status.NO_SHOW).count(),
        messages=conversation_of(user, [patient])[:MAX_MESSAGES] if user.works_at_desk else None,
        waiting=_waiting_from(user, patient),
        waitlist=list(list_entries(user, EntryFilter(patient_id=patient.pk))),
        family=_family_of(user, patient, families),
        families=families,
        duplicates=duplicates.get(patient.pk, []),
    )


def _waiting_from(user: User, patient: Patient) -> int:
    return waiting_for_desk(user).filter(phone__in=phones_of([patient])).count()


def _family_of(user: User, patient: Patient, families: Families) -> list[Relative]:
    """Two queries at most."""
    accounts = [account.pk for account in families[patient.pk]]
    visible = patients_visible_to(user)
    booking = visible.filter(user_id__in=accounts) if accounts else ()
    relatives = [Relative(other, books=True) for other in booking]
    if patient.user_id is not None:
        booked_for = FamilyMember.objects.filter(user_id=patient.user_id).values("patient_id")
        relatives += [Relative(other, books=False) for other in visible.filter(pk__in=booked_for)]
    return relatives


@dataclass(frozen=True, slots=True)
class Glance:
    """A patient in a list."""

    patient: Patient
    next: ShownAppointment | None
    missed: int


def glances_at(user: User, patients: Collection[Patient], *, now: datetime) -> list[Glance]:
    """In the order of the patients. Two queries for any number."""
    ids = [patient.pk for patient in patients]
    visits = appointments_visible_to(user).filter(patient_id__in=ids)
    ahead = visits.filter(is_active=1, ends_at__gt=now).order_by("-starts_at", "-id")
    next_of = {one.patient_id: one for one in shown_part(ahead, slice(None), of_few=True)}
    missed = dict(visits.filter(status=Status.NO_SHOW).order_by().values_list("patient_id").annotate(count=Count("pk")))
    return [Glance(patient, next_of.get(patient.pk), missed.get(patient.pk, 0)) for patient in patients]


def merged_into(user: User, patient_id: int) -> Patient | None:
    """The record of which one that is gone has become part, if the user may see it."""
    merge = PatientEvent.objects.filter(
        clinic_id=clinic_id_of(user), patient_id=patient_id, action=PatientAction.MERGE
    ).last()
    if merge is None or merge.other_patient_id in (None, patient_id) or not user.works_at_desk:
        return None
    return patients_visible_to(user).filter(pk=merge.other_patient_id or 0).first()


def get_own_visit(user: User, patient_id: int, visit_id: int) -> Appointment:
    """Of this patient. Raises NotFound."""
    visit = get_appointment_for(user, visit_id)
    if visit.patient_id != patient_id:
        raise NotFound("There is no such appointment.")
    return visit


@dataclass(frozen=True, slots=True)
class FreeTimes:
    """Of one practitioner on one day."""

    practitioner: Practitioner
    slots: list[Slot]


def times_to_move(user: User, visit: Appointment, day: date, *, now: datetime) -> list[FreeTimes]:
    """The visit's practitioner first, then others who offer its service. Six queries."""
    clinic = visit.clinic
    offering = list(practitioners_offering(clinic, visit.service))
    if user.role == Role.PRACTITIONER:
        offering = [one for one in offering if one.user_id == user.pk]
    slots = open_slots_of(
        clinic, offering, treatment=booked_treatment(visit), first_date=day, last_date=day, now=now, for_clinic=True
    )
    in_order = sorted(offering, key=lambda one: one.pk != visit.practitioner_id)
    return [FreeTimes(one, slots[one.pk]) for one in in_order]
