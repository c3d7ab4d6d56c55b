"""Freed time goes to whoever waits and can come: what was offered can be taken, and who could be offered it was."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from clinic.appointments.lifecycle import UNDO, Status
from clinic.appointments.models import Channel, Source
from clinic.common.instants import local_date_of, zone_of
from clinic.scheduling.models import Clinic, Hold, Practitioner, Service
from clinic.scheduling.queries.hours import hours_of
from clinic.scheduling.queries.practitioners import offers
from clinic.scheduling.working_hours import Interval, is_within_hours
from clinic.waitlist.matching import Freed, PartOfDay, part_of_day
from clinic.waitlist.models import EntryState, OfferState, WaitlistEntry, WaitlistOffer
from clinic.waitlist.services.answers import accept_offer
from clinic.waitlist.services.offering import FreedTime, offer_time
from django.db import transaction

from .state import ACTIVE, Row, State, changed, rows_of

NOBODY = 0

if TYPE_CHECKING:
    from .walk import Walk


@dataclass(frozen=True)
class GivenBack:
    """Time that somebody had before the write and has no more."""

    practitioner_id: int
    patient_id: int
    start: datetime
    blocked: Interval

    @classmethod
    def of(cls, row: Row, patient_id: int) -> "GivenBack":
        return cls(
            row["practitioner_id"], patient_id, row["starts_at"], Interval(row["blocked_from"], row["blocked_until"])
        )


def given_back(before: State, after: State) -> Iterator[GivenBack]:
    for row_id, was in before.appointments.items():
        if after.told.get(row_id, []) != before.told.get(row_id, []) and after.told[row_id][-1]["action"] == UNDO:
            continue  # It was free a moment ago.
        if was["status"] in ACTIVE and _gave_up(was, after.appointments.get(row_id)):
            yield GivenBack.of(was, was["patient_id"])
    for offer_id, offer in before.offers.items():
        if offer_id not in after.offers:
            continue  # Undone: nobody had been told of it.
        ended = after.offers[offer_id]["state"] in (OfferState.DECLINED, OfferState.EXPIRED, OfferState.WITHDRAWN)
        if offer["state"] == OfferState.OPEN and ended:
            yield GivenBack.of(offer, before.entries[offer["entry_id"]]["patient_id"])


def _gave_up(was: Row, now: Row | None) -> bool:
    if now is None or now["status"] in (Status.CANCELLED, Status.REJECTED):
        return True
    return now["status"] in ACTIVE and _time_of(was) != _time_of(now)


def _time_of(row: Row) -> tuple[int, datetime, datetime]:
    return row["practitioner_id"], row["blocked_from"], row["blocked_until"]


def check_given_time(walk: "Walk", before: State) -> None:
    """Each new offer, and each time that was booked at once, is what its entry waits for and can take."""
    after, sources = walk.state, list(given_back(before, walk.state))
    if walk.desks_gap is not None:
        practitioner_id, gap = walk.desks_gap
        sources.append(GivenBack(practitioner_id, NOBODY, gap.start, gap))
    for offer_id in after.offers.keys() - before.offers.keys():
        offer = after.offers[offer_id]
        entry = after.entries[offer["entry_id"]]
        if offer["entry_id"] == walk.desks_entry:
            _check_patient_has_nothing_else(after, entry, offer)
        else:
            _check_suits(walk, entry, offer, sources)
            _check_is_asked_once(after, offer)
        _check_can_be_taken(walk, offer)
        walk.done["offered"] += 1
    accepted = {offer["appointment_id"] for offer in after.offers.values()}
    for appointment_id, entries in _newly_booked(before, after).items():
        if after.appointments[appointment_id]["source"] != Source.WAITLIST:
            walk.done["booked without the waitlist"] += len(entries)
        elif appointment_id in accepted:  # Of another entry: these are met by it as well.
            walk.done["settled by an offer"] += len(entries)
        else:
            given = after.appointments[appointment_id]
            [entry, *_] = [one for one in entries if one["auto_accept"] and one["service_id"] == given["service_id"]]
            if entry["id"] == walk.desks_entry:
                _check_patient_has_nothing_else(after, entry, given)
            else:
                _check_suits(walk, entry, given, sources)
            walk.done["booked at once"] += 1


def _newly_booked(before: State, after: State) -> dict[int, list[Row]]:
    """Entries that waited a moment ago, by their appointment."""
    booked: dict[int, list[Row]] = defaultdict(list)
    for entry_id, entry in after.entries.items():
        if entry["state"] == EntryState.BOOKED and before.entries[entry_id]["state"] == EntryState.WAITING:
            booked[entry["appointment_id"]].append(entry)
    return booked


def _check_suits(walk: "Walk", entry: Row, given: Row, sources: list[GivenBack]) -> None:
    clinic = walk.clinic()
    start, local = given["starts_at"], given["starts_at"].astimezone(zone_of(clinic.timezone))
    practitioner = Practitioner.objects.get(pk=given["practitioner_id"])
    assert practitioner.active
    assert entry["practitioner_id"] in (None, practitioner.pk)
    assert entry["service_id"] == given["service_id"]
    if entry["service_id"] is not None:
        service = Service.objects.get(pk=entry["service_id"])
        assert service.active
        assert offers(practitioner, service)
    assert entry["first_date"] <= local.date() <= entry["last_date"]
    assert entry["part_of_day"] in (PartOfDay.ANY, part_of_day(local.time()))
    assert start >= walk.now + timedelta(minutes=clinic.notice_minutes)
    assert _is_worked(clinic, given)
    blocked = Interval(given["blocked_from"], given["blocked_until"])
    assert any(
        source.practitioner_id == practitioner.pk
        and source.blocked.overlaps(blocked)
        and source.patient_id != entry["patient_id"]
        for source in sources
    ), "nobody but the patient themselves has given back this time"
    _check_patient_has_nothing_else(walk.state, entry, given)


def _is_worked(clinic: Clinic, given: Row) -> bool:
    zone = zone_of(clinic.timezone)
    day = local_date_of(given["starts_at"], zone)
    hours = hours_of(clinic, [given["practitioner_id"]], day, day)[given["practitioner_id"]]
    treated = Interval(given["starts_at"], given["ends_at"])
    return is_within_hours(treated, zone=zone, blocks=hours.blocks, exceptions=hours.exceptions)


def _check_patient_has_nothing_else(after: State, entry: Row, given: Row) -> None:
    treated = Interval(given["starts_at"], given["ends_at"])
    booked = [
        row
        for row in after.appointments.values()
        if row["patient_id"] == entry["patient_id"] and row["status"] in ACTIVE and row is not given
    ]
    offered = [
        offer
        for offer in after.open_offers()
        if after.entries[offer["entry_id"]]["patient_id"] == entry["patient_id"] and offer is not given
    ]
    for other in booked + offered:
        assert not treated.overlaps(Interval(other["starts_at"], other["ends_at"])), "the patient has something else"


def _check_is_asked_once(after: State, offer: Row) -> None:
    treated = Interval(offer["starts_at"], offer["ends_at"])
    for other in after.offers.values():
        same = (other["entry_id"], other["practitioner_id"]) == (offer["entry_id"], offer["practitioner_id"])
        if same and other is not offer:
            assert not treated.overlaps(Interval(other["starts_at"], other["ends_at"])), "asked twice for one time"


def _check_can_be_taken(walk: "Walk", offer: Row) -> None:
    """Taken, and then not. Unless the same step has booked the patient for another entry, which ends the offer."""
    if offer["state"] != OfferState.OPEN:
        return
    with transaction.atomic():
        accept_offer(token=offer["token"], viewer=None, now=walk.now)
        taken = WaitlistOffer.objects.get(pk=offer["id"]).appointment
        assert taken is not None
        assert taken.source == Source.WAITLIST
        transaction.set_rollback(True)


def check_nobody_was_forgotten(walk: "Walk", before: State) -> None:
    """Every entry that could come was asked: asked again, the time finds none. But those who gave back something of
    their own: the worker ends many things at once, and they could not come until theirs had ended."""
    if walk.desk_takes_back:
        return
    clinic, sources = walk.clinic(), list(given_back(before, walk.state))
    gave_back = {source.patient_id for source in sources}
    for source in sources:
        freed = Freed(source.blocked, source.start, local_date_of(source.start, zone_of(clinic.timezone)))
        with transaction.atomic():
            # That its time is kept in case it is undone is no reason not to be asked.
            Hold.objects.filter(kept_for_undo=True).delete()
            offer_time(
                FreedTime(clinic, source.practitioner_id, freed, given_back_by=source.patient_id),
                channel=Channel.API,
                now=walk.now,
            )
            found = changed(walk.state.entries, rows_of(WaitlistEntry))
            transaction.set_rollback(True)
        forgotten = {entry_id for entry_id in found if walk.state.entries[entry_id]["patient_id"] not in gave_back}
        assert not forgotten, f"waitlist entries {forgotten} could come and were not asked"
