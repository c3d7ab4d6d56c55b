"""What holds at every moment, whatever was written before."""

from collections import Counter
from datetime import date, timedelta
from itertools import pairwise

from clinic.appointments.statistics import Period, StatisticsFilter, statistics_for, total_of
from clinic.common.instants import local_date_of, zone_of
from clinic.scheduling.models import Practitioner
from clinic.scheduling.queries import open_slots_of
from clinic.waitlist.models import EntryState, OfferState

from .walk import CELL, Walk


def check_every_moment(walk: Walk) -> None:
    nothing_overlaps_and_the_cells_say_what_is_claimed(walk)
    the_history_tells_every_status(walk)
    what_was_deleted_can_still_be_told(walk)
    every_date_is_the_clinics(walk)
    an_offer_is_time_that_is_held(walk)
    nobody_holds_two_offers_for_one_entry(walk)
    who_is_booked_has_been_given_an_appointment(walk)
    every_row_belongs_to_somebody_who_is_there(walk)


def nothing_overlaps_and_the_cells_say_what_is_claimed(walk: Walk) -> None:
    claims = walk.state.claims()
    for one, other in pairwise(claims):
        assert one.practitioner_id != other.practitioner_id or one.end <= other.start, f"{one} and {other} overlap"
    cells = {
        (claim.practitioner_id, claim.start + number * CELL, claim.appointment_id, claim.hold_id)
        for claim in claims
        for number in range((claim.end - claim.start) // CELL)
    }
    kept = {cell for cell in cells if cell[1] >= walk.cells_pruned_before}
    assert kept <= walk.state.cells <= cells


def the_history_tells_every_status(walk: Walk) -> None:
    """Replayed from its first line, it leads to the row."""
    for row_id, row in walk.state.appointments.items():
        if row_id in walk.around:
            continue
        lines = walk.state.told[row_id]
        assert lines[0]["action"] == "create"
        assert lines[-1]["to_status"] == row["status"]
        assert lines[-1]["to_starts_at"] == row["starts_at"]
        assert lines[-1]["snapshot"]["patient_id"] == row["patient_id"]
        assert lines[-1]["snapshot"]["practitioner_id"] == row["practitioner_id"]
        assert len(lines) == row["version"]
        for earlier, later in pairwise(lines):
            assert later["from_status"] == earlier["to_status"]
            assert later["from_starts_at"] == earlier["to_starts_at"]


def what_was_deleted_can_still_be_told(walk: Walk) -> None:
    for row_id, lines in walk.state.told.items():
        if row_id not in walk.state.appointments and row_id not in walk.around:
            assert lines[-1]["action"] == "delete"
            assert lines[-1]["snapshot"]["id"] == row_id


def every_date_is_the_clinics(walk: Walk) -> None:
    zone = zone_of(walk.clinic().timezone)
    for row in walk.state.appointments.values():
        assert row["local_date"] == local_date_of(row["starts_at"], zone)


def an_offer_is_time_that_is_held(walk: Walk) -> None:
    for offer in walk.state.open_offers():
        assert offer["expires_at"] <= offer["starts_at"]
        if offer["expires_at"] <= walk.now or offer["hold_id"] in walk.lost_holds:
            continue
        hold = walk.state.holds[offer["hold_id"]]
        for name in ("practitioner_id", "starts_at", "ends_at", "blocked_from", "blocked_until", "expires_at"):
            assert hold[name] == offer[name]
    for offer in walk.state.offers.values():
        if offer["state"] != OfferState.OPEN:
            assert offer["hold_id"] not in walk.state.holds


def nobody_holds_two_offers_for_one_entry(walk: Walk) -> None:
    offered = Counter(offer["entry_id"] for offer in walk.state.open_offers())
    assert set(offered.values()) <= {1}
    assert set(offered) == {
        entry_id for entry_id, entry in walk.state.entries.items() if entry["state"] == EntryState.OFFERED
    }


def who_is_booked_has_been_given_an_appointment(walk: Walk) -> None:
    for entry in walk.state.entries.values():
        assert (entry["appointment_id"] is not None) is (entry["state"] == EntryState.BOOKED)
    for offer in walk.state.offers.values():
        assert (offer["appointment_id"] is not None) is (offer["state"] == OfferState.ACCEPTED)
    booked = Counter(entry["appointment_id"] for entry in walk.state.entries.values() if entry["appointment_id"])
    assert set(booked.values()) <= {1}


def every_row_belongs_to_somebody_who_is_there(walk: Walk) -> None:
    for rows in (walk.state.appointments, walk.state.entries, walk.state.series):
        assert {row["patient_id"] for row in rows.values()} <= walk.state.patients.keys()


def the_statistics_are_the_sum_of_the_rows(walk: Walk) -> None:
    rows = Counter(row["status"] for row in walk.state.appointments.values())
    olga = walk.user("olga")
    periods: tuple[Period, ...] = ("day", "month")
    for period in periods:
        wanted = StatisticsFilter(group_by=period, limit=10_000)
        total = total_of(statistics_for(olga, wanted, today=date.max))
        assert {status: count for status, count in total.by_status.items() if count} == dict(rows)
        by_practitioner = [
            total_of(statistics_for(olga, wanted, today=date.max, practitioner_id=practitioner_id)).total
            for practitioner_id in walk.state.practitioners
        ]
        assert sum(by_practitioner) == total.total == len(walk.state.appointments)


def what_is_open_is_free(walk: Walk) -> None:
    clinic, everybody = walk.clinic(), list(Practitioner.objects.filter(clinic=walk.world.clinic))
    today = local_date_of(walk.now, zone_of(clinic.timezone))
    slots = open_slots_of(
        clinic, everybody, service=None, first_date=today, last_date=today + timedelta(days=6), now=walk.now
    )
    for claim in walk.state.claims():
        if claim.hold_id is not None and walk.state.holds[claim.hold_id]["expires_at"] <= walk.now:
            continue
        overlapping = [
            slot for slot in slots[claim.practitioner_id] if slot.start < claim.end and claim.start < slot.end
        ]
        assert not overlapping
