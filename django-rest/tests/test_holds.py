import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.actor import UserActor
from clinic.appointments.models import Appointment
from clinic.appointments.services.booking import Booking, book_appointment
from clinic.appointments.services.claiming import place_in
from clinic.appointments.services.holds import hold_at
from clinic.changefeed.models import StreamHead
from clinic.scheduling.models import ClaimedCell, Clinic, Hold, Service
from clinic.scheduling.services import release_expired_holds
from django.db import connection
from django.utils import timezone

from testkit.clinic.answers import APPOINTMENTS, attr_of, refusal
from testkit.clinic.times import At, in_days, this_moment
from testkit.clinic.world import World, fresh

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


def test_claims_beside_the_token_must_agree_with_it(world: World, tomorrow_at: At) -> None:
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


def test_held_time_is_booked_though_the_service_takes_longer_by_now(world: World, tomorrow_at: At) -> None:
    token = hold(world, tomorrow_at(9), service=world.check_up.pk).json()["token"]
    world.book(tomorrow_at(9, 30), patient=world.pete)
    Service.objects.filter(pk=world.check_up.pk).update(duration_minutes=60)
    assert book(world, by=world.paula, hold=token).json()["end"] == tomorrow_at(9, 30).isoformat()


def test_hold_outlasts_the_notice(world: World, tomorrow_at: At) -> None:
    """Held a minute before the notice ends and booked a minute after it."""
    start = tomorrow_at(9)
    held_at = start - timedelta(minutes=world.clinic.notice_minutes + 1)
    made = hold_at(
        world.clinic,
        place_in(world.clinic, start),
        world.petra.practitioner,
        None,
        user=fresh(world.paula),
        expires_at=held_at + timedelta(minutes=30),
        now=held_at,
    )
    made.save()
    actor = UserActor(fresh(world.paula))
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


# People, places and times


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


def test_missing_fields_are_named(world: World, tomorrow_at: At) -> None:
    response = world.client().post(HOLDS, {"practitioner": world.petra.practitioner.pk})
    assert (refusal(response), attr_of(response)) == ((400, "required"), "start")
    response = world.client().post(HOLDS, {"start": tomorrow_at(9).isoformat()})
    assert (refusal(response), attr_of(response)) == ((400, "invalid"), "clinic")


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
    assert re.fullmatch("[0-9a-f]{64}", kept)


# Times kept by the clinic itself


def test_hold_without_an_address_counts_against_no_limit(world: World, tomorrow_at: At) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(max_holds_per_user=1)
    offer = hold_at(
        world.clinic,
        place_in(world.clinic, tomorrow_at(9), service=world.check_up),
        world.petra.practitioner,
        world.check_up,
        user=fresh(world.paula),
        expires_at=timezone.now() + timedelta(minutes=30),
        now=timezone.now(),
    )
    offer.save()
    assert hold(world, tomorrow_at(10), by=world.paula).status_code == 201


def test_a_hold_shows_in_what_the_stream_reads(world: World, tomorrow_at: At) -> None:
    made = hold(world, tomorrow_at(9)).json()
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, clinic_id, practitioner_id, starts_at, expires_at FROM live_hold")
        [(hold_id, clinic_id, practitioner_id, starts_at, expires_at)] = cursor.fetchall()
    assert (hold_id, clinic_id, practitioner_id) == (made["id"], world.clinic.pk, world.petra.practitioner.pk)
    written = Hold.objects.get()
    assert (starts_at, expires_at) == (written.starts_at, written.expires_at)


def hold_with_anybody(world: World, start: datetime, *, by: User | None = None, **more: Any) -> Any:
    body = {"clinic": "riverside", "start": start.isoformat(), **more}
    return world.client(by).post(HOLDS, body, REMOTE_ADDR="203.0.113.7")


def test_hold_without_practitioner_takes_the_least_booked_who_is_free(world: World, tomorrow_at: At) -> None:
    petra, quentin = world.petra.practitioner.pk, world.quentin.practitioner.pk
    book(world, by=world.sam, practitioner=petra, start=tomorrow_at(8).isoformat())
    held = [hold_with_anybody(world, tomorrow_at(9)).json()["practitioner"] for _ in (1, 2)]
    assert held == [quentin, petra]
    third = hold_with_anybody(world, tomorrow_at(9))
    assert refusal(third) == (409, "slot_taken")
    assert third.json()["nearest"]


