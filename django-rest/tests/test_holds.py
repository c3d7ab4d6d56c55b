from datetime import datetime, timedelta
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.actor import Actor
from clinic.appointments.models import Appointment
from clinic.appointments.services.booking import Booking, book_appointment
from clinic.appointments.services.holds import place_hold
from clinic.scheduling.models import ClaimedCell, Clinic, Hold, Service
from clinic.scheduling.services import lock_practitioners, release_expired_holds
from django.db import connection, transaction
from django.utils import timezone

from .conftest import APPOINTMENTS, At, World, attr_of, fresh, in_days, refusal, this_moment

HOLDS = "/api/v1/holds"


def hold(world: World, start: datetime, *, by: User | None = None, address: str = "203.0.113.7", **more: Any) -> Any:
    body = {"practitioner": world.petra.practitioner.pk, "start": start.isoformat(), **more}
    headers = {"Idempotency-Key": key} if (key := body.pop("key", None)) else {}
    return world.client(by).post(HOLDS, body, headers=headers, REMOTE_ADDR=address)


def book(world: World, *, by: User, **body: Any) -> Any:
    patient = {"patient": world.paula.patient.pk} if by == world.sam else {}
    return world.client(by).post(APPOINTMENTS, {**patient, **body})


def expire(hold_id: int) -> None:
    Hold.objects.filter(pk=hold_id).update(expires_at=timezone.now() - timedelta(seconds=1))


def test_a_guest_holds_a_slot_for_as_long_as_the_clinic_says(world: World, tomorrow_at: At) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(hold_minutes=7)
    before = timezone.now()
    response = hold(world, tomorrow_at(9))
    assert response.status_code == 201, response.json()
    shown = response.json()
    assert (shown["start"], shown["end"]) == (tomorrow_at(9).isoformat(), tomorrow_at(9, 30).isoformat())
    assert len(shown["token"]) >= 32
    lasts = datetime.fromisoformat(shown["expires_at"]) - before
    assert timedelta(minutes=7) <= lasts + timedelta(milliseconds=1)
    assert lasts < timedelta(minutes=8)
    assert ClaimedCell.objects.filter(hold_id=shown["id"]).count() == 6


@pytest.mark.parametrize(
    "path", ["/api/v1/holds/", "/api/holds", "/api/v1/availability/reserve", "/api/availability/reserve/"]
)
def test_every_name_of_the_path_holds(world: World, tomorrow_at: At, path: str) -> None:
    body = {"dentist": world.petra.practitioner.pk, "date": f"{tomorrow_at(9):%Y-%m-%d}", "time": "09:00"}
    response = world.client().post(path, body)
    assert (response.status_code, response.json()["start"]) == (201, tomorrow_at(9).isoformat())


def test_the_service_gives_length_and_buffers(world: World, tomorrow_at: At) -> None:
    Service.objects.filter(pk=world.check_up.pk).update(duration_minutes=60, buffer_after_minutes=15)
    shown = hold(world, tomorrow_at(9), service=world.check_up.pk).json()
    assert (shown["service"], shown["end"]) == (world.check_up.pk, tomorrow_at(10).isoformat())
    assert ClaimedCell.objects.filter(hold_id=shown["id"]).count() == 15


def test_another_visitors_hold_blocks_and_names_what_is_open(world: World, tomorrow_at: At) -> None:
    hold(world, tomorrow_at(9))
    open_ones = {tomorrow_at(8, 30).isoformat(), tomorrow_at(9, 30).isoformat(), tomorrow_at(8).isoformat()}
    start = tomorrow_at(9).isoformat()
    for response in (
        hold(world, tomorrow_at(9), by=world.pete),
        book(world, by=world.pete, practitioner=world.petra.practitioner.pk, start=start),
        book(world, by=world.sam, practitioner=world.petra.practitioner.pk, start=start),
    ):
        assert refusal(response) == (409, "slot_taken")
        assert {slot["start"] for slot in response.json()["nearest"]} == open_ones


