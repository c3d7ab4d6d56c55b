"""A deadlock is the database's way to say: once more. Nobody who asked the API sees it.

These are real ones. Somebody holds a row that the request will need at its end, and then asks for Petra's calendar,
which the request has already: each waits for the other, and the database undoes the lighter of the two, the request.
"""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from clinic.appointments.models import Appointment, AppointmentEvent
from clinic.appointments.services import booking, holds, moving, series
from clinic.changefeed.models import StreamHead
from clinic.common import transactions
from clinic.common.models import AttemptCount, IdempotencyKey
from clinic.common.transactions import TRIES
from clinic.scheduling.models import Hold, Practitioner, Service
from clinic.scheduling.services import lock_for_change, lock_for_claim
from django.db import transaction
from django.utils import timezone
from rest_framework.test import APIClient

from testkit.clinic.answers import APPOINTMENTS, refusal
from testkit.clinic.concurrency import at_once
from testkit.clinic.times import in_days
from testkit.clinic.world import World

pytestmark = pytest.mark.race

WEIGHT = 300  # Rows that who is in the way has written: more than any request writes.
TIMEOUT_SECONDS = 20


class InTheWay:
    """Stands in a request's way so many times. It stands for the module `time` in `transactions` as well: a pause there
    is a deadlock that is tried again, and while it lasts the next one is prepared."""

    def __init__(self, world: World, rows: Any, *, times: int) -> None:
        self.petra_id, self.rows, self.times = world.petra.practitioner.pk, rows, times
        self.deadlocks = 0
        self.ready, self.request_has_petra = threading.Event(), threading.Event()

    def stand(self) -> None:
        for _ in range(self.times):
            with transaction.atomic():
                self.make_oneself_heavy()
                list(self.rows.select_for_update())
                self.ready.set()
                assert self.request_has_petra.wait(TIMEOUT_SECONDS)
                self.request_has_petra.clear()
                self.ready.clear()
                Practitioner.objects.select_for_update().get(pk=self.petra_id)
                transaction.set_rollback(True)
        self.times = 0
        self.ready.set()

    @staticmethod
    def make_oneself_heavy() -> None:
        now = timezone.now()
        AttemptCount.objects.bulk_create(
            AttemptCount(scope="weight", subject=str(number), attempts=1, started_at=now, expires_at=now)
            for number in range(WEIGHT)
        )

    def sleep(self, _: float) -> None:
        self.deadlocks += 1
        assert self.ready.wait(TIMEOUT_SECONDS)


@pytest.fixture
def desk(committed_world: World) -> APIClient:
    client = committed_world.client(committed_world.sam)
    client.raise_request_exception = False
    return client


def body_of(world: World) -> dict[str, Any]:
    return {
        "patient": world.paula.patient.pk,
        "practitioner": world.petra.practitioner.pk,
        "service": world.check_up.pk,
        "start": in_days(7)(9).isoformat(),
    }


def book(world: World, desk: APIClient) -> Any:
    return desk.post(APPOINTMENTS, body_of(world))


def book_once(world: World, desk: APIClient) -> Any:
    return desk.post(APPOINTMENTS, body_of(world), headers={"Idempotency-Key": "one"})


def hold(world: World, desk: APIClient) -> Any:
    return desk.post("/api/v1/holds", {name: value for name, value in body_of(world).items() if name != "patient"})


def ask_as_guest(world: World, desk: APIClient) -> Any:
    desk.credentials()  # Signed out.
    body = {**body_of(world), "clinic": "riverside", "name": "Gus Guest", "phone": "030 1234567"}
    body.pop("patient")
    return desk.post("/api/v1/public/bookings", body)


def book_series(world: World, desk: APIClient) -> Any:
    return desk.post(f"{APPOINTMENTS}/series", {**body_of(world), "rule": {"frequency": "weekly", "count": 3}})


def move(world: World, desk: APIClient) -> Any:
    moved = Appointment.objects.get()
    return desk.post(f"{APPOINTMENTS}/{moved.pk}/reschedule", {"start": in_days(7)(11).isoformat()})


Ask = Callable[[World, APIClient], Any]
REQUESTS: list[Ask] = [book, book_once, hold, ask_as_guest, book_series, move]


