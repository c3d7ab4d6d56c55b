"""Claims that meet. Each race is first shown without the lock, and then gone with it.

Without the practitioners' lock two claims read the same time as free and both go on to write: then only the cells' key
keeps them apart, by an error in the middle of the transaction or by a deadlock. With the lock, the second reads after
the first has committed. `Doorway` stands between the reading and the writing and counts who is there at once.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.actor import UserActor, VisitorActor
from clinic.appointments.lifecycle import ACTIVE_STATUSES
from clinic.appointments.models import Appointment
from clinic.appointments.services import booking, holds, moving
from clinic.appointments.services.booking import Booking, book_appointment
from clinic.appointments.services.claiming import write_claim
from clinic.appointments.services.holds import HoldRequest, hold_slot
from clinic.appointments.services.moving import Edit, edit_appointment
from clinic.common import transactions
from clinic.common.errors import SlotTaken, TooManyHolds, TooManyPending
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic, Hold, Practitioner, Service, ServicePractitioner, WorkingBlock
from clinic.scheduling.services import ClaimLock
from django.utils import timezone

from testkit.clinic.concurrency import Doorway, at_once
from testkit.clinic.times import in_days
from testkit.clinic.world import World, fresh

pytestmark = pytest.mark.race

Job = Callable[[], Any]


def doorway(monkeypatch: pytest.MonkeyPatch, *, expected: int, patience_seconds: float) -> Doorway:
    door = Doorway(expected=expected, patience_seconds=patience_seconds)
    for module in (booking, holds, moving):
        monkeypatch.setattr(
            module, "write_claim", lambda write, **more: door.pass_through(lambda: write_claim(write, **more))
        )
    return door


def unlocked(clinic: Clinic, *, practitioner_id: int | None, service_id: int | None) -> ClaimLock:
    rows = Practitioner.objects.filter(clinic=clinic).order_by("pk")
    if practitioner_id is not None:
        rows = rows.filter(pk=practitioner_id)
    elif service_id is not None:
        rows = rows.filter(services=service_id)
    service = None if service_id is None else Service.objects.get(pk=service_id)
    return ClaimLock({row.pk: row for row in rows}, service)


def unlocked_for_change(clinic: Clinic, practitioner_ids: Any) -> ClaimLock:
    return ClaimLock({row.pk: row for row in Practitioner.objects.filter(clinic=clinic, pk__in=practitioner_ids)})


def without_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (booking, holds):
        monkeypatch.setattr(module, "lock_for_claim", unlocked)
    monkeypatch.setattr(moving, "lock_for_change", unlocked_for_change)


class Desk:
    """Acts of the people of Riverside at once. Paula asks for nine o'clock with Petra, and so do all others."""

    def __init__(self, world: World, start: datetime) -> None:
        self.world, self.start = world, start

    def book(
        self,
        user: User,
        *,
        practitioner: User | None = None,
        start: datetime | None = None,
        patient: Patient | None = None,
    ) -> Job:
        actor, patient_id = UserActor(fresh(user)), (patient or self.world.paula.patient).pk
        named = None if practitioner is None else practitioner.practitioner.pk
        wanted = Booking(
            patient_id=patient_id,
            practitioner_id=named,
            start=start or self.start,
            service_id=self.world.check_up.pk,
        )
        return lambda: book_appointment(actor=actor, clinic=self.world.clinic, booking=wanted, now=timezone.now())

    def hold(self, user: User | None, *, practitioner: User | None = None, start: datetime | None = None) -> Job:
        actor = VisitorActor() if user is None else UserActor(fresh(user))
        practitioner_id = (practitioner or self.world.petra).practitioner.pk
        wanted = HoldRequest(practitioner_id, start or self.start)
        clinic = Clinic.objects.get(pk=self.world.clinic.pk)
        return lambda: hold_slot(actor=actor, clinic=clinic, wanted=wanted, address="203.0.113.7", now=timezone.now())

    def move(self, appointment: Appointment, *, practitioner: User, start: datetime | None = None) -> Job:
        actor = UserActor(fresh(self.world.sam))
        edit = Edit(start=start or self.start, practitioner_id=practitioner.practitioner.pk)
        return lambda: edit_appointment(actor=actor, appointment_id=appointment.pk, edit=edit, now=timezone.now())


