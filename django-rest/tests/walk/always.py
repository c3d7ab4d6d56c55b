"""Rules that hold at every moment, whatever was written before."""

from collections import Counter
from datetime import date, timedelta
from itertools import combinations, pairwise

from clinic.appointments.lifecycle import Status
from clinic.appointments.statistics import Period, StatisticsFilter, statistics_for, total_of
from clinic.common.instants import local_date_of, zone_of
from clinic.messaging.catalogue import is_true_of
from clinic.outbox.models import ABOUT_VISIT, Message, MessageState
from clinic.scheduling.models import Practitioner
from clinic.scheduling.queries.open_times import open_slots_of
from clinic.waitlist.models import EntryState, OfferState

from .walk import CELL, Walk


def check_every_moment(walk: Walk) -> None:
    nothing_overlaps_and_the_cells_say_what_is_claimed(walk)
    of_two_visits_at_once_one_may_overlap(walk)
    the_history_tells_every_status(walk)
    what_was_deleted_can_still_be_told(walk)
    every_date_is_the_clinics(walk)
    an_offer_is_time_that_is_held(walk)
    nobody_holds_two_offers_for_one_entry(walk)
    who_is_booked_has_been_given_an_appointment(walk)
    every_row_belongs_to_somebody_who_is_there(walk)
    an_account_books_for_each_once_and_not_for_itself_as_family(walk)
    waiting_messages_are_true(walk)


def nothing_overlaps_and_the_cells_say_what_is_claimed(walk: Walk) -> None:
    claims = walk.state.claims()
    for one, other in pairwise(claims):
        is_same = (one.kind, one.owner_id) == (other.kind, other.owner_id)
        assert not is_same or one.end <= other.start, f"{one} and {other} overlap"
    cells = {
        (claim.kind, claim.owner_id, claim.start + number * CELL, claim.appointment_id, claim.hold_id)
        for claim in claims
        for number in range((claim.end - claim.start) // CELL)
    }
    kept = {cell for cell in cells if cell[2] >= walk.cells_pruned_before}
    assert kept <= walk.state.cells <= cells


def of_two_visits_at_once_one_may_overlap(walk: Walk) -> None:
    """I1, by the visits themselves."""
    visits = walk.state.active_appointments()
    for one, other in combinations(visits, 2):
        is_same = one["patient_id"] == other["patient_id"] and one["starts_at"] < other["ends_at"]
        if is_same and other["starts_at"] < one["ends_at"]:
            assert one["allow_overlap"] or other["allow_overlap"], f"{one['id']} and {other['id']} overlap"


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
    """The clinic's deletion keeps the row, for its patient."""
    assert walk.state.told.keys() - walk.state.appointments.keys() <= walk.around
    for row_id, row in walk.state.appointments.items():
        if row_id not in walk.around:
            assert (walk.state.told[row_id][-1]["action"] in ("delete", "link")) or row["deleted_at"] is None


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
    booked = {entry["appointment_id"]: entry["patient_id"] for entry in walk.state.entries.values()}
    for row_id in booked.keys() & walk.state.appointments.keys() - walk.around:
        assert walk.state.appointments[row_id]["patient_id"] == booked[row_id]


def every_row_belongs_to_somebody_who_is_there(walk: Walk) -> None:
    for rows in (walk.state.appointments, walk.state.entries, walk.state.series):
        assert {row["patient_id"] for row in rows.values()} <= walk.state.patients.keys()


def an_account_books_for_each_once_and_not_for_itself_as_family(walk: Walk) -> None:
    links = [(link["user_id"], link["patient_id"]) for link in walk.state.family.values()]
    assert len(set(links)) == len(links)
    for user_id, patient_id in links:
        assert walk.state.patients[patient_id]["user_id"] != user_id


def the_statistics_are_the_sum_of_the_rows(walk: Walk) -> None:
    rows = Counter(row["status"] for row in walk.state.appointments.values() if row["deleted_at"] is None)
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
        assert sum(by_practitioner) == total.total == rows.total()


def what_is_open_is_free(walk: Walk) -> None:
    clinic, everybody = walk.clinic(), list(Practitioner.objects.filter(clinic=walk.world.clinic))
    today = local_date_of(walk.now, zone_of(clinic.timezone))
    slots = open_slots_of(
        clinic, everybody, service=None, first_date=today, last_date=today + timedelta(days=6), now=walk.now
    )
    for claim in walk.state.claims():
        if claim.kind != "practitioner":
            continue
        if claim.hold_id is not None and walk.state.holds[claim.hold_id]["expires_at"] <= walk.now:
            continue
        overlapping = [slot for slot in slots[claim.owner_id] if slot.start < claim.end and claim.start < slot.end]
        assert not overlapping


def waiting_messages_are_true(walk: Walk) -> None:
    """Of each appointment that was changed by services alone, and none tells of a version to come."""
    waiting = Message.objects.filter(state=MessageState.QUEUED, kind__in=ABOUT_VISIT, visits=None)
    for message in waiting.exclude(appointment_id__in=walk.around):
        row = walk.state.appointments.get(message.appointment_id or 0)
        status, version = (None, None) if row is None else (Status(row["status"]), row["version"])
        assert is_true_of(message.cause, status), f"{message.template} waits for a {status} appointment"
        assert version is None or (message.appointment_version or 0) <= version
