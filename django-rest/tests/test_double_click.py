"""A second click on "Book": the same request again, without an `Idempotency-Key`, while the first is under way."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.models import Appointment

from testkit.clinic.answers import APPOINTMENTS, code_of
from testkit.clinic.concurrency import at_once
from testkit.clinic.times import in_days
from testkit.clinic.world import World

START = in_days(3)(9)
GUESTS = "/api/v1/public/bookings"
CLICKS = 4

Post = Callable[[], Any]


def post_by(world: World, user: User, **more: Any) -> Post:
    body = {"start": START.isoformat(), "service": world.check_up.pk, **more}
    return lambda: world.client(user).post(APPOINTMENTS, body)


def by_desk(world: World) -> Post:
    return post_by(world, world.sam, patient=world.paula.patient.pk)


def by_patient(world: World) -> Post:
    return post_by(world, world.paula)


def without_service(world: World) -> Post:
    return post_by(world, world.sam, patient=world.paula.patient.pk, service=None)


def by_guest(world: World) -> Post:
    body = {
        "clinic": world.clinic.slug,
        "name": "Gus Guest",
        "phone": "+491705556666",
        "start": START.isoformat(),
        "service": world.check_up.pk,
    }
    return lambda: world.client().post(GUESTS, body)


@pytest.mark.race
@pytest.mark.parametrize("click", [by_desk, by_patient, without_service, by_guest])
def test_four_clicks_at_once_book_once(committed_world: World, click: Callable[[World], Post]) -> None:
    post = click(committed_world)
    answers = at_once([post] * CLICKS)
    created = [answer.json()["start"] for answer in answers if answer.status_code == 201]
    assert len(created) == 1, Counter(answer.status_code for answer in answers)
    for answer in answers:
        if click is by_guest:  # The same request of a guest gets the first answer.
            assert answer.status_code in (200, 201)
        elif answer.status_code != 201:
            assert (answer.status_code, code_of(answer)) == (409, "own_appointment")
    assert Appointment.objects.filter(starts_at=START).count() == 1


def test_second_click_a_moment_later_books_nothing(world: World) -> None:
    post = by_desk(world)
    assert post().status_code == 201
    again = post()
    assert (again.status_code, code_of(again)) == (409, "own_appointment")


def test_other_patients_are_booked_at_the_same_time(world: World) -> None:
    for user in (world.paula, world.pete):
        assert post_by(world, world.sam, patient=user.patient.pk)().status_code == 201


def test_cancelled_visit_is_booked_again(world: World) -> None:
    post = by_desk(world)
    first = post().json()["id"]
    assert world.client(world.sam).post(f"{APPOINTMENTS}/{first}/cancel").status_code == 200
    assert post().status_code == 201
