from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from django.db.models import F

from clinic.appointments.actor import Actor
from clinic.appointments.services.placing import check_may_book_for, patient_of, service_of
from clinic.appointments.services.versions import check_version
from clinic.common.errors import InvalidRequest, PermissionDenied, StaleVersion, TooManyEntries, TransitionNotAllowed
from clinic.common.instants import local_date_of, zone_of
from clinic.common.isolation import sum_isolated
from clinic.common.transactions import in_one_statement, in_one_transaction
from clinic.people.identities import practitioner_id_of
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic, Practitioner, Service
from clinic.scheduling.queries import get_practitioner, get_service
from clinic.waitlist.models import EntryState, WaitlistEntry
from clinic.waitlist.queries import STILL_OPEN, get_entry_for, open_offer_of
from clinic.waitlist.services.answers import withdraw_offer

MOST_OPEN_ENTRIES = 10
LONGEST_WAIT = timedelta(days=366)


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
    *, actor: Actor, clinic: Clinic, patient_id: int | None, wishes: Wishes, now: datetime
) -> WaitlistEntry:
    """A patient waits for themselves; the clinic puts anybody on its list, a practitioner on their own.

    Raises NotFound, PermissionDenied, InvalidRequest, TooManyEntries.
    """
    patient = patient_of(actor, patient_id)
    entry = WaitlistEntry(clinic=clinic, patient=patient, created_at=now, updated_at=now)
    _wish(entry, wishes, actor=actor, now=now)
    # Locked, so that nobody passes the limit by asking many times at once.
    Patient.objects.select_for_update().get(pk=patient.pk)
    if WaitlistEntry.objects.filter(patient=patient, state__in=STILL_OPEN).count() >= MOST_OPEN_ENTRIES:
        raise TooManyEntries
    entry.save()
    return entry


@in_one_transaction
def edit_entry(
    *,
    actor: Actor,
    entry_id: int,
    changes: dict[str, Any],
    now: datetime,
    version: int | None = None,
    if_match: bool = False,
) -> WaitlistEntry:
    """`changes` are fields of Wishes. An offer that is open stays. Raises as `join_waitlist`, StaleVersion,
    TransitionNotAllowed (the entry is over)."""
    assert actor.user is not None
    entry = get_entry_for(actor.user, entry_id)
    check_version(entry, version, if_match=if_match)
    _check_is_open(entry)
    wishes = {name: getattr(entry, name) for name in Wishes.__dataclass_fields__}
    _wish(entry, Wishes(**(wishes | changes)), actor=actor, now=now, changed=frozenset(changes))
    same = WaitlistEntry.objects.filter(pk=entry.pk, version=entry.version)
    written = {name: getattr(entry, name) for name in Wishes.__dataclass_fields__}
    if not same.update(**written, version=F("version") + 1, updated_at=now):
        raise StaleVersion  # Another writer got there first.
    return entry


@in_one_transaction
def leave_waitlist(
    *, actor: Actor, entry_id: int, now: datetime, version: int | None = None, if_match: bool = False
) -> None:
    """The entry is withdrawn; what it was offered goes to the next. Raises NotFound, StaleVersion,
    TransitionNotAllowed."""
    assert actor.user is not None
    entry = get_entry_for(actor.user, entry_id)
    check_version(entry, version, if_match=if_match)
    _check_is_open(entry)
    offer = open_offer_of(entry)
    if offer is not None:
        withdraw_offer(offer, now=now)
        return
    waiting = WaitlistEntry.objects.filter(pk=entry.pk, state=EntryState.WAITING, version=entry.version)
    if not waiting.update(state=EntryState.WITHDRAWN, version=F("version") + 1, updated_at=now):
        raise StaleVersion  # It was just offered a time.


def lapse_entries(*, now: datetime) -> int:
    """Entries whose last date has passed, in the zone of each clinic, wait no more. Returns how many. Raises
    PartlyFailed."""
    return sum_isolated(Clinic.objects.all(), partial(_lapse_entries_of, now=now))


@in_one_statement
def _lapse_entries_of(clinic: Clinic, *, now: datetime) -> int:
    today = local_date_of(now, zone_of(clinic.timezone))
    past = WaitlistEntry.objects.filter(clinic=clinic, state=EntryState.WAITING, last_date__lt=today)
    return past.update(state=EntryState.LAPSED, version=F("version") + 1, updated_at=now)


def _check_is_open(entry: WaitlistEntry) -> None:
    if entry.state not in STILL_OPEN:
        raise TransitionNotAllowed(f"This entry is {entry.state}.")


def _wish(
    entry: WaitlistEntry,
    wishes: Wishes,
    *,
    actor: Actor,
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
        if wishes.last_date - today > LONGEST_WAIT:
            raise InvalidRequest("Nobody waits for more than a year.", attr="last_date")


def _whom_and_what(clinic: Clinic, wishes: Wishes) -> tuple[Practitioner | None, Service | None]:
    practitioner = None if wishes.practitioner_id is None else get_practitioner(clinic, wishes.practitioner_id)
    if wishes.service_id is None:
        return practitioner, None
    if practitioner is None:
        return None, get_service(clinic, wishes.service_id)
    return practitioner, service_of(clinic, practitioner, wishes.service_id)


def _check_may_ask_for(actor: Actor, practitioner: Practitioner | None) -> None:
    assert actor.user is not None
    if practitioner is not None:
        check_may_book_for(actor, practitioner)
    elif practitioner_id_of(actor.user) is not None:
        raise InvalidRequest("A practitioner keeps their own list: name yourself.", attr="practitioner")
