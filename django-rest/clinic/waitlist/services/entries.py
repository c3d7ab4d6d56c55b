from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import F, Min

from clinic.accounts.contacts import ContactNotVerified
from clinic.appointments.actor import Booker, GuestActor, UserActor, user_of
from clinic.appointments.services.eligibility import check_may_book_for, is_unverified, patient_of, service_of
from clinic.common.errors import (
    InvalidRequest,
    PermissionDenied,
    PhoneNotProven,
    StaleVersion,
    TooManyEntries,
    TransitionNotAllowed,
)
from clinic.common.instants import local_date_of, zone_of
from clinic.common.isolation import sum_isolated
from clinic.common.transactions import in_one_statement, in_one_transaction
from clinic.common.versions import ANY_VERSION, Expected
from clinic.people.identities import practitioner_id_of
from clinic.people.models import Patient
from clinic.people.services.families import add_family_member
from clinic.people.services.guests import find_record
from clinic.scheduling.models import Clinic, Practitioner, Service
from clinic.scheduling.queries.practitioners import get_practitioner, get_service
from clinic.waitlist.models import EntryState, WaitlistEntry
from clinic.waitlist.queries import STILL_OPEN, get_entry_for, open_offer_of
from clinic.waitlist.services.answers import withdraw_offer

MAX_OPEN_ENTRIES = 10
MAX_WAIT = timedelta(days=366)
# No zone is further ahead of UTC.
FURTHEST_EAST = timedelta(hours=14)


@dataclass(frozen=True, slots=True)
class Wishes:
    """Without a practitioner, anybody who offers the service; without a service, one slot of the clinic's grid."""

    first_date: date
    last_date: date
    practitioner_id: int | None = None
    service_id: int | None = None
    part_of_day: str = "any"
    priority: int = 0
    auto_accept: bool = False


@in_one_transaction
def join_waitlist(
    *, actor: Booker, clinic: Clinic, patient_id: int | None, wishes: Wishes, now: datetime
) -> WaitlistEntry:
    """A patient waits for themselves; the clinic puts anybody on its list, a practitioner on their own. A guest shows
    that the phone is theirs.

    Raises NotFound, PermissionDenied, InvalidRequest, TooManyEntries, ContactNotVerified, PhoneNotProven.
    """
    if is_unverified(actor):
        raise ContactNotVerified
    record_of_guest = None
    if isinstance(actor, GuestActor):
        if not actor.guest.is_verified:
            raise PhoneNotProven
        record_of_guest = find_record(actor.guest)
    patient = record_of_guest or patient_of(actor, patient_id)
    if not patient.pk:
        patient.save()
    entry = WaitlistEntry(clinic=clinic, patient=patient, created_at=now, updated_at=now)
    _wish(entry, wishes, actor=actor, now=now)
    # Locked, so that nobody passes the limit by asking many times at once.
    Patient.objects.select_for_update().get(pk=patient.pk)
    if WaitlistEntry.objects.filter(patient=patient, state__in=STILL_OPEN).count() >= MAX_OPEN_ENTRIES:
        raise TooManyEntries
    entry.save()
    return entry


@in_one_transaction
def join_with_new_member(
    *, actor: UserActor, clinic: Clinic, name: str, wishes: Wishes, now: datetime
) -> WaitlistEntry:
    """Wait for a person who joins the account's family with it. A refused wish leaves no member behind.

    Raises as `add_family_member` and `join_waitlist`.
    """
    member = add_family_member(user=actor.user, name=name, now=now)
    return join_waitlist(actor=actor, clinic=clinic, patient_id=member.patient_id, wishes=wishes, now=now)


@in_one_transaction
def edit_entry(
    *,
    actor: UserActor,
    entry_id: int,
    changes: dict[str, Any],
    now: datetime,
    expected: Expected = ANY_VERSION,
) -> WaitlistEntry:
    """`changes` are fields of Wishes. An offer that is open stays. Raises as `join_waitlist`, StaleVersion,
    TransitionNotAllowed (the entry is over)."""
    entry = get_entry_for(actor.user, entry_id)
    expected.check(entry.version)
    _check_is_open(entry)
    wishes = {name: getattr(entry, name) for name in Wishes.__dataclass_fields__}
    _wish(entry, Wishes(**(wishes | changes)), actor=actor, now=now, changed=frozenset(changes))
    same = WaitlistEntry.objects.filter(pk=entry.pk, version=entry.version)
    written = {name: getattr(entry, name) for name in Wishes.__dataclass_fields__}
    if not same.update(**written, version=F("version") + 1, updated_at=now):
        raise StaleVersion  # Another writer got there first.
    return entry


