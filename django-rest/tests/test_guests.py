"""Gus has no account. He asks Riverside for a time and keeps the reference."""

import logging
from datetime import timedelta
from typing import Any

import pytest
from clinic.appointments.lifecycle import Status
from clinic.appointments.models import Appointment, AppointmentEvent
from clinic.appointments.views.guests import GuestBookingListView
from clinic.common.limits import Limit
from clinic.common.models import AttemptCount, IdempotencyKey
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic, Hold
from django.utils import timezone

from .conftest import APPOINTMENTS, At, World, attr_of, code_of, in_days, refusal, row_of

BOOKINGS = "/api/v1/public/bookings"
SHOWN = {"status", "start", "end", "date", "time", "practitioner", "practitioner_name"}


def ask(world: World, *, address: str = "203.0.113.7", key: str | None = None, **body: Any) -> Any:
    given = {"clinic": "riverside", "name": "Gus Guest", "phone": "0171 2345678", **body}
    given = {name: value for name, value in given.items() if value is not None}
    headers = {} if key is None else {"Idempotency-Key": key}
    return world.client().post(BOOKINGS, given, headers=headers, REMOTE_ADDR=address)


def with_petra(world: World, start: Any) -> dict[str, Any]:
    return {"practitioner": world.petra.practitioner.pk, "start": start.isoformat()}


@pytest.fixture
def booked(world: World, tomorrow_at: At) -> dict[str, Any]:
    """Gus's request for nine o'clock with Petra, in three days."""
    response = ask(world, **with_petra(world, in_days(3)(9)))
    assert response.status_code == 201, response.json()
    body: dict[str, Any] = response.json()
    return body


def test_a_guests_request_is_pending_and_has_a_reference(world: World, booked: dict[str, Any]) -> None:
    assert set(booked) == SHOWN | {"reference"}
    assert (booked["status"], booked["time"], booked["practitioner_name"]) == ("pending", "09:00", "Dr Petra")
    assert len(booked["reference"]) == 32
    appointment = Appointment.objects.get()
    assert (appointment.source, appointment.patient.user, appointment.patient.phone) == ("guest", None, "+491712345678")
    event = AppointmentEvent.objects.get()
    assert (event.action, event.actor_kind, event.actor_name, event.actor) == ("create", "guest", "Gus Guest", None)


def test_the_clinic_decides_even_where_patients_are_confirmed_by_themselves(world: World, tomorrow_at: At) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(auto_confirm=True)
    assert ask(world, **with_petra(world, tomorrow_at(9))).json()["status"] == "pending"


def test_the_desk_sees_the_guests_request_and_no_reference(world: World, booked: dict[str, Any]) -> None:
    [row] = world.client(world.sam).get(APPOINTMENTS).json()["results"]
    assert (row["patient_name"], row["source"], row["status"]) == ("Gus Guest", "guest", "pending")
    assert booked["reference"] not in str(row)


def test_without_a_practitioner_a_free_one_is_chosen(world: World, tomorrow_at: At) -> None:
    world.book(tomorrow_at(9), practitioner=world.petra)
    response = ask(world, start=tomorrow_at(9).isoformat(), service=world.check_up.pk)
    assert (response.status_code, response.json()["practitioner_name"]) == (201, "Dr Quentin")


def test_a_guest_books_what_was_held(world: World, tomorrow_at: At) -> None:
    held = world.client().post("/api/v1/holds", with_petra(world, tomorrow_at(9))).json()
    response = ask(world, clinic=None, hold=held["token"])
    assert (response.status_code, response.json()["start"]) == (201, tomorrow_at(9).isoformat())
    assert not Hold.objects.exists()
    assert refusal(ask(world, clinic=None, hold=held["token"])) == (409, "hold_expired")


def test_the_clinic_is_named_by_slug_or_id_or_by_the_practitioner(world: World, tomorrow_at: At) -> None:
    for hour, named in ((9, "riverside"), (10, world.clinic.pk), (11, None)):
        response = ask(world, clinic=named, **with_petra(world, tomorrow_at(hour)))
        assert response.status_code == 201, response.json()
    start = {"start": tomorrow_at(14).isoformat()}
    assert (code_of(ask(world, clinic=None, **start)), attr_of(ask(world, clinic=None, **start))) == (
        "invalid",
        "clinic",
    )
    assert refusal(ask(world, clinic="nowhere", **start)) == (404, "not_found")
    assert refusal(ask(world, clinic="hillside", **with_petra(world, tomorrow_at(14)))) == (404, "not_found")


def test_a_guest_keeps_to_the_rules_for_patients(world: World, tomorrow_at: At) -> None:
    for start, code in (
        (tomorrow_at(9, 5), "off_grid"),
        (tomorrow_at(20), "outside_working_hours"),
        (in_days(-1)(9), "in_the_past"),
        (in_days(200)(9), "too_far_ahead"),
    ):
        response = ask(world, **with_petra(world, start))
        assert refusal(response) == (400, code)
    assert refusal(ask(world, **with_petra(world, tomorrow_at(20)), outside_hours=True)) == (400, "unknown_field")
    assert not Patient.objects.filter(name="Gus Guest").exists()