@pytest.fixture
def request_tells(monkeypatch: pytest.MonkeyPatch) -> list[InTheWay]:
    """Once it has Petra's calendar, a request tells who is in its way, and goes on."""
    told: list[InTheWay] = []

    def telling(lock: Callable[..., Any]) -> Callable[..., Any]:
        def lock_and_tell(*args: Any, **more: Any) -> Any:
            locked = lock(*args, **more)
            for obstacle in told:
                if obstacle.times:
                    obstacle.request_has_petra.set()
            return locked

        return lock_and_tell

    for module in (booking, holds, series):
        monkeypatch.setattr(module, "lock_for_claim", telling(lock_for_claim))
    monkeypatch.setattr(moving, "lock_for_change", telling(lock_for_change))
    return told


def meet(world: World, ask: Callable[[], Any], obstacle: InTheWay, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(transactions, "time", obstacle)

    def ask_in_time() -> Any:
        assert obstacle.ready.wait(TIMEOUT_SECONDS)
        return ask()

    stood, answer = at_once([obstacle.stand, ask_in_time])
    assert stood is None
    return answer


def rows_wanted_by(world: World, ask: Ask) -> Any:
    """The row that the request needs after Petra's calendar: the changed one, the target of a foreign key, or the
    feed's head, where the clinic and the service are locked in the same step as the calendar."""
    if ask is move:
        return Appointment.objects.filter(pk=world.book(in_days(7)(9)).pk)
    if ask in (book, book_once, hold, ask_as_guest):
        return StreamHead.objects.filter(pk=world.clinic.pk)
    return Service.objects.filter(pk=world.check_up.pk)


EFFECTS: dict[Ask, tuple[int, int, int]] = {
    book: (1, 1, 0),
    book_once: (1, 1, 0),
    hold: (0, 0, 1),
    ask_as_guest: (1, 1, 0),
    book_series: (3, 3, 0),
    move: (1, 2, 0),
}


def effects() -> tuple[int, int, int]:
    return Appointment.objects.count(), AppointmentEvent.objects.count(), Hold.objects.count()


@pytest.mark.parametrize("ask", REQUESTS)
def test_without_a_second_try_the_caller_is_told_of_it(
    committed_world: World, desk: APIClient, request_tells: list[InTheWay], monkeypatch: pytest.MonkeyPatch, ask: Ask
) -> None:
    monkeypatch.setattr(transactions, "TRIES", 1)
    obstacle = InTheWay(committed_world, rows_wanted_by(committed_world, ask), times=1)
    request_tells.append(obstacle)
    before = effects()
    answer = meet(committed_world, lambda: ask(committed_world, desk), obstacle, monkeypatch)
    assert refusal(answer) == (503, "service_unavailable")
    assert effects() == before


@pytest.mark.parametrize("ask", REQUESTS)
def test_with_it_the_caller_gets_the_answer_and_one_effect(
    committed_world: World, desk: APIClient, request_tells: list[InTheWay], monkeypatch: pytest.MonkeyPatch, ask: Ask
) -> None:
    obstacle = InTheWay(committed_world, rows_wanted_by(committed_world, ask), times=1)
    request_tells.append(obstacle)
    answer = meet(committed_world, lambda: ask(committed_world, desk), obstacle, monkeypatch)
    assert obstacle.deadlocks == 1
    assert answer.status_code == (200 if ask is move else 201), answer.content
    assert effects() == EFFECTS[ask]
    # A guest's request has a key of its own making.
    assert IdempotencyKey.objects.count() == (1 if ask in (book_once, ask_as_guest) else 0)


def test_three_in_a_row_are_still_not_seen(
    committed_world: World, desk: APIClient, request_tells: list[InTheWay], monkeypatch: pytest.MonkeyPatch
) -> None:
    obstacle = InTheWay(committed_world, rows_wanted_by(committed_world, book), times=TRIES - 1)
    request_tells.append(obstacle)
    answer = meet(committed_world, lambda: book(committed_world, desk), obstacle, monkeypatch)
    assert (obstacle.deadlocks, answer.status_code) == (3, 201)
    assert effects() == EFFECTS[book]


def test_four_in_a_row_are_503_with_retry_after_and_no_effect(
    committed_world: World, desk: APIClient, request_tells: list[InTheWay], monkeypatch: pytest.MonkeyPatch
) -> None:
    obstacle = InTheWay(committed_world, rows_wanted_by(committed_world, book), times=TRIES)
    request_tells.append(obstacle)
    answer = meet(committed_world, lambda: book(committed_world, desk), obstacle, monkeypatch)
    assert refusal(answer) == (503, "service_unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    assert effects() == (0, 0, 0)
    assert book(committed_world, desk).status_code == 201