@in_one_transaction
def leave_waitlist(*, actor: UserActor, entry_id: int, now: datetime, expected: Expected = ANY_VERSION) -> None:
    """The entry is withdrawn; what it was offered goes to the next. Raises NotFound, StaleVersion,
    TransitionNotAllowed."""
    entry = get_entry_for(actor.user, entry_id)
    expected.check(entry.version)
    _check_is_open(entry)
    offer = open_offer_of(entry)
    if offer is not None:
        withdraw_offer(offer, now=now)
        return
    waiting = WaitlistEntry.objects.filter(pk=entry.pk, state=EntryState.WAITING, version=entry.version)
    if not waiting.update(state=EntryState.WITHDRAWN, version=F("version") + 1, updated_at=now):
        raise StaleVersion  # It was just offered a time.


def lapse_entries(*, now: datetime) -> int:
    """Entries whose last date has passed, in the zone of each clinic, wait no more. Returns how many. One query where
    no last date passes today. Raises PartlyFailed."""
    passing = WaitlistEntry.objects.filter(state=EntryState.WAITING, last_date__lt=(now + FURTHEST_EAST).date())
    earliest = dict(passing.order_by().values_list("clinic_id").annotate(Min("last_date")))
    clinics = Clinic.objects.filter(pk__in=earliest) if earliest else []
    return sum_isolated(clinics, lambda clinic: _lapse_entries_of(clinic, earliest[clinic.pk], now=now))


@in_one_statement
def _lapse_entries_of(clinic: Clinic, earliest: date, *, now: datetime) -> int:
    today = local_date_of(now, zone_of(clinic.timezone))
    if earliest >= today:
        return 0
    past = WaitlistEntry.objects.filter(clinic=clinic, state=EntryState.WAITING, last_date__lt=today)
    return past.update(state=EntryState.LAPSED, version=F("version") + 1, updated_at=now)


def _check_is_open(entry: WaitlistEntry) -> None:
    if entry.state not in STILL_OPEN:
        raise TransitionNotAllowed(f"This entry is {entry.state}.")


def _wish(
    entry: WaitlistEntry,
    wishes: Wishes,
    *,
    actor: Booker,
    now: datetime,
    changed: frozenset[str] = frozenset(Wishes.__dataclass_fields__),
) -> None:
    _check_dates(entry.clinic, wishes, now=now, changed=changed)
    if wishes.priority != entry.priority and actor.is_patient:
        raise PermissionDenied("Who is asked first is the clinic's to say.")
    practitioner, service = _whom_and_what(entry.clinic, wishes)
    _check_may_ask_for(actor, practitioner)
    entry.practitioner, entry.service = practitioner, service
    entry.first_date, entry.last_date = wishes.first_date, wishes.last_date
    entry.part_of_day, entry.priority, entry.auto_accept = wishes.part_of_day, wishes.priority, wishes.auto_accept


def _check_dates(clinic: Clinic, wishes: Wishes, *, now: datetime, changed: frozenset[str]) -> None:
    if wishes.last_date < wishes.first_date:
        raise InvalidRequest("The range ends before it begins.", attr="last_date")
    if "last_date" in changed:
        today = local_date_of(now, zone_of(clinic.timezone))
        if wishes.last_date < today:
            raise InvalidRequest("This is past.", attr="last_date")
        if wishes.last_date - today > MAX_WAIT:
            raise InvalidRequest("Nobody waits for more than a year.", attr="last_date")


def _whom_and_what(clinic: Clinic, wishes: Wishes) -> tuple[Practitioner | None, Service | None]:
    practitioner = None if wishes.practitioner_id is None else get_practitioner(clinic, wishes.practitioner_id)
    if wishes.service_id is None:
        return practitioner, None
    if practitioner is None:
        return None, get_service(clinic, wishes.service_id)
    return practitioner, service_of(clinic, practitioner, wishes.service_id)


def _check_may_ask_for(actor: Booker, practitioner: Practitioner | None) -> None:
    if practitioner is not None:
        check_may_book_for(actor, practitioner)
    elif practitioner_id_of(user_of(actor)) is not None:
        raise InvalidRequest("A practitioner keeps their own list: name yourself.", attr="practitioner")