def test_a_taken_time_is_409_with_the_nearest(world: World, tomorrow_at: At) -> None:
    world.book(tomorrow_at(9))
    response = ask(world, **with_petra(world, tomorrow_at(9)))
    assert refusal(response) == (409, "slot_taken")
    assert len(response.json()["nearest"]) == 3


@pytest.mark.parametrize(("field", "wrong"), [("name", ""), ("phone", "1"), ("phone", "call me"), ("email", "gus@")])
def test_what_is_wrong_is_named(world: World, tomorrow_at: At, field: str, wrong: str) -> None:
    response = ask(world, **{**with_petra(world, tomorrow_at(9)), field: wrong})
    assert (response.status_code, attr_of(response)) == (400, field)


@pytest.mark.parametrize("field", ["name", "phone", "start"])
def test_what_is_missing_is_named(world: World, tomorrow_at: At, field: str) -> None:
    response = ask(world, **{**with_petra(world, tomorrow_at(9)), field: None})
    assert (refusal(response), attr_of(response)) == ((400, "required"), field)


# Whose record it is


def test_the_same_name_and_phone_are_the_same_guest(world: World, booked: dict[str, Any]) -> None:
    response = ask(world, name="  gus   GUEST ", phone="+49 171 2345678", **with_petra(world, in_days(4)(9)))
    assert response.status_code == 201
    assert Patient.objects.filter(phone="+491712345678").count() == 1
    ask(world, name="Gesa Guest", **with_petra(world, in_days(5)(9)))
    assert Patient.objects.filter(phone="+491712345678").count() == 2


def test_an_accounts_record_is_never_taken_by_name_and_phone(world: World, tomorrow_at: At) -> None:
    paula = world.paula.patient
    response = ask(world, name=paula.name, phone=paula.phone, **with_petra(world, tomorrow_at(9)))
    assert response.status_code == 201
    assert Appointment.objects.get().patient != paula
    assert world.client(world.paula).get(APPOINTMENTS).json()["count"] == 0


def test_nobody_puts_their_own_email_on_anothers_record(world: World, booked: dict[str, Any]) -> None:
    ask(world, email="thief@example.org", **with_petra(world, in_days(4)(9)))
    emails = Patient.objects.filter(name="Gus Guest").order_by("pk").values_list("email", flat=True)
    assert list(emails) == ["", "thief@example.org"]


# The reference


def test_the_reference_shows_status_time_and_practitioner_and_nothing_else(
    world: World, booked: dict[str, Any]
) -> None:
    url = f"{BOOKINGS}/{booked['reference']}"
    response = world.client().get(url)
    assert (response.status_code, set(response.json())) == (200, SHOWN)
    appointment = Appointment.objects.get()
    world.client(world.sam).post(f"{APPOINTMENTS}/{appointment.pk}/confirm")
    assert world.client().get(url + "/").json()["status"] == "confirmed"
    assert "Gus" not in world.client().get(url).content.decode()


@pytest.mark.parametrize("reference", ["x", "0", "a" * 32, "A-b_" * 8])
def test_an_unknown_reference_is_not_found(world: World, booked: dict[str, Any], reference: str) -> None:
    assert refusal(world.client().get(f"{BOOKINGS}/{reference}")) == (404, "not_found")
    assert refusal(world.client().post(f"{BOOKINGS}/{reference}/cancel")) == (404, "not_found")


def test_the_reference_is_compared_letter_by_letter(world: World, booked: dict[str, Any]) -> None:
    other_case = booked["reference"].swapcase()
    assert other_case != booked["reference"]
    assert refusal(world.client().get(f"{BOOKINGS}/{other_case}")) == (404, "not_found")


def test_what_has_no_reference_is_not_found_by_its_absence(world: World, tomorrow_at: At) -> None:
    world.book(tomorrow_at(9))
    for reference in ("None", "null"):
        assert refusal(world.client().get(f"{BOOKINGS}/{reference}")) == (404, "not_found")


def test_a_guest_cancels_within_the_notice(world: World, booked: dict[str, Any]) -> None:
    response = world.client().post(f"{BOOKINGS}/{booked['reference']}/cancel", {"reason": "better again"})
    assert (response.status_code, response.json()["status"]) == (200, "cancelled")
    appointment = Appointment.objects.get()
    assert (appointment.cancel_reason, appointment.version) == ("better again", 2)
    event = AppointmentEvent.objects.latest("pk")
    assert (event.action, event.actor_kind, event.actor_name) == ("cancel", "guest", "Gus Guest")
    again = world.client().post(f"{BOOKINGS}/{booked['reference']}/cancel")
    assert refusal(again) == (409, "transition_not_allowed")