@pytest.fixture
def desk(committed_world: World) -> Desk:
    return Desk(committed_world, in_days(3)(9))


def book_and_book(desk: Desk) -> list[Job]:
    return [desk.book(desk.world.sam, practitioner=desk.world.petra) for _ in range(2)]


def hold_and_book(desk: Desk) -> list[Job]:
    return [desk.hold(None), desk.book(desk.world.sam, practitioner=desk.world.petra)]


def hold_and_hold(desk: Desk) -> list[Job]:
    return [desk.hold(desk.world.paula), desk.hold(None)]


def move_and_book(desk: Desk) -> list[Job]:
    quentins = desk.world.book(desk.start, practitioner=desk.world.quentin, patient=desk.world.pete)
    return [
        desk.move(quentins, practitioner=desk.world.petra),
        desk.book(desk.world.sam, practitioner=desk.world.petra),
    ]


def move_and_hold(desk: Desk) -> list[Job]:
    quentins = desk.world.book(desk.start, practitioner=desk.world.quentin, patient=desk.world.pete)
    return [desk.move(quentins, practitioner=desk.world.petra), desk.hold(None)]


PAIRS = [book_and_book, hold_and_book, hold_and_hold, move_and_book, move_and_hold]


@pytest.mark.parametrize("pair", PAIRS)
def test_without_the_lock_both_find_the_time_free(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, pair: Callable[[Desk], list[Job]]
) -> None:
    jobs = pair(desk)
    without_the_lock(monkeypatch)
    door = doorway(monkeypatch, expected=2, patience_seconds=20)
    outcomes = at_once(jobs)
    assert door.most == 2
    assert winners(outcomes) == 1  # By the cells' key alone.


@pytest.mark.parametrize("pair", PAIRS)
def test_with_the_lock_only_one_does(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, pair: Callable[[Desk], list[Job]]
) -> None:
    jobs = pair(desk)
    door = doorway(monkeypatch, expected=2, patience_seconds=0.3)
    outcomes = at_once(jobs)
    assert door.most == 1
    assert winners(outcomes) == 1
    [loser] = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert isinstance(loser, SlotTaken)
    assert loser.extra["nearest"]


def winners(outcomes: list[Any]) -> int:
    refusals = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert all(isinstance(refusal, SlotTaken) for refusal in refusals), refusals
    assert overlaps() == 0
    return len(outcomes) - len(refusals)


def overlaps() -> int:
    active = Appointment.objects.filter(status__in=ACTIVE_STATUSES).values_list(
        "practitioner_id", "blocked_from", "blocked_until"
    )
    claims = sorted([*active, *Hold.objects.values_list("practitioner_id", "blocked_from", "blocked_until")])
    return sum(one[0] == other[0] and other[1] < one[2] for one, other in pairwise(claims))


def test_a_held_time_is_booked_once_by_two_who_have_the_token(desk: Desk) -> None:
    made = desk.hold(None)()
    actor, patient_id = UserActor(fresh(desk.world.sam)), desk.world.paula.patient.pk
    wanted = Booking(patient_id=patient_id, hold_token=made.token)

    def book() -> Any:
        return book_appointment(actor=actor, clinic=desk.world.clinic, booking=wanted, now=timezone.now())

    outcomes = at_once([book] * 8)
    assert Counter(type(outcome).__name__ for outcome in outcomes) == {"Appointment": 1, "HoldExpired": 7}


# Across two practitioners, in opposite directions