def test_hold_without_practitioner_is_of_one_who_offers_the_service(world: World, tomorrow_at: At) -> None:
    world.check_up.practitioners.set([world.petra.practitioner])
    made = hold_with_anybody(world, tomorrow_at(9), service=world.check_up.pk)
    assert (made.status_code, made.json()["practitioner"]) == (201, world.petra.practitioner.pk)
    again = hold_with_anybody(world, tomorrow_at(9), service=world.check_up.pk)
    assert refusal(again) == (409, "slot_taken")


def test_hold_without_practitioner_outside_of_all_hours_is_refused(world: World, tomorrow_at: At) -> None:
    assert refusal(hold_with_anybody(world, tomorrow_at(3))) == (400, "outside_working_hours")


def test_same_user_holding_the_same_start_again_gets_the_same_hold(world: World, tomorrow_at: At) -> None:
    first = hold(world, tomorrow_at(9), by=world.paula).json()
    assert hold(world, tomorrow_at(9), by=world.paula).json() == first
    assert hold_with_anybody(world, tomorrow_at(9), by=world.paula).json() == first
    assert Hold.objects.count() == 1


def renew(world: World, made: dict[str, Any], *, by: User | None = None, token: str | None = None) -> Any:
    headers = {"X-Hold-Token": token} if token else {}
    return world.client(by).post(f"{HOLDS}/{made['id']}/renew", {}, headers=headers)


def test_hold_is_renewed_once_by_its_token(world: World, tomorrow_at: At) -> None:
    made = hold(world, tomorrow_at(9)).json()
    assert made["renewable"] is True
    Hold.objects.update(expires_at=timezone.now() + timedelta(seconds=20))
    renewed = renew(world, made, token=made["token"])
    assert renewed.status_code == 200, renewed.json()
    lasts = datetime.fromisoformat(renewed.json()["expires_at"]) - timezone.now()
    assert timedelta(minutes=4) < lasts <= timedelta(minutes=5)
    assert renewed.json() == {**made, "expires_at": renewed.json()["expires_at"], "renewable": False}
    assert refusal(renew(world, made, token=made["token"])) == (409, "already_renewed")


def test_renewed_hold_is_numbered_for_the_stream(world: World, tomorrow_at: At) -> None:
    made = hold(world, tomorrow_at(9)).json()
    head = StreamHead.objects.get(clinic_id=world.clinic.pk)
    renew(world, made, token=made["token"])
    assert StreamHead.objects.get(clinic_id=world.clinic.pk).seq == head.seq + 1


def test_renewing_needs_the_token_or_the_user(world: World, tomorrow_at: At) -> None:
    made = hold(world, tomorrow_at(9), by=world.paula).json()
    assert renew(world, made).status_code == 404
    assert renew(world, made, token="nonsense").status_code == 404
    assert renew(world, made, by=world.pete).status_code == 404
    assert renew(world, made, by=world.paula).status_code == 200


def test_expired_hold_is_not_renewed(world: World, tomorrow_at: At) -> None:
    made = hold(world, tomorrow_at(9)).json()
    expire(made["id"])
    assert refusal(renew(world, made, token=made["token"])) == (409, "hold_expired")


def test_time_kept_by_the_clinic_is_not_renewed(world: World, tomorrow_at: At) -> None:
    made = hold(world, tomorrow_at(9)).json()
    Hold.objects.update(address_hash="")
    assert refusal(renew(world, made, token=made["token"])) == (409, "already_renewed")


def test_own_live_holds_are_listed_with_their_tokens_and_nobody_elses(world: World, tomorrow_at: At) -> None:
    own = hold(world, tomorrow_at(9), by=world.paula).json()
    hold(world, tomorrow_at(10), by=world.pete)
    hold(world, tomorrow_at(11))
    over = hold(world, tomorrow_at(12), by=world.paula).json()
    expire(over["id"])
    assert world.client(world.paula).get(HOLDS).json()["results"] == [own]
    assert world.client().get(HOLDS).status_code == 401


def test_time_kept_for_an_undo_or_an_offer_is_nobodys_hold(world: World, tomorrow_at: At) -> None:
    hold(world, tomorrow_at(9), by=world.paula)
    Hold.objects.update(kept_for_undo=True)
    assert world.client(world.paula).get(HOLDS).json()["results"] == []
    Hold.objects.update(kept_for_undo=False, address_hash="")
    assert world.client(world.paula).get(HOLDS).json()["results"] == []
