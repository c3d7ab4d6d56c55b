"""The plan of the demo clinic, at several moments of a week."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from clinic.appointments.lifecycle import ACTIVE_STATUSES, Action, Facts, Party, Status, check_attendance, decide
from clinic.demo.plan import build_plan
from clinic.demo.planned import CANCELLATION_NOTICE, NO_SHOW_AFTER, Plan, PlannedAppointment
from clinic.scheduling.slots import blocked_interval
from clinic.scheduling.working_hours import Interval

ZONE = ZoneInfo("Europe/London")
MOMENTS = {
    "a Friday morning": datetime(2026, 11, 20, 10, 7, tzinfo=UTC),
    "a Friday night": datetime(2026, 11, 20, 23, 30, tzinfo=UTC),
    "a Friday evening": datetime(2026, 11, 20, 20, 40, tzinfo=UTC),
    "before dawn": datetime(2026, 11, 20, 3, 0, tzinfo=UTC),
    "a Sunday afternoon": datetime(2026, 11, 22, 14, 0, tzinfo=UTC),
    "just after the clocks changed": datetime(2026, 3, 29, 12, 0, tzinfo=UTC),
}


@pytest.fixture(params=list(MOMENTS.values()), ids=list(MOMENTS), scope="module")
def now(request: pytest.FixtureRequest) -> datetime:
    moment: datetime = request.param
    return moment


@pytest.fixture(scope="module")
def plan(now: datetime) -> Plan:
    return build_plan(seed=1, now=now, zone=ZONE)


def test_the_clinic_has_its_size(plan: Plan) -> None:
    assert (len(plan.practitioners), len(plan.services), len(plan.patients)) == (10, 8, 120)
    assert len(plan.appointments) == 600
    assert len({practitioner.specialisation for practitioner in plan.practitioners}) == 10
    assert len({practitioner.schedule for practitioner in plan.practitioners}) == 3


def test_seven_in_ten_are_past(plan: Plan, now: datetime) -> None:
    past = sum(appointment.starts_at <= now for appointment in plan.appointments)
    assert 415 <= past <= 440
    assert all(abs(appointment.starts_at - now) < timedelta(days=184) for appointment in plan.appointments)
    assert all(appointment.starts_at - now < timedelta(days=31) for appointment in plan.appointments)


def test_today_is_busy(plan: Plan, now: datetime) -> None:
    today = now.astimezone(ZONE).date()
    assert sum(one.starts_at.astimezone(ZONE).date() == today for one in plan.appointments) >= 12


def test_the_board_of_today_is_lively(plan: Plan, now: datetime) -> None:
    today = now.astimezone(ZONE).date()
    of_today = [one for one in plan.appointments if one.starts_at.astimezone(ZONE).date() == today]
    requests = sum(one.status is Status.PENDING for one in plan.appointments)
    assert 6 <= requests <= 30
    if now.hour < 23:
        assert sum(one.status is Status.PENDING for one in of_today) >= 1
        assert sum(one.starts_at > now and one.status is Status.CONFIRMED for one in of_today) >= 3
    if 8 <= now.hour < 23:
        assert sum(one.status is Status.CHECKED_IN for one in of_today) >= 2


def test_every_person_has_work_and_every_status_occurs(plan: Plan, now: datetime) -> None:
    by_practitioner = Counter(appointment.practitioner for appointment in plan.appointments)
    assert min(by_practitioner[place] for place in range(10)) >= 20
    by_status = Counter(appointment.status for appointment in plan.appointments)
    assert by_status.keys() >= set(Status) - {Status.CHECKED_IN}
    assert by_status[Status.COMPLETED] > 250
    if 8 <= now.hour <= 16:
        assert by_status[Status.CHECKED_IN] > 0


def test_person_is_never_in_two_places(plan: Plan) -> None:
    rooms: dict[int, list[Interval]] = {}
    visits: dict[int, list[Interval]] = {}
    for one in plan.appointments:
        treatment = plan.services[one.service].treatment
        rooms.setdefault(one.practitioner, []).append(blocked_interval(one.starts_at, treatment))
        end = one.starts_at + timedelta(minutes=treatment.minutes)
        visits.setdefault(one.patient, []).append(Interval(one.starts_at, end))
    for intervals in [*rooms.values(), *visits.values()]:
        in_order = sorted(intervals, key=lambda interval: interval.start)
        assert not any(one.overlaps(other) for one, other in pairwise(in_order))


def test_the_lifecycle_accepts_every_step(plan: Plan, now: datetime) -> None:
    for appointment in plan.appointments:
        assert appointment.booked_at < min(appointment.starts_at, now)
        assert live_through(appointment, now) == appointment.status


def live_through(appointment: PlannedAppointment, now: datetime) -> Status:
    status = Status.CONFIRMED if appointment.booked_by is Party.STAFF else Status.PENDING
    at = appointment.booked_at
    local_date = appointment.starts_at.astimezone(ZONE).date()
    for step in appointment.steps:
        assert at <= step.at <= now
        at = step.at
        facts = Facts(status, appointment.starts_at, local_date)
        if (step.action, step.party) == (Action.CONFIRM, Party.PATIENT):
            check_attendance(facts, now=at)
            continue
        status = decide(
            step.action,
            facts,
            party=step.party,
            now=at,
            today=at.astimezone(ZONE).date(),
            cancellation_notice=CANCELLATION_NOTICE,
            no_show_after=NO_SHOW_AFTER,
        )
    return status


def test_nothing_past_is_left_undecided(plan: Plan, now: datetime) -> None:
    left = [one for one in plan.appointments if one.starts_at < now - timedelta(hours=3)]
    assert not [one for one in left if one.status in ACTIVE_STATUSES]


def test_guests_have_no_account_and_make_no_requests(plan: Plan) -> None:
    assert sum(not patient.has_account for patient in plan.patients) == 18
    for appointment in plan.appointments:
        if not plan.patients[appointment.patient].has_account:
            assert appointment.booked_by is Party.STAFF
            assert all(step.party is not Party.PATIENT for step in appointment.steps)


def test_addresses_are_unique_and_some_families_share_a_phone(plan: Plan) -> None:
    emails = [patient.email for patient in plan.patients] + [who.email for who in plan.practitioners]
    assert len(set(emails)) == len(emails)
    phones = Counter(patient.phone for patient in plan.patients)
    assert max(phones.values()) >= 2
    own = [patient.phone for patient in plan.patients if patient.phone_is_own]
    assert len(set(own)) == len(own)


def test_seed_alone_decides_the_plan() -> None:
    def made_from(seed: int) -> Plan:
        return build_plan(seed=seed, now=MOMENTS["a Friday morning"], zone=ZONE)

    plan = made_from(1)
    assert made_from(1) == plan
    assert made_from(2) != plan