class Deadlocks:
    """Stands for the module `time` in `transactions`: a pause there means that a deadlock is tried again."""

    def __init__(self) -> None:
        self.count = 0

    def sleep(self, _: float) -> None:
        self.count += 1


@pytest.fixture
def deadlocks(monkeypatch: pytest.MonkeyPatch) -> Deadlocks:
    counted = Deadlocks()
    monkeypatch.setattr(transactions, "time", counted)
    return counted


@contextmanager
def locked_one_by_one(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As one would write it at first: the target, and then where the appointment comes from."""
    first_have_theirs = threading.Barrier(2)

    def lock(clinic: Clinic, practitioner_ids: Any, *, target_id: int) -> dict[int, Practitioner]:
        rows = Practitioner.objects.select_for_update()
        target = rows.get(pk=target_id)
        if len(set(practitioner_ids)) == 2:
            # Only the first time: who was the victim of the deadlock comes back alone.
            with_patience(first_have_theirs)
        return {row.pk: row for row in [target, *rows.filter(clinic=clinic, pk__in=practitioner_ids)]}

    def lock_for_move(seen: Appointment, edit: Edit) -> dict[int, Practitioner]:
        assert edit.practitioner_id is not None
        return lock(seen.clinic, [edit.practitioner_id, seen.practitioner_id], target_id=edit.practitioner_id)

    monkeypatch.setattr(moving, "_lock_for_move", lock_for_move)
    yield


def with_patience(barrier: threading.Barrier) -> None:
    try:
        barrier.wait(timeout=5)
    except threading.BrokenBarrierError:
        return


def test_locked_in_any_order_two_opposite_moves_deadlock(
    desk: Desk, deadlocks: Deadlocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = swap(desk, later=desk.start + timedelta(hours=2))
    with locked_one_by_one(monkeypatch):
        at_once(jobs)
    assert deadlocks.count >= 1


def swap(desk: Desk, *, later: datetime) -> list[Job]:
    """Petra's goes to Quentin and Quentin's to Petra."""
    world = desk.world
    petras = world.book(desk.start, practitioner=world.petra)
    quentins = world.book(desk.start, practitioner=world.quentin, patient=world.pete)
    return [
        desk.move(petras, practitioner=world.quentin, start=later),
        desk.move(quentins, practitioner=world.petra, start=later),
    ]


def test_locked_in_the_order_of_their_ids_opposite_moves_and_bookings_never_do(
    desk: Desk, deadlocks: Deadlocks
) -> None:
    world = desk.world
    for hours in range(2, 6):
        later = desk.start + timedelta(hours=hours)
        movers = swap(desk, later=later)
        people = [Patient.objects.create(clinic=world.clinic, name=f"{name} {hours}") for name in ("Ann", "Bo")]
        bookers = [
            desk.book(world.sam, practitioner=who, start=later, patient=patient)
            for who, patient in zip((world.petra, world.quentin), people, strict=True)
        ]
        outcomes = at_once([*movers, *bookers, *bookers])
        assert winners(outcomes) == 2  # Each of the two times once, by a move or a booking.
        Appointment.objects.filter(starts_at=desk.start).update(status="cancelled")
    assert deadlocks.count == 0


# Any free practitioner


@pytest.fixture
def three(desk: Desk) -> Desk:
    """Rosa treats as well."""
    rosa = Practitioner.objects.create(clinic=desk.world.clinic, name="Dr Rosa")
    ServicePractitioner.objects.create(service=desk.world.check_up, practitioner=rosa)
    WorkingBlock.objects.create(practitioner=rosa, weekday=desk.start.weekday(), start_local="08:00", end_local="18:00")
    return desk


def test_twenty_ask_for_anybody_at_nine_and_three_get_it(three: Desk, deadlocks: Deadlocks) -> None:
    clinic = three.world.clinic
    people = [Patient.objects.create(clinic=clinic, name=f"Patient {letter}") for letter in "ABCDEFGHIJKLMNOPQRST"]
    outcomes = at_once([three.book(three.world.sam, patient=patient) for patient in people])
    assert winners(outcomes) == 3
    assert Appointment.objects.values("practitioner").distinct().count() == 3
    assert all(outcome.extra["nearest"] for outcome in outcomes if isinstance(outcome, SlotTaken))
    assert deadlocks.count == 0


def twelve_times(three: Desk) -> list[Job]:
    return [three.book(three.world.sam, start=three.start + timedelta(minutes=30 * number)) for number in range(12)]


def shares() -> list[int]:
    return sorted(Counter(Appointment.objects.values_list("practitioner", flat=True)).values())


def test_without_the_lock_the_day_is_not_shared(three: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """All count the bookings before any is written, and all find the same one idle."""
    jobs = twelve_times(three)
    without_the_lock(monkeypatch)
    doorway(monkeypatch, expected=12, patience_seconds=20)
    outcomes = at_once(jobs)
    assert winners(outcomes) == 12
    assert shares() == [12]


def test_with_the_lock_the_day_is_shared_evenly(three: Desk) -> None:
    outcomes = at_once(twelve_times(three))
    assert winners(outcomes) == 12
    assert shares() == [4, 4, 4]


# Limits


def test_a_limit_holds_for_requests_that_come_at_once(desk: Desk) -> None:
    """Ten holds from one address, each of another time and two practitioners: never more than three."""
    Clinic.objects.filter(pk=desk.world.clinic.pk).update(max_holds_per_address=3)
    people = (desk.world.petra, desk.world.quentin)
    outcomes = at_once(
        [
            desk.hold(None, practitioner=who, start=desk.start + timedelta(hours=hours))
            for hours in range(5)
            for who in people
        ]
    )
    assert Counter(type(outcome) for outcome in outcomes) == {Hold: 3, TooManyHolds: 7}
    assert Hold.objects.count() == 3


def test_the_holds_of_one_account_are_counted_at_once(desk: Desk) -> None:
    """Paula asks for ten times in one moment, from the network of a clinic full of patients."""
    Clinic.objects.filter(pk=desk.world.clinic.pk).update(max_holds_per_user=4, max_holds_per_address=100)
    people = (desk.world.petra, desk.world.quentin)
    jobs = [
        desk.hold(desk.world.paula, practitioner=who, start=desk.start + timedelta(hours=hours))
        for hours in range(5)
        for who in people
    ]
    petes = desk.hold(desk.world.pete, start=desk.start + timedelta(hours=6))
    *paulas, pete = at_once([*jobs, petes])
    assert Counter(type(outcome) for outcome in paulas) == {Hold: 4, TooManyHolds: 6}
    assert isinstance(pete, Hold)
    assert Hold.objects.filter(user=desk.world.paula).count() == 4


def test_pending_requests_of_one_phone_are_counted_at_once(desk: Desk) -> None:
    """Paula and Pete share a phone."""
    Clinic.objects.filter(pk=desk.world.clinic.pk).update(max_pending_per_phone=2)
    clinic = Clinic.objects.get(pk=desk.world.clinic.pk)

    def ask(user: User, who: User, hours: int) -> Job:
        actor = UserActor(fresh(user))
        start = desk.start + timedelta(hours=hours)
        wanted = Booking(patient_id=None, practitioner_id=who.practitioner.pk, start=start)
        return lambda: book_appointment(actor=actor, clinic=clinic, booking=wanted, now=timezone.now())

    world = desk.world
    outcomes = at_once(
        [
            ask(user, who, hours)
            for hours, user in enumerate((world.paula, world.pete) * 4)
            for who in ((world.petra, world.quentin)[hours % 2],)
        ]
    )
    assert Counter(type(outcome) for outcome in outcomes) == {Appointment: 2, TooManyPending: 6}
