"""Who may see which entry, and which entries a freed time may be offered to."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from clinic.accounts.models import Role, User
from clinic.appointments.models import ACTIVE, Appointment
from clinic.common.errors import NotFound
from clinic.people.identities import NOBODY, clinic_id_of, patient_id_of, practitioner_id_of
from clinic.scheduling.models import Clinic
from clinic.scheduling.slots import Interval
from clinic.waitlist.models import EntryState, OfferState, WaitlistEntry, WaitlistOffer

STILL_OPEN = (EntryState.WAITING, EntryState.OFFERED)


def entries_visible_to(user: User) -> QuerySet[WaitlistEntry]:
    """Owner and staff: their clinic's. A practitioner: those that ask for them. A patient: their own."""
    entries = WaitlistEntry.objects.filter(clinic_id=clinic_id_of(user))
    match user.role:
        case Role.OWNER | Role.STAFF:
            return entries
        case Role.PRACTITIONER:
            return entries.filter(practitioner_id=practitioner_id_of(user) or NOBODY)
        case Role.PATIENT:
            return entries.filter(patient_id=patient_id_of(user) or NOBODY)
        case Role.ADMIN if user.reads_every_clinic:
            return WaitlistEntry.objects.all()
    return entries.none()


def with_open_offer(entries: QuerySet[WaitlistEntry]) -> QuerySet[WaitlistEntry]:
    """And all that is shown of an entry. One query more for any number."""
    open_offers = WaitlistOffer.objects.filter(state=OfferState.OPEN).select_related(
        "clinic", "practitioner", "service"
    )
    return entries.select_related("clinic", "patient", "practitioner", "service").prefetch_related(
        Prefetch("offers", queryset=open_offers)
    )


def open_offer_of(entry: WaitlistEntry) -> WaitlistOffer | None:
    """No query after `with_open_offer`."""
    return next((offer for offer in entry.offers.all() if offer.state == OfferState.OPEN), None)


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Without states: what is still open."""

    states: tuple[EntryState, ...] = STILL_OPEN
    practitioner_id: int | None = None
    patient_id: int | None = None


def list_entries(user: User, wanted: EntryFilter) -> QuerySet[WaitlistEntry]:
    """In the order in which they are asked."""
    entries = with_open_offer(entries_visible_to(user)).filter(state__in=wanted.states)
    if wanted.practitioner_id is not None:
        entries = entries.filter(practitioner_id=wanted.practitioner_id)
    if wanted.patient_id is not None:
        entries = entries.filter(patient_id=wanted.patient_id)
    return entries


def get_entry_for(user: User, entry_id: int) -> WaitlistEntry:
    """With its open offer and all that is shown. Raises NotFound."""
    entry = with_open_offer(entries_visible_to(user)).filter(pk=entry_id).first()
    if entry is None:
        raise NotFound("There is no such waitlist entry.")
    return entry


def get_offer(token: str) -> WaitlistOffer:
    """Who has the token has the offer. Raises NotFound."""
    offers = WaitlistOffer.objects.select_related("clinic", "practitioner", "service", "entry__patient")
    offer = offers.filter(token=token).first()
    if offer is None:
        raise NotFound("There is no such offer.")
    return offer


def somebody_waits(clinic: Clinic) -> bool:
    return WaitlistEntry.objects.filter(clinic=clinic, state=EntryState.WAITING).exists()


def entries_to_ask(
    clinic: Clinic, *, practitioner_id: int, local_date: date, freed: Interval, except_patient_id: int
) -> list[WaitlistEntry]:
    """Who waits for this practitioner and day, the first to be asked first. One query.

    Nobody is asked twice for the same time, nor who has just given it back.
    """
    asked_before = WaitlistOffer.objects.filter(
        entry=OuterRef("pk"), practitioner_id=practitioner_id, starts_at__lt=freed.end, ends_at__gt=freed.start
    )
    offered_service = Q(service__isnull=True) | Q(service__active=True, service__practitioners=practitioner_id)
    entries = WaitlistEntry.objects.filter(
        Q(practitioner__isnull=True) | Q(practitioner_id=practitioner_id),
        offered_service,
        ~Exists(asked_before),
        clinic=clinic,
        state=EntryState.WAITING,
        first_date__lte=local_date,
        last_date__gte=local_date,
    )
    return list(entries.exclude(patient_id=except_patient_id).select_related("patient__user", "service"))


def appointments_of_patients(patient_ids: Collection[int], window: Interval) -> dict[int, list[Interval]]:
    """When each of them has an appointment, with whomever. One query."""
    booked = Appointment.objects.filter(
        patient_id__in=patient_ids, status__in=ACTIVE, starts_at__lt=window.end, ends_at__gt=window.start
    )
    return _by_patient(booked.values_list("patient_id", "starts_at", "ends_at"))


def times_offered(
    entries: Collection[WaitlistEntry], practitioner_id: int, window: Interval
) -> tuple[dict[int, list[Interval]], dict[int, list[Interval]]]:
    """By patient, the times that are offered now; by entry, those with this practitioner that it was ever offered.

    One query."""
    is_open = Q(state=OfferState.OPEN, entry__patient_id__in={entry.patient_id for entry in entries})
    is_known = Q(entry__in=[entry.pk for entry in entries], practitioner_id=practitioner_id)
    offered = WaitlistOffer.objects.filter(is_open | is_known, starts_at__lt=window.end, ends_at__gt=window.start)
    open_now: dict[int, list[Interval]] = defaultdict(list)
    known: dict[int, list[Interval]] = defaultdict(list)
    for offer in offered.select_related("entry"):
        time = Interval(offer.starts_at, offer.ends_at)
        if offer.state == OfferState.OPEN:
            open_now[offer.entry.patient_id].append(time)
        if offer.practitioner_id == practitioner_id:
            known[offer.entry_id].append(time)
    return open_now, known


def _by_patient(rows: Iterable[tuple[int, datetime, datetime]]) -> dict[int, list[Interval]]:
    taken: dict[int, list[Interval]] = defaultdict(list)
    for patient_id, start, end in rows:
        taken[patient_id].append(Interval(start, end))
    return taken
