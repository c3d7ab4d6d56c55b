"""Several people at once, on real connections. Each race is first shown to exist without the lock."""

import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.actor import UserActor
from clinic.appointments.lifecycle import ACTIVE_STATUSES, Action
from clinic.appointments.models import Appointment, AppointmentEvent, Channel
from clinic.appointments.services import booking as booking_module
from clinic.appointments.services.decisions import change_status
from clinic.appointments.slot_assignment import ClaimFacts, SlotAssignment, SlotRequest, assign_slot
from clinic.changefeed.repair import repair_feed
from clinic.common.errors import SlotTaken, StaleVersion, TransitionNotAllowed
from clinic.common.versions import Expected
from clinic.scheduling.models import ClaimedCell, Hold, Practitioner, Service, ServicePractitioner
from clinic.scheduling.services import ClaimLock
from django.db import IntegrityError, connection
from django.test import Client

from testkit.clinic.answers import APPOINTMENTS, code_of
from testkit.clinic.concurrency import at_once
from testkit.clinic.feed_rows import insert
from testkit.clinic.times import in_days
from testkit.clinic.world import World, fresh, row_of

pytestmark = pytest.mark.race

ADMIN_LIST = "/admin/appointments/appointment/"
EVERYBODY_WAITS_SECONDS = 2.0
ROUNDS = 10


def assert_nobody_is_booked_twice(world: World) -> None:
    rows = Appointment.objects.filter(clinic=world.clinic, status__in=sorted(ACTIVE_STATUSES))
    blocked = sorted((row.practitioner_id, row.blocked_from, row.blocked_until) for row in rows)
    for (practitioner, _, until), (next_practitioner, begins, _) in pairwise(blocked):
        assert practitioner != next_practitioner or until <= begins
    minutes = sum((until - begins).total_seconds() / 60 for _, begins, until in blocked)
    assert ClaimedCell.objects.filter(kind="practitioner").count() == minutes / 5


def post(world: World, body: dict[str, Any], **headers: str) -> Any:
    return world.client(world.sam).post(APPOINTMENTS, body, headers=headers)


def body_of(world: World, start: datetime, **more: Any) -> dict[str, Any]:
    return {
        "patient": world.paula.patient.pk,
        "practitioner": world.petra.practitioner.pk,
        "start": start.isoformat(),
        **more,
    }


# Two want the same time


@pytest.fixture
def all_check_before_one_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """After its check, each waits a little for the other to come as far."""
    meeting = threading.Barrier(2)

    def decide_and_wait(*args: Any) -> SlotAssignment:
        assignment = assign_slot(*args)
        try:
            meeting.wait(EVERYBODY_WAITS_SECONDS)
        except threading.BrokenBarrierError:
            meeting.reset()
        return assignment

    monkeypatch.setattr(booking_module, "assign_slot", decide_and_wait)


@pytest.fixture
def without_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_only(_: Any, *, practitioner_id: int, service_id: int | None) -> ClaimLock:
        assert service_id is None
        return ClaimLock(Practitioner.objects.in_bulk([practitioner_id]))

    monkeypatch.setattr(booking_module, "lock_for_claim", look_only)


def two_overlapping_bookings(world: World) -> list[Any]:
    wanted = [(in_days(7)(9), world.paula), (in_days(7)(9, 15), world.pete)]
    return at_once([lambda start=start, who=who: world.book(start, patient=who) for start, who in wanted])  # type: ignore[misc]


@pytest.mark.usefixtures("all_check_before_one_writes", "without_the_lock")
def test_without_the_lock_two_find_the_same_time_free_and_only_the_cells_refuse(committed_world: World) -> None:
    outcomes = two_overlapping_bookings(committed_world)
    (refused,) = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert isinstance(refused, SlotTaken)
    assert isinstance(refused.__cause__, IntegrityError)
    assert refused.extra["nearest"]
    assert_nobody_is_booked_twice(committed_world)


@pytest.mark.usefixtures("all_check_before_one_writes")
def test_with_the_lock_the_second_sees_the_first_and_is_told_what_is_open(committed_world: World) -> None:
    outcomes = two_overlapping_bookings(committed_world)
    (refused,) = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert isinstance(refused, SlotTaken)
    assert refused.__cause__ is None
    assert refused.extra["nearest"]
    assert_nobody_is_booked_twice(committed_world)


