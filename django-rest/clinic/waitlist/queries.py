"""Visible entries by viewer, and entries that a freed time may be offered to."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from itertools import islice

from django.db import connection
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from clinic.accounts.models import Role, User
from clinic.appointments.models import ACTIVE, Appointment
from clinic.common.errors import NotFound
from clinic.common.indexed_lists import IndexedList, Part, in_order_of
from clinic.common.instants import end_of_day, local_date_of, start_of_day, zone_of
from clinic.people.identities import visible_rows
from clinic.scheduling.models import Clinic, Practitioner
from clinic.scheduling.queries.claims import busy_intervals
from clinic.scheduling.queries.hours import hours_of
from clinic.scheduling.queries.open_times import policy_of, treatment_of
from clinic.scheduling.queries.practitioners import practitioners_of
from clinic.scheduling.slots import Slot, Treatment, open_slots
from clinic.scheduling.working_hours import Interval, days_later
from clinic.waitlist.matching import PartOfDay, part_of_day
from clinic.waitlist.models import EntryState, OfferState, WaitlistEntry, WaitlistOffer

# Of what is shown of each entry.
MAX_MATCHES, MATCHED_WITHIN, MATCHED_AHEAD = 3, timedelta(days=13), 31
MAX_LISTED = 100
# No treatment reaches further than this around its day.
AROUND = timedelta(days=1)
STILL_OPEN = (EntryState.WAITING, EntryState.OFFERED)


def entries_visible_to(user: User) -> QuerySet[WaitlistEntry]:
    """Owner and staff: their clinic's. A practitioner: those that ask for them. A patient: their own
    and their family's."""
    return visible_rows(user, WaitlistEntry.objects.all())


def with_open_offer(entries: QuerySet[WaitlistEntry]) -> QuerySet[WaitlistEntry]:
    """And all that is shown of an entry. One query more for any number."""
    open_offers = WaitlistOffer.objects.filter(state=OfferState.OPEN).select_related(
        "clinic", "practitioner", "service"
    )
    return entries.select_related("clinic", "patient", "practitioner", "service").prefetch_related(
        Prefetch("offers", queryset=open_offers)
    )


# In SQL: every booking asks it, while others wait, and few people wait for anything.
IDS_WAITING = "SELECT id FROM waitlist_entry WHERE patient_id IN %s AND state IN %s"


def ids_waiting(patient_ids: Collection[int]) -> list[int]:
    """Open entries of these patients. One query, none for nobody."""
    if not patient_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(IDS_WAITING, [tuple(patient_ids), tuple(state.value for state in STILL_OPEN)])
        return [entry_id for (entry_id,) in cursor.fetchall()]


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


def listed_entries(user: User, wanted: EntryFilter) -> IndexedList[WaitlistEntry]:
    """The same in pages, also of those that are over: however long the clinic has had a waitlist."""
    entries = list_entries(user, wanted).select_related(None).prefetch_related(None)
    if user.role == Role.PATIENT or wanted.patient_id is not None:
        index = None  # Nobody has asked for very many.
    elif user.role == Role.PRACTITIONER or wanted.practitioner_id is not None:
        index = "waitlist_entry_pract_order"
    else:
        index = "waitlist_entry_clinic_order"
    return IndexedList(
        WaitlistEntry,
        tuple(Part(entries.filter(state=state), index) for state in dict.fromkeys(wanted.states)),
        ("-priority", "created_at", "id"),
        lambda ids: in_order_of(ids, with_open_offer(WaitlistEntry.objects.all())),
    )


def get_entry_for(user: User, entry_id: int) -> WaitlistEntry:
    """With its open offer and all that is shown. Raises NotFound."""
    entry = with_open_offer(entries_visible_to(user)).filter(pk=entry_id).first()
    if entry is None:
        raise NotFound("There is no such waitlist entry.")
    return entry


def get_offer(token: str) -> WaitlistOffer:
    """Fetch an offer by its token. Raises NotFound."""
    offers = WaitlistOffer.objects.select_related("clinic", "practitioner", "service", "entry__patient")
    offer = offers.filter(token=token).first()
    if offer is None:
        raise NotFound("There is no such offer.")
    return offer


def open_offers_with(practitioner_ids: Collection[int], window: Interval, *, now: datetime) -> QuerySet[WaitlistOffer]:
    """Offers of these practitioners' time that can still be accepted, with entry, patient and service, in order."""
    return (
        WaitlistOffer.objects.filter(
            practitioner_id__in=practitioner_ids,
            state=OfferState.OPEN,
            expires_at__gt=now,
            starts_at__lt=window.end,
            ends_at__gt=window.start,
        )
        .select_related("entry__patient", "service")
        .order_by("starts_at", "id")
    )


