"""`Idempotency-Key`: the same request again, for a day. More in test_booking and test_guests."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from clinic.appointments.models import Appointment
from clinic.common.models import IdempotencyKey
from clinic.worker.jobs import run_jobs
from django.utils import timezone
from rest_framework.test import APIClient

from testkit.clinic.answers import APPOINTMENTS, attr_of, refusal
from testkit.clinic.concurrency import at_once
from testkit.clinic.times import At
from testkit.clinic.world import World


def body(world: World, start: Any) -> dict[str, Any]:
    practitioner, patient = world.petra.practitioner.pk, world.paula.patient.pk
    return {"patient": patient, "practitioner": practitioner, "start": start.isoformat()}


def book(world: World, start: Any, key: str = "k1") -> Any:
    return world.client(world.sam).post(APPOINTMENTS, body(world, start), headers={"Idempotency-Key": key})


def test_the_answer_is_the_first_ones_whatever_happened_since(world: World, tomorrow_at: At) -> None:
    first = book(world, tomorrow_at(9))
    world.client(world.sam).post(f"{APPOINTMENTS}/{first.json()['id']}/cancel")
    again = book(world, tomorrow_at(9))
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotent-Replay"] == "true"
    assert "Idempotent-Replay" not in first.headers


def test_the_order_and_notation_of_a_body_do_not_matter(world: World, tomorrow_at: At) -> None:
    first = book(world, tomorrow_at(9))
    turned = dict(reversed(body(world, tomorrow_at(9)).items()))
    again = world.client(world.sam).post(APPOINTMENTS, turned, headers={"Idempotency-Key": "k1"})
    assert again.json() == first.json()


def test_after_a_day_a_key_is_as_good_as_new_pruned_or_not(world: World, tomorrow_at: At) -> None:
    book(world, tomorrow_at(9))
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=24, seconds=1))
    other = book(world, tomorrow_at(10))
    assert (other.status_code, other.json()["time"]) == (201, "10:00")
    assert book(world, tomorrow_at(10)).json() == other.json()
    assert refusal(book(world, tomorrow_at(9))) == (422, "idempotency_key_reused")
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=24, seconds=1))
    run_jobs(now=timezone.now())
    assert not IdempotencyKey.objects.exists()


def test_until_then_it_is_kept(world: World, tomorrow_at: At) -> None:
    first = book(world, tomorrow_at(9))
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=23, minutes=59))
    run_jobs(now=timezone.now())
    assert book(world, tomorrow_at(9)).json() == first.json()


def test_a_key_belongs_to_who_sent_it(world: World, tomorrow_at: At) -> None:
    assert book(world, tomorrow_at(9)).status_code == 201
    olgas = world.client(world.olga).post(APPOINTMENTS, body(world, tomorrow_at(10)), headers={"Idempotency-Key": "k1"})
    assert olgas.status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 101, "a\tb"])
def test_a_key_that_is_none_is_refused(world: World, tomorrow_at: At, key: str) -> None:
    response = book(world, tomorrow_at(9), key)
    assert (response.status_code, attr_of(response)) == (400, "Idempotency-Key")
    assert not Appointment.objects.exists()


@pytest.mark.race
def test_ten_of_the_same_at_once_book_once_and_hear_the_same(committed_world: World, tomorrow_at: At) -> None:
    world = committed_world
    clients = [world.client(world.sam) for _ in range(10)]
    given = body(world, tomorrow_at(9))

    def send(client: APIClient) -> Any:
        return client.post(APPOINTMENTS, given, headers={"Idempotency-Key": "k1"})

    answers = at_once([partial(send, client) for client in clients])
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert Appointment.objects.count() == 1


@pytest.mark.parametrize("path", [f"{APPOINTMENTS}/", "/api/appointments", "/api/appointments/"])
def test_a_path_in_another_form_is_the_same_request(world: World, tomorrow_at: At, path: str) -> None:
    first = book(world, tomorrow_at(9))
    again = world.client(world.sam).post(path, body(world, tomorrow_at(9)), headers={"Idempotency-Key": "k1"})
    assert (again.status_code, again.json()) == (201, first.json())


def test_another_path_is_another_request(world: World, tomorrow_at: At) -> None:
    book(world, tomorrow_at(9))
    again = world.client(world.sam).post(
        "/api/v1/holds",
        {"practitioner": world.petra.practitioner.pk, "start": tomorrow_at(9).isoformat()},
        headers={"Idempotency-Key": "k1"},
    )
    assert refusal(again) == (422, "idempotency_key_reused")
