"""Which place and practitioner a claim gets, or why none. Petra (1) and Quentin (2) work from eight to six; Paula (7)
asks for nine o'clock."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from clinic.appointments.slot_assignment import (
    ClaimFacts,
    OwnTime,
    PatientVisit,
    SlotAssignment,
    SlotRequest,
    StartRules,
    TakenTime,
    assign_each,
    assign_slot,
    booked_treatment,
    place_at,
)
from clinic.appointments.workload import Workload
from clinic.common.errors import (
    ChairsideError,
    HoldExpired,
    InThePast,
    OffGrid,
    OutsideWorkingHours,
    OwnAppointment,
    SlotTaken,
    TooFarAhead,
    TooSoon,
)
from clinic.scheduling.slots import Policy, Treatment
from clinic.scheduling.working_hours import Block, DayException, Hours, Interval

ZONE = ZoneInfo("Europe/Berlin")
DAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PETRA, QUENTIN, PAULA = 1, 2, 7
HALF_AN_HOUR = Treatment(30)


def at(hour: int, minute: int = 0) -> datetime:
    return datetime.combine(DAY, time(hour, minute), ZONE).astimezone(UTC)


def between(start: datetime, end: datetime) -> Interval:
    return Interval(start, end)


RULES = StartRules(Policy(ZONE, slot_minutes=30, horizon_days=90, notice=timedelta(hours=1)), "slot", NOW)
WORKDAY = Hours([Block(DAY.weekday(), time(8), time(18))], [])
DAY_OFF = Hours(WORKDAY.blocks, [DayException(DAY, DAY, QUENTIN, closed=True)])
FREE = ClaimFacts({PETRA: WORKDAY, QUENTIN: WORKDAY})
WITH_PETRA = SlotRequest(
    place_at(at(9), HALF_AN_HOUR, ZONE), [PETRA], NOW, rules=RULES, own_time=OwnTime.REFUSED, patient_id=PAULA
)
WITH_ANYBODY = replace(WITH_PETRA, practitioner_ids=[PETRA, QUENTIN], is_named=False)
WORKLOADS = [Workload(PETRA, timedelta(hours=2)), Workload(QUENTIN, timedelta(hours=1))]
SOMEBODYS_VISIT = TakenTime(PETRA, between(at(9), at(9, 30)), visit_id=11)


def starting(start: datetime, treatment: Treatment = HALF_AN_HOUR) -> SlotRequest:
    return replace(WITH_PETRA, place=place_at(start, treatment, ZONE))


def hold(hold_id: int = 5, *, minutes: int = 10, **more: Any) -> TakenTime:
    expires_at = NOW + timedelta(minutes=minutes)
    return TakenTime(PETRA, between(at(9), at(9, 30)), hold_id=hold_id, expires_at=expires_at, **more)


def test_place_has_buffers_and_the_date_of_the_clinics_zone() -> None:
    place = place_at(datetime(2026, 11, 23, 23, 30, tzinfo=UTC), Treatment(30, 5, 10), ZONE)
    assert (place.local_date, place.utc_offset_minutes) == (DAY, 60)
    assert place.blocked == between(place.starts_at - timedelta(minutes=5), place.ends_at + timedelta(minutes=10))
    assert booked_treatment(place) == Treatment(30, 5, 10)


def test_named_practitioner_who_works_and_is_free_is_assigned() -> None:
    assert assign_slot(WITH_PETRA, FREE) == SlotAssignment(PETRA, WITH_PETRA.place)


@pytest.mark.parametrize(
    ("start", "refusal"),
    [
        (NOW - timedelta(minutes=30), InThePast),
        (NOW + timedelta(minutes=30), TooSoon),
        (at(9) + timedelta(days=200), TooFarAhead),
        (at(9, 10), OffGrid),
        (at(20), OutsideWorkingHours),
    ],
)
def test_start_against_the_rules_is_refused(start: datetime, refusal: type[ChairsideError]) -> None:
    with pytest.raises(refusal):
        assign_slot(starting(start), FREE)


def test_rules_come_before_taken_time() -> None:
    taken = TakenTime(PETRA, between(at(20), at(21)), visit_id=11)
    with pytest.raises(OutsideWorkingHours):
        assign_slot(starting(at(20)), replace(FREE, taken=[taken]))


def test_former_place_needs_free_time_alone() -> None:
    again = replace(starting(at(20)), rules=None)
    assert assign_slot(again, ClaimFacts({})).practitioner_id == PETRA


def test_taken_time_is_refused_with_its_buffers() -> None:
    facts = replace(FREE, taken=[SOMEBODYS_VISIT])
    assert assign_slot(starting(at(9, 30)), facts)
    for start, treatment in ((at(9), HALF_AN_HOUR), (at(9, 30), Treatment(30, 5, 0)), (at(8, 30), Treatment(30, 0, 5))):
        with pytest.raises(SlotTaken):
            assign_slot(starting(start, treatment), facts)


def test_visit_that_moves_is_not_in_its_own_way() -> None:
    facts = replace(FREE, taken=[SOMEBODYS_VISIT], visits=[PatientVisit(11, PAULA, between(at(9), at(9, 30)))])
    assert assign_slot(replace(WITH_PETRA, except_visit_ids=[11]), facts)


class TestHoldsInTheWay:
    def test_live_hold_is_refused_to_everybody(self) -> None:
        for request in (WITH_PETRA, replace(WITH_PETRA, takes_undo_holds=True)):
            with pytest.raises(SlotTaken):
                assign_slot(request, replace(FREE, taken=[hold()]))

    def test_expired_hold_ends_for_the_claim(self) -> None:
        expired = hold(minutes=0)
        assert assign_slot(WITH_PETRA, replace(FREE, taken=[expired])).released_hold_ids == (5,)

    def test_hold_for_an_undo_ends_for_the_clinic_alone(self) -> None:
        facts = replace(FREE, taken=[hold(kept_for_undo=True)])
        assert assign_slot(replace(WITH_PETRA, takes_undo_holds=True), facts).released_hold_ids == (5,)
        with pytest.raises(SlotTaken):
            assign_slot(WITH_PETRA, facts)

    def test_booked_hold_is_not_in_the_way(self) -> None:
        booked = replace(WITH_PETRA, hold_id=5)
        assert assign_slot(booked, replace(FREE, taken=[hold()])).released_hold_ids == ()

    def test_booked_hold_that_is_gone_has_expired(self) -> None:
        for taken in ([], [SOMEBODYS_VISIT]):
            with pytest.raises(HoldExpired):
                assign_slot(replace(WITH_PETRA, hold_id=5), replace(FREE, taken=taken))


class TestTimeOfThePatient:
    elsewhere = PatientVisit(12, PAULA, between(at(9, 15), at(9, 45)))

    def test_other_visit_is_refused_with_its_id(self) -> None:
        with pytest.raises(OwnAppointment) as refused:
            assign_slot(WITH_PETRA, replace(FREE, visits=[self.elsewhere]))
        assert refused.value.visit_ids == (12,)

    def test_visit_of_another_patient_or_time_is_not_in_the_way(self) -> None:
        visits = [
            replace(self.elsewhere, patient_id=8),
            replace(self.elsewhere, interval=between(at(9, 30), at(10))),
        ]
        assert not assign_slot(WITH_PETRA, replace(FREE, visits=visits)).overlaps

    def test_overlap_is_marked_where_it_is_allowed(self) -> None:
        facts = replace(FREE, visits=[self.elsewhere])
        assert assign_slot(replace(WITH_PETRA, own_time=OwnTime.ALLOWED), facts).overlaps

    def test_former_place_is_free_beside_a_visit_that_may_overlap(self) -> None:
        again = replace(WITH_PETRA, own_time=OwnTime.BESIDE_ALLOWED)
        assert assign_slot(again, replace(FREE, visits=[replace(self.elsewhere, may_overlap=True)]))
        with pytest.raises(OwnAppointment):
            assign_slot(again, replace(FREE, visits=[self.elsewhere]))

    def test_taken_time_comes_first_for_a_named_practitioner_and_last_for_anybody(self) -> None:
        facts = replace(
            FREE,
            taken=[SOMEBODYS_VISIT, replace(SOMEBODYS_VISIT, practitioner_id=QUENTIN)],
            visits=[self.elsewhere],
            workloads=WORKLOADS,
        )
        with pytest.raises(SlotTaken):
            assign_slot(WITH_PETRA, facts)
        with pytest.raises(OwnAppointment):
            assign_slot(WITH_ANYBODY, facts)

    def test_second_click_chooses_nobody_else(self) -> None:
        with pytest.raises(OwnAppointment):
            assign_slot(WITH_ANYBODY, replace(FREE, workloads=WORKLOADS, is_repeated=True))


class TestAnyPractitioner:
    facts = replace(FREE, workloads=WORKLOADS)

    def test_least_booked_is_chosen(self) -> None:
        assert assign_slot(WITH_ANYBODY, self.facts).practitioner_id == QUENTIN

    def test_practitioner_who_is_taken_or_off_is_passed_over(self) -> None:
        busy = replace(SOMEBODYS_VISIT, practitioner_id=QUENTIN)
        for facts in (
            replace(self.facts, taken=[busy]),
            replace(self.facts, hours={PETRA: WORKDAY, QUENTIN: DAY_OFF}),
        ):
            assert assign_slot(WITH_ANYBODY, facts).practitioner_id == PETRA

    def test_refusal_says_whether_all_are_off_or_all_are_taken(self) -> None:
        off = replace(self.facts, hours={PETRA: Hours([], []), QUENTIN: DAY_OFF})
        with pytest.raises(OutsideWorkingHours):
            assign_slot(WITH_ANYBODY, off)
        busy = [SOMEBODYS_VISIT, replace(SOMEBODYS_VISIT, practitioner_id=QUENTIN)]
        with pytest.raises(SlotTaken):
            assign_slot(WITH_ANYBODY, replace(self.facts, taken=busy))

    def test_time_kept_for_an_undo_is_taken_only_where_nobody_is_free(self) -> None:
        desk = replace(WITH_ANYBODY, takes_undo_holds=True)
        kept = replace(hold(kept_for_undo=True), practitioner_id=QUENTIN)
        assert assign_slot(desk, replace(self.facts, taken=[kept])).practitioner_id == PETRA
        assignment = assign_slot(desk, replace(self.facts, taken=[kept, SOMEBODYS_VISIT]))
        assert (assignment.practitioner_id, assignment.released_hold_ids) == (QUENTIN, (5,))

    def test_next_one_is_chosen_without_the_first(self) -> None:
        assert assign_slot(WITH_ANYBODY.without(QUENTIN), self.facts).practitioner_id == PETRA


def test_each_date_of_a_step_counts_as_taken_for_the_next() -> None:
    nine, quarter_past, ten = starting(at(9)), starting(at(9, 15)), starting(at(10))
    on_the_grid = [replace(one, rules=None) for one in (nine, quarter_past, ten)]
    first, second, third = assign_each(on_the_grid, FREE)
    assert isinstance(first, SlotAssignment)
    assert isinstance(second, SlotTaken)
    assert isinstance(third, SlotAssignment)


def test_patient_is_at_one_date_of_a_step_at_a_time() -> None:
    with_quentin = replace(WITH_PETRA, practitioner_ids=[QUENTIN])
    _, refused = assign_each([WITH_PETRA, with_quentin], FREE)
    assert isinstance(refused, OwnAppointment)
    _, allowed = assign_each([WITH_PETRA, replace(with_quentin, own_time=OwnTime.ALLOWED)], FREE)
    assert isinstance(allowed, SlotAssignment)
    assert allowed.overlaps