def test_a_held_slot_is_not_offered(world: World, tomorrow_at: At) -> None:
    def offered() -> set[str]:
        url = f"/api/v1/practitioners/{world.petra.practitioner.pk}/slots?date={tomorrow_at(9):%Y-%m-%d}"
        return {slot["time"] for slot in world.client().get(f"{url}&clinic=riverside").json()["slots"]}

    assert "09:00" in offered()
    made = hold(world, tomorrow_at(9)).json()
    assert "09:00" not in offered()
    expire(made["id"])
    assert "09:00" in offered()


def test_the_token_books_what_is_held_and_uses_the_hold_up(world: World, tomorrow_at: At) -> None:
    token = hold(world, tomorrow_at(9), by=world.paula, service=world.check_up.pk).json()["token"]
    response = book(world, by=world.paula, hold=token)
    assert response.status_code == 201, response.json()
    shown = response.json()
    assert (shown["start"], shown["practitioner"]) == (tomorrow_at(9).isoformat(), world.petra.practitioner.pk)
    assert shown["service"] == world.check_up.pk
    assert not Hold.objects.exists()
    assert set(ClaimedCell.objects.values_list("appointment_id", "hold_id")) == {(shown["id"], None)}
    assert refusal(book(world, by=world.paula, hold=token)) == (409, "hold_expired")


def test_what_is_said_beside_the_token_must_agree_with_it(world: World, tomorrow_at: At) -> None:
    token = hold(world, tomorrow_at(9)).json()["token"]
    for other in ({"start": tomorrow_at(10).isoformat()}, {"practitioner": world.quentin.practitioner.pk}):
        response = book(world, by=world.paula, hold=token, **other)
        assert (refusal(response), attr_of(response)) == ((400, "invalid"), "hold")
    same = {"start": tomorrow_at(9).isoformat(), "practitioner": world.petra.practitioner.pk}
    assert book(world, by=world.paula, hold=token, **same).status_code == 201


def test_an_expired_or_unknown_token_is_refused_although_the_time_is_free(world: World, tomorrow_at: At) -> None:
    made = hold(world, tomorrow_at(9)).json()
    expire(made["id"])
    for token in (made["token"], "nonsense"):
        assert refusal(book(world, by=world.paula, hold=token)) == (409, "hold_expired")
    assert not Appointment.objects.exists()


def test_a_hold_of_another_clinic_books_nothing_here(world: World, tomorrow_at: At) -> None:
    elsewhere = world.hillside.practitioners.create(name="Dr Olive")
    made = hold(world, tomorrow_at(9))
    Hold.objects.filter(pk=made.json()["id"]).delete()
    Hold.objects.create(
        clinic=world.hillside,
        practitioner=elsewhere,
        token="of-hillside",
        starts_at=tomorrow_at(9),
        ends_at=tomorrow_at(10),
        blocked_from=tomorrow_at(9),
        blocked_until=tomorrow_at(10),
        expires_at=tomorrow_at(9),
        created_at=timezone.now(),
    )
    assert refusal(book(world, by=world.paula, hold="of-hillside")) == (409, "hold_expired")


def test_a_longer_service_than_was_held_needs_the_rest_to_be_free(world: World, tomorrow_at: At) -> None:
    token = hold(world, tomorrow_at(9)).json()["token"]
    Service.objects.filter(pk=world.check_up.pk).update(duration_minutes=60)
    taken = world.book(tomorrow_at(9, 30), patient=world.pete)
    response = book(world, by=world.paula, hold=token, service=world.check_up.pk)
    assert refusal(response) == (409, "slot_taken")
    world.client(world.sam).delete(f"{APPOINTMENTS}/{taken.pk}")
    assert (
        book(world, by=world.paula, hold=token, service=world.check_up.pk).json()["end"] == tomorrow_at(10).isoformat()
    )


def test_what_was_held_is_booked_though_the_service_takes_longer_by_now(world: World, tomorrow_at: At) -> None:
    token = hold(world, tomorrow_at(9), service=world.check_up.pk).json()["token"]
    world.book(tomorrow_at(9, 30), patient=world.pete)
    Service.objects.filter(pk=world.check_up.pk).update(duration_minutes=60)
    assert book(world, by=world.paula, hold=token).json()["end"] == tomorrow_at(9, 30).isoformat()