def test_it_can_be_too_late_to_cancel(world: World, booked: dict[str, Any]) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(cancellation_notice_minutes=7 * 24 * 60)
    response = world.client().post(f"{BOOKINGS}/{booked['reference']}/cancel")
    assert refusal(response) == (409, "too_late_to_cancel")
    assert row_of(Appointment.objects.get()).status == Status.PENDING


def test_a_reference_is_not_in_the_log(world: World, booked: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "chairside.request"):
        world.client().get(f"{BOOKINGS}/{booked['reference']}")
    [line] = [record.getMessage() for record in caplog.records if record.name == "chairside.request"]
    assert line.startswith(f"GET {BOOKINGS}/<slug:reference> 200")


# Not too many


def test_one_phone_waits_for_only_so_many_answers(world: World) -> None:
    """Three, unless the clinic says otherwise; whoever writes the number, and whoever else has it."""
    Clinic.objects.filter(pk=world.clinic.pk).update(max_pending_per_phone=Clinic().max_pending_per_phone)
    for day in (3, 4):
        assert ask(world, **with_petra(world, in_days(day)(9))).status_code == 201
    assert ask(world, name="Gesa", phone="+49 171 2345678", **with_petra(world, in_days(5)(9))).status_code == 201
    response = ask(world, name="Gero", **with_petra(world, in_days(6)(9)))
    assert refusal(response) == (429, "too_many_pending")
    assert not Patient.objects.filter(name="Gero").exists()
    assert ask(world, phone="0171 9999999", **with_petra(world, in_days(6)(9))).status_code == 201


def test_what_is_decided_waits_no_more(world: World) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(max_pending_per_phone=1)
    assert ask(world, **with_petra(world, in_days(3)(9))).status_code == 201
    assert refusal(ask(world, **with_petra(world, in_days(4)(9)))) == (429, "too_many_pending")
    appointment = Appointment.objects.get()
    world.client(world.sam).post(f"{APPOINTMENTS}/{appointment.pk}/confirm")
    assert ask(world, **with_petra(world, in_days(4)(9))).status_code == 201


def test_patients_with_an_account_are_counted_by_their_phone_too(world: World) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(max_pending_per_phone=1)
    Patient.objects.filter(pk=world.pete.patient.pk).update(phone="+491609999999")

    def book(user: Any, day: int) -> Any:
        return world.client(user).post(APPOINTMENTS, with_petra(world, in_days(day)(9)))

    assert book(world.paula, 3).status_code == 201
    assert refusal(book(world.paula, 4)) == (429, "too_many_pending")
    assert refusal(ask(world, phone=world.paula.patient.phone, **with_petra(world, in_days(4)(9))))[0] == 429
    assert book(world.pete, 4).status_code == 201
    world.book(in_days(5)(9), patient=world.paula)
    assert Appointment.objects.count() == 3


def test_patients_without_a_phone_are_not_counted_together(world: World) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(max_pending_per_phone=1)
    Patient.objects.filter(clinic=world.clinic).update(phone="")
    for user, day, status in ((world.paula, 3, 201), (world.pete, 4, 201), (world.paula, 5, 429)):
        response = world.client(user).post(APPOINTMENTS, with_petra(world, in_days(day)(9)))
        assert response.status_code == status


def test_one_address_asks_only_so_often(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GuestBookingListView, "address_limit", Limit("guest_booking", 2, timedelta(hours=1)))
    for _ in range(2):
        assert ask(world, name="").status_code == 400  # What is refused counts too.
    response = ask(world, **with_petra(world, in_days(3)(9)))
    assert refusal(response) == (429, "throttled")
    assert 0 < int(response.headers["Retry-After"]) <= 3601
    assert ask(world, address="203.0.113.8", **with_petra(world, in_days(3)(9))).status_code == 201
    AttemptCount.objects.update(expires_at=timezone.now())
    assert ask(world, **with_petra(world, in_days(4)(9))).status_code == 201


# The same request again


def test_a_repeated_request_gets_the_same_reference_from_anywhere(world: World) -> None:
    body = with_petra(world, in_days(3)(9))
    first, again = ask(world, key="k1", **body), ask(world, key="k1", address="198.51.100.1", **body)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert Appointment.objects.count() == 1


def test_another_guests_key_is_their_own(world: World) -> None:
    assert ask(world, key="k1", **with_petra(world, in_days(3)(9))).status_code == 201
    other = ask(world, key="k1", phone="0171 9999999", **with_petra(world, in_days(3)(10)))
    assert other.status_code == 201
    changed = ask(world, key="k1", **with_petra(world, in_days(3)(11)))
    assert refusal(changed) == (422, "idempotency_key_reused")
    assert all(len(owner) <= 40 for owner in IdempotencyKey.objects.values_list("owner", flat=True))