@dataclass(frozen=True, slots=True)
class Match:
    """A free time that an entry could be offered."""

    practitioner: Practitioner
    slot: Slot


@dataclass(frozen=True, slots=True)
class Waitlist:
    """The first hundred who wait or have an open offer, in the order in which they are asked; `count` is of all."""

    entries: list[WaitlistEntry]
    matches: dict[int, list[Match]]
    count: int


def waitlist_of(user: User, clinic: Clinic, *, now: datetime) -> Waitlist:
    """Eleven queries for any number of entries."""
    entries = list_entries(user, EntryFilter())
    shown = list(entries[:MAX_LISTED])
    count = len(shown) if len(shown) < MAX_LISTED else entries.count()
    return Waitlist(shown, matches_of(clinic, shown, now=now), count)


def matches_of(clinic: Clinic, entries: Collection[WaitlistEntry], *, now: datetime) -> dict[int, list[Match]]:
    """The first three free times that suit each entry, by its id, of the first two weeks for which it waits, and
    of the next month alone. Seven queries for any number of entries."""
    zone = zone_of(clinic.timezone)
    today = local_date_of(now, zone)
    spans = {entry.pk: _span(entry, clinic, today) for entry in entries if entry.state == EntryState.WAITING}
    spans = {entry_id: span for entry_id, span in spans.items() if span[0] <= span[1]}
    if not spans:
        return {}
    first_date, last_date = min(first for first, _ in spans.values()), max(last for _, last in spans.values())
    practitioners = list(practitioners_of(clinic).prefetch_related("services"))
    ids = [one.pk for one in practitioners]
    window = Interval(start_of_day(first_date, zone) - AROUND, end_of_day(last_date, zone) + AROUND)
    hours, busy = hours_of(clinic, ids, first_date, last_date), busy_intervals(ids, window, now=now)
    elsewhere = appointments_of_patients({entry.patient_id for entry in entries}, window)

    @cache
    def slots_on(day: date, practitioner_id: int, treatment: Treatment) -> list[Slot]:
        of_one = hours[practitioner_id]
        return open_slots(
            first_date=day,
            last_date=day,
            policy=policy_of(clinic),
            treatment=treatment,
            blocks=of_one.blocks,
            exceptions=of_one.exceptions,
            busy=busy.get(practitioner_id, []),
            now=now,
        )

    def matches(entry: WaitlistEntry) -> Iterator[Match]:
        treatment = treatment_of(clinic, entry.service)
        offering = [one for one in practitioners if _may_treat(one, entry)]
        first, last = spans[entry.pk]
        for day in (days_later(first, number) for number in range((last - first).days + 1)):
            of_day = [Match(one, slot) for one in offering for slot in slots_on(day, one.pk, treatment)]
            for match in sorted(of_day, key=lambda match: match.slot.start):
                part = part_of_day(match.slot.start.astimezone(zone).time())
                time = Interval(match.slot.start, match.slot.end)
                suits = entry.part_of_day in (PartOfDay.ANY, part)
                if suits and not any(time.overlaps(other) for other in elsewhere[entry.patient_id]):
                    yield match

    return {entry.pk: list(islice(matches(entry), MAX_MATCHES)) for entry in entries if entry.pk in spans}


def _span(entry: WaitlistEntry, clinic: Clinic, today: date) -> tuple[date, date]:
    first, ahead = max(entry.first_date, today), min(clinic.horizon_days, MATCHED_AHEAD)
    return first, min(entry.last_date, first + MATCHED_WITHIN, today + timedelta(days=ahead))


def _may_treat(practitioner: Practitioner, entry: WaitlistEntry) -> bool:
    if entry.practitioner_id not in (None, practitioner.pk):
        return False
    return entry.service_id is None or any(one.pk == entry.service_id for one in practitioner.services.all())


def somebody_waits(clinic: Clinic) -> bool:
    return WaitlistEntry.objects.filter(clinic=clinic, state=EntryState.WAITING).exists()


def entries_to_ask(
    clinic: Clinic, *, practitioner_id: int, local_date: date, freed: Interval, except_patient_id: int
) -> list[WaitlistEntry]:
    """Entries for this practitioner and day, the first to be asked first. One query.

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
