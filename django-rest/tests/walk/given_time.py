"""Freed time goes to whoever waits and can come: what was offered can be taken, and who could be offered it was."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from clinic.appointments.lifecycle import Status
from clinic.appointments.models import Channel, Source
from clinic.common.instants import local_date_of, zone_of
from clinic.scheduling.models import Clinic, Practitioner, Service
from clinic.scheduling.queries import hours_of, offers
from clinic.scheduling.slots import Interval, is_within_hours
from clinic.waitlist.matching import Freed, PartOfDay, part_of_day
from clinic.waitlist.models import EntryState, OfferState, WaitlistEntry, WaitlistOffer
from clinic.waitlist.services.answers import accept_offer
from clinic.waitlist.services.offering import FreedTime, offer_time
from django.db import transaction

from .state import ACTIVE, Row, State, changed, rows_of

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
        if was["status"] in ACTIVE and _gave_up(was, after.appointments.get(row_id)):
            yield GivenBack.of(was, was["patient_id"])
    for offer_id, offer in before.offers.items():
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
    for offer_id in after.offers.keys() - before.offers.keys():
        offer = after.offers[offer_id]
        _check_suits(walk, after.entries[offer["entry_id"]], offer, sources)
        _check_is_asked_once(after, offer)
        _check_can_be_taken(walk, offer)
        walk.done["offered"] += 1
    for entry_id, entry in after.entries.items():
        at_once = entry["state"] == EntryState.BOOKED and before.entries[entry_id]["state"] == EntryState.WAITING
        if at_once:
            assert entry["auto_accept"]
            _check_suits(walk, entry, after.appointments[entry["appointment_id"]], sources)
            walk.done["booked at once"] += 1


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
    """Taken, and then not."""
    with transaction.atomic():
        accept_offer(token=offer["token"], viewer=None, now=walk.now)
        taken = WaitlistOffer.objects.get(pk=offer["id"]).appointment
        assert taken is not None
        assert taken.source == Source.WAITLIST
        transaction.set_rollback(True)


def check_nobody_was_forgotten(walk: "Walk", before: State) -> None:
    """Whoever could come was asked: asked about again, the same time finds nobody. But those who gave back something of
    their own: the worker ends many things at once, and they could not come until theirs had ended."""
    clinic, sources = walk.clinic(), list(given_back(before, walk.state))
    gave_back = {source.patient_id for source in sources}
    for source in sources:
        freed = Freed(source.blocked, source.start, local_date_of(source.start, zone_of(clinic.timezone)))
        with transaction.atomic():
            offer_time(
                FreedTime(clinic, source.practitioner_id, freed, given_back_by=source.patient_id),
                channel=Channel.API,
                now=walk.now,
            )
            found = changed(walk.state.entries, rows_of(WaitlistEntry))
            transaction.set_rollback(True)
        forgotten = {entry_id for entry_id in found if walk.state.entries[entry_id]["patient_id"] not in gave_back}
        assert not forgotten, f"waitlist entries {forgotten} could come and were not asked"