def test_who_holds_need_not_hurry_past_the_notice(world: World, tomorrow_at: At) -> None:
    """Held a minute before the notice ends and booked a minute after it."""
    start = tomorrow_at(9)
    held_at = start - timedelta(minutes=world.clinic.notice_minutes + 1)
    with transaction.atomic():
        practitioner = lock_practitioners(world.clinic, [world.petra.practitioner.pk], now=held_at)
        made = place_hold(
            actor=Actor.by_user(fresh(world.paula)),
            clinic=world.clinic,
            practitioner=practitioner[world.petra.practitioner.pk],
            service=None,
            start=start,
            minutes=30,
            now=held_at,
        )
    actor = Actor.by_user(fresh(world.paula))
    booking = Booking(patient_id=None, hold_token=made.token)
    booked = book_appointment(actor=actor, clinic=world.clinic, booking=booking, now=held_at + timedelta(minutes=2))
    assert booked.starts_at == start


def test_an_expired_hold_is_gone_with_the_next_claim(world: World, tomorrow_at: At) -> None:
    made = hold(world, tomorrow_at(9)).json()
    expire(made["id"])
    assert (
        book(
            world, by=world.sam, practitioner=world.petra.practitioner.pk, start=tomorrow_at(9).isoformat()
        ).status_code
        == 201
    )
    assert not Hold.objects.exists()


def test_the_worker_releases_what_has_expired_and_nothing_else(world: World, tomorrow_at: At) -> None:
    expired, live = (hold(world, tomorrow_at(hour)).json()["id"] for hour in (9, 10))
    expire(expired)
    assert release_expired_holds(now=timezone.now()) == 1
    assert list(Hold.objects.values_list("pk", flat=True)) == [live]


# Letting go


def test_the_user_who_holds_lets_go(world: World, tomorrow_at: At) -> None:
    made = hold(world, tomorrow_at(9), by=world.paula).json()
    url = f"{HOLDS}/{made['id']}"
    for stranger in (world.pete, world.sam, world.olga, None):
        assert refusal(world.client(stranger).delete(url)) == (404, "not_found")
    assert world.client(world.paula).delete(url).status_code == 204
    assert not ClaimedCell.objects.exists()
    assert refusal(world.client(world.paula).delete(url)) == (404, "not_found")


@pytest.mark.parametrize("way", ["header", "body"])
def test_a_guest_lets_go_by_the_token(world: World, tomorrow_at: At, way: str) -> None:
    made, other = hold(world, tomorrow_at(9)).json(), hold(world, tomorrow_at(10)).json()

    def delete(token: str) -> Any:
        given: Any = {"headers": {"X-Hold-Token": token}} if way == "header" else {"data": {"token": token}}
        return world.client().delete(f"{HOLDS}/{made['id']}", **given)

    assert refusal(delete(other["token"])) == (404, "not_found")
    assert refusal(delete(""))[0] in (400, 404)
    assert delete(made["token"]).status_code == 204
    assert list(Hold.objects.values_list("pk", flat=True)) == [other["id"]]


# Who, where, when


def test_a_signed_in_user_holds_in_their_own_clinic_alone(world: World, tomorrow_at: At) -> None:
    assert refusal(hold(world, tomorrow_at(9), by=world.otto)) == (404, "not_found")
    assert refusal(hold(world, tomorrow_at(9), by=world.quentin)) == (403, "permission_denied")
    assert hold(world, tomorrow_at(9), by=world.petra).status_code == 201


def test_the_rules_of_a_booking_hold_for_a_hold(world: World, tomorrow_at: At) -> None:
    assert refusal(hold(world, tomorrow_at(20))) == (400, "outside_working_hours")
    assert refusal(hold(world, tomorrow_at(9, 5))) == (400, "off_grid")
    assert refusal(hold(world, in_days(-1)(9))) == (400, "in_the_past")
    assert refusal(hold(world, in_days(200)(9))) == (400, "too_far_ahead")
    assert refusal(hold(world, this_moment() + timedelta(minutes=10))) == (400, "too_soon")
    assert hold(world, tomorrow_at(9, 5), by=world.sam).status_code == 201
    assert Hold.objects.count() == 1