@pytest.fixture
def rows_alone_are_checked(committed_world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The database without its belt: no cells, and a check that reads the appointments themselves."""
    meeting = threading.Barrier(2)

    def check_rows_and_wait(request: SlotRequest, facts: ClaimFacts) -> SlotAssignment:
        [practitioner_id], blocked = request.practitioner_ids, request.place.blocked
        rows = Appointment.objects.filter(practitioner=practitioner_id, status__in=sorted(ACTIVE_STATUSES))
        if rows.filter(blocked_from__lt=blocked.end, blocked_until__gt=blocked.start).exists():
            raise SlotTaken
        with suppress(threading.BrokenBarrierError):
            meeting.wait(EVERYBODY_WAITS_SECONDS)
        return assign_slot(request, facts)

    monkeypatch.setattr(booking_module, "assign_slot", check_rows_and_wait)
    with connection.cursor() as cursor:
        for moment in ("insert", "update", "delete"):
            cursor.execute(f"DROP TRIGGER appointment_claims_practitioner_on_{moment}")
    yield
    repair_feed(now=datetime.now(UTC))


@pytest.mark.usefixtures("rows_alone_are_checked", "without_the_lock")
def test_without_lock_and_cells_two_are_booked_for_the_same_time(committed_world: World) -> None:
    first, second = sorted(two_overlapping_bookings(committed_world), key=lambda booked: booked.starts_at)
    assert second.starts_at < first.ends_at
    assert Appointment.objects.filter(status="confirmed").count() == 2


@pytest.mark.usefixtures("rows_alone_are_checked")
def test_with_the_lock_alone_the_second_sees_the_first(committed_world: World) -> None:
    outcomes = two_overlapping_bookings(committed_world)
    (refused,) = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert isinstance(refused, SlotTaken)
    assert Appointment.objects.count() == 1


def test_a_hold_that_raw_sql_writes_and_a_booking_never_have_the_same_time(committed_world: World) -> None:
    world = committed_world
    for number in range(ROUNDS):
        start = in_days(7)(8 + number)
        hold, answer = at_once([lambda: insert_hold(world, start), lambda: post(world, body_of(world, start))])  # noqa: B023
        assert (hold, answer.status_code) in (("inserted", 409), ("refused", 201))
        assert Hold.objects.filter(starts_at=start).exists() == (hold == "inserted")
        assert Appointment.objects.filter(starts_at=start).exists() == (answer.status_code == 201)


def insert_hold(world: World, start: datetime) -> str:
    begins, ends, now = start.astimezone(UTC), (start + timedelta(minutes=30)).astimezone(UTC), datetime.now(UTC)
    row: dict[str, Any] = {
        "clinic_id": world.clinic.pk,
        "practitioner_id": world.petra.practitioner.pk,
        "token": secrets.token_urlsafe(32),
        "starts_at": begins,
        "ends_at": ends,
        "blocked_from": begins,
        "blocked_until": ends,
        "expires_at": now + timedelta(minutes=5),
        "created_at": now,
    }
    return insert("hold", row)


def test_of_twenty_requests_for_one_slot_one_wins(committed_world: World) -> None:
    world = committed_world
    body = body_of(world, in_days(7)(9))
    responses = at_once([lambda: post(world, body)] * 20)
    assert Counter(response.status_code for response in responses) == {201: 1, 409: 19}
    for response in responses:
        if response.status_code == 409:
            assert code_of(response) == "slot_taken"
            assert response.json()["nearest"]
    assert_nobody_is_booked_twice(world)
    assert AppointmentEvent.objects.count() == 1


# One day, everybody


@pytest.fixture
def services(committed_world: World) -> list[Service]:
    """30, 45 and 60 minutes."""
    made = [committed_world.check_up]
    for minutes in (45, 60):
        service = Service.objects.create(clinic=committed_world.clinic, name=f"{minutes}", duration_minutes=minutes)
        ServicePractitioner.objects.create(service=service, practitioner=committed_world.petra.practitioner)
        made.append(service)
    return made


def test_two_hundred_bookings_of_mixed_lengths_by_the_api_and_by_raw_sql(
    committed_world: World, services: list[Service]
) -> None:
    world, random = committed_world, Random(4)

    def job(number: int) -> Callable[[], Any]:
        service = random.choice(services)
        last = 10 * 60 - service.duration_minutes  # Everything ends within the ten hours of Petra's day.
        start = in_days(7)(8) + timedelta(minutes=random.randrange(0, last + 1, 5))
        if number % 4:
            return lambda: post(world, body_of(world, start, service=service.pk)).status_code
        return lambda: insert_appointment(world, start, service)

    answers = Counter(at_once([job(number) for number in range(200)]))
    assert set(answers) <= {201, 409, "inserted", "refused"}
    assert_nobody_is_booked_twice(world)
    assert answers[201] + answers["inserted"] == Appointment.objects.count() > 5
    assert answers[201]
    assert answers[409] > 50


def insert_appointment(world: World, start: datetime, service: Service) -> str:
    """Around every service of ours, as an import or a person with a database client would."""
    begins, ends = start.astimezone(UTC), (start + timedelta(minutes=service.duration_minutes)).astimezone(UTC)
    row: dict[str, Any] = {
        "clinic_id": world.clinic.pk,
        "patient_id": world.pete.patient.pk,
        "practitioner_id": world.petra.practitioner.pk,
        "service_id": service.pk,
        "starts_at": begins,
        "ends_at": ends,
        "blocked_from": begins,
        "blocked_until": ends,
        "local_date": start.date(),
        "status": "confirmed",
        "notes": "",
        "cancel_reason": "",
        "source": "desk",
        "version": 1,
        "created_at": begins,
        "updated_at": begins,
    }
    return insert("appointment", row)


# Two decide about one appointment


def decide(world: World, appointment: Appointment, action: Action, version: int | None = None) -> Appointment:
    return change_status(
        actor=UserActor(fresh(world.sam)),
        appointment_id=appointment.pk,
        action=action,
        now=datetime.now(UTC),
        expected=Expected(version),
    )


def pending(world: World, hour: int) -> Appointment:
    appointment = world.book(in_days(7)(hour), by=world.paula)
    assert appointment.status == "pending"
    return appointment


def test_confirm_and_reject_at_once_end_in_one_status_that_the_history_tells(committed_world: World) -> None:
    for number in range(ROUNDS):
        appointment = pending(committed_world, 8 + number)
        jobs = [
            lambda: decide(committed_world, appointment, Action.CONFIRM),  # noqa: B023 - run within the round
            lambda: decide(committed_world, appointment, Action.REJECT),  # noqa: B023
        ]
        outcomes = at_once(jobs)
        (refused,) = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        assert isinstance(refused, TransitionNotAllowed)
        lines = list(AppointmentEvent.objects.filter(appointment=appointment).order_by("id"))
        assert [(line.from_status, line.to_status) for line in lines[1:]] == [("pending", row_of(appointment).status)]


def test_confirm_and_cancel_of_what_both_looked_at_have_one_effect(committed_world: World) -> None:
    """Each names the version it saw: the second is told, whichever it is."""
    for number in range(ROUNDS):
        appointment = pending(committed_world, 8 + number)
        outcomes = at_once(
            [
                lambda action=action: decide(committed_world, appointment, action, 1)  # type: ignore[misc]  # noqa: B023
                for action in (Action.CONFIRM, Action.CANCEL)
            ]
        )
        (refused,) = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        assert isinstance(refused, StaleVersion)
        assert row_of(appointment).version == 2


def test_confirm_and_cancel_without_a_version_are_told_one_after_the_other(committed_world: World) -> None:
    for number in range(ROUNDS):
        appointment = pending(committed_world, 8 + number)
        at_once(
            [
                lambda action=action: decide(committed_world, appointment, action)  # type: ignore[misc]  # noqa: B023
                for action in (Action.CONFIRM, Action.CANCEL)
            ]
        )
        lines = AppointmentEvent.objects.filter(appointment=appointment).order_by("id")
        steps = [line.to_status for line in lines]
        assert steps in (["pending", "confirmed", "cancelled"], ["pending", "cancelled"])
        assert row_of(appointment).status == "cancelled"


def test_the_admin_and_the_api_at_once_have_one_effect(committed_world: World) -> None:
    world = committed_world
    appointments = [pending(world, 8 + number) for number in range(ROUNDS)]
    User.objects.filter(pk=world.olga.pk).update(is_staff=True)
    admin = Client()
    admin.force_login(fresh(world.olga))

    def approve_all_in_the_admin() -> str:
        form = {"action": "approve", "_selected_action": [appointment.pk for appointment in appointments]}
        return admin.post(ADMIN_LIST, form).headers["Location"]

    def reject(appointment: Appointment) -> int:
        return world.client(world.sam).post(f"{APPOINTMENTS}/{appointment.pk}/reject").status_code

    jobs: list[Callable[[], Any]] = [approve_all_in_the_admin]
    jobs += [lambda each=each: reject(each) for each in appointments]  # type: ignore[misc]
    page, *answers = at_once(jobs)
    assert page == ADMIN_LIST  # The sign-in page would be another.
    for appointment, answer in zip(appointments, answers, strict=True):
        assert row_of(appointment).status == {200: "rejected", 409: "confirmed"}[answer]
        (line,) = AppointmentEvent.objects.filter(appointment=appointment).exclude(action="create")
        assert line.channel == {200: Channel.API, 409: Channel.ADMIN}[answer]


# Deadlocks and repeats stay out of sight


def test_moves_in_opposite_directions_all_succeed(committed_world: World) -> None:
    world = committed_world
    petra, quentin = world.petra.practitioner.pk, world.quentin.practitioner.pk
    theirs = [world.book(in_days(7)(9 + hour), practitioner=world.petra) for hour in range(4)]
    others = [world.book(in_days(8)(9 + hour), practitioner=world.quentin) for hour in range(4)]

    def give(appointment: Appointment, practitioner_id: int) -> int:
        body = {"practitioner": practitioner_id}
        return world.client(world.sam).patch(f"{APPOINTMENTS}/{appointment.pk}", body).status_code

    jobs = [lambda each=each: give(each, quentin) for each in theirs]
    jobs += [lambda each=each: give(each, petra) for each in others]
    assert set(at_once(jobs)) == {200}
    assert_nobody_is_booked_twice(world)


def test_a_request_that_is_sent_ten_times_at_once_books_once(committed_world: World) -> None:
    world = committed_world
    body = body_of(world, in_days(7)(9))
    responses = at_once([lambda: post(world, body, **{"Idempotency-Key": "one"})] * 10)
    assert {response.status_code for response in responses} == {201}
    assert len({response.json()["id"] for response in responses}) == 1
    assert Appointment.objects.count() == AppointmentEvent.objects.count() == 1