@pytest.mark.parametrize("field", ["practitioner", "start"])
def test_what_is_missing_is_named(world: World, tomorrow_at: At, field: str) -> None:
    body = {"practitioner": world.petra.practitioner.pk, "start": tomorrow_at(9).isoformat()}
    del body[field]
    response = world.client().post(HOLDS, body)
    assert (refusal(response), attr_of(response)) == ((400, "required"), field)


@pytest.mark.parametrize("wrong", [0, -1, "x", None, True, [], 2**63, 10**30])
def test_a_practitioner_that_is_none_is_refused(world: World, tomorrow_at: At, wrong: Any) -> None:
    response = world.client().post(HOLDS, {"practitioner": wrong, "start": tomorrow_at(9).isoformat()})
    assert response.status_code in (400, 404)


def test_the_same_key_holds_once(world: World, tomorrow_at: At) -> None:
    first, again = (hold(world, tomorrow_at(9), key="k1") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert refusal(hold(world, tomorrow_at(10), key="k1")) == (422, "idempotency_key_reused")
    assert hold(world, tomorrow_at(10), key="k1", address="203.0.113.8").status_code == 201


# Not too many


def test_one_account_holds_only_so_many(world: World, tomorrow_at: At) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(max_holds_per_user=2)
    first = hold(world, tomorrow_at(9), by=world.paula, address="203.0.113.1").json()
    hold(world, tomorrow_at(10), by=world.paula, address="203.0.113.2")
    assert refusal(hold(world, tomorrow_at(11), by=world.paula, address="203.0.113.3")) == (429, "too_many_holds")
    assert Hold.objects.count() == 2
    assert hold(world, tomorrow_at(11), by=world.pete).status_code == 201
    world.client(world.paula).delete(f"{HOLDS}/{first['id']}")
    assert hold(world, tomorrow_at(12), by=world.paula).status_code == 201


def test_from_one_address_only_so_many_are_held(world: World, tomorrow_at: At) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(max_holds_per_address=2)
    first = hold(world, tomorrow_at(9)).json()
    hold(world, tomorrow_at(10), by=world.paula)
    for visitor in (None, world.pete):
        assert refusal(hold(world, tomorrow_at(11), by=visitor)) == (429, "too_many_holds")
    assert hold(world, tomorrow_at(11), address="203.0.113.8").status_code == 201
    expire(first["id"])
    assert hold(world, tomorrow_at(12)).status_code == 201


def test_the_desk_is_not_counted_by_its_address(world: World, tomorrow_at: At) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(max_holds_per_address=1)
    assert [hold(world, tomorrow_at(hour), by=world.sam).status_code for hour in (9, 10, 11)] == [201] * 3


def test_no_address_is_kept(world: World, tomorrow_at: At) -> None:
    hold(world, tomorrow_at(9), address="203.0.113.7")
    kept = Hold.objects.get().address_hash
    assert len(kept) == 64
    assert "203" not in kept


# What the clinic itself keeps for somebody


def test_an_offer_lasts_as_long_as_is_said_and_counts_against_nobody(world: World, tomorrow_at: At) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(max_holds_per_user=1)
    now = timezone.now()
    with transaction.atomic():
        locked = lock_practitioners(world.clinic, [world.petra.practitioner.pk], now=now)
        offer = place_hold(
            actor=Actor.by_user(fresh(world.paula)),
            clinic=world.clinic,
            practitioner=locked[world.petra.practitioner.pk],
            service=world.check_up,
            start=tomorrow_at(9),
            minutes=30,
            now=now,
        )
    assert offer.expires_at == now + timedelta(minutes=30)
    assert hold(world, tomorrow_at(10), by=world.paula).status_code == 201


def test_a_hold_shows_in_what_the_stream_reads(world: World, tomorrow_at: At) -> None:
    made = hold(world, tomorrow_at(9)).json()
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, clinic_id, practitioner_id, starts_at, expires_at FROM live_hold")
        [(hold_id, clinic_id, practitioner_id, starts_at, expires_at)] = cursor.fetchall()
    assert (hold_id, clinic_id, practitioner_id) == (made["id"], world.clinic.pk, world.petra.practitioner.pk)
    written = Hold.objects.get()
    assert (starts_at, expires_at) == (written.starts_at, written.expires_at)
