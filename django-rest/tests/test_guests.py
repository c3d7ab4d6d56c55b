"""Gus has no account. He asks Riverside for a time and keeps the reference."""

import logging
import re
from dataclasses import replace
from datetime import timedelta
from functools import partial
from importlib import import_module
from typing import Any

import pytest
from clinic.appointments.lifecycle import Status
from clinic.appointments.models import Appointment, AppointmentEvent
from clinic.appointments.services import guest_bookings
from clinic.appointments.services.booking import Booking
from clinic.appointments.services.guest_bookings import book_as_guest
from clinic.appointments.views.guests import GuestBookingListView
from clinic.common.limits import Limit
from clinic.common.models import AttemptCount, IdempotencyKey
from clinic.outbox.models import Message
from clinic.people.models import Patient
from clinic.people.services.guests import guest_of
from clinic.people.services.merging import merge_patients
from clinic.scheduling.models import Clinic, Hold
from django.apps import apps
from django.db import connection
from django.utils import timezone

from testkit.clinic.answers import APPOINTMENTS, attr_of, code_of, refusal
from testkit.clinic.concurrency import at_once
from testkit.clinic.times import At, in_days
from testkit.clinic.world import World, row_of

BOOKINGS = "/api/v1/public/bookings"
SHOWN = {
    *("status", "start", "end", "date", "time", "practitioner", "practitioner_name", "service", "service_name"),
    *("attendance_confirmed_at", "arrived_at", "called_at", "requested_start", "room", "request_note", "version"),
    *("actions", "cancel_until", "moves_left", "patient_moves", "clinic"),
}


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
    assert len(booked["reference"]) == 22
    appointment = Appointment.objects.get()
    assert (appointment.source, appointment.patient.user, appointment.patient.phone) == ("guest", None, "+491712345678")
    event = AppointmentEvent.objects.get()
    assert (event.action, event.actor_kind, event.actor_name, event.actor) == ("create", "guest", "Gus Guest", None)


def test_the_clinic_decides_even_where_patients_are_confirmed_by_themselves(world: World, tomorrow_at: At) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(auto_confirm=True)
    assert ask(world, **with_petra(world, tomorrow_at(9))).json()["status"] == "pending"


def test_desk_sees_the_guests_request_with_its_reference_and_words(world: World, booked: dict[str, Any]) -> None:
    [row] = world.client(world.sam).get(APPOINTMENTS).json()["results"]
    assert (row["patient_name"], row["source"], row["status"]) == ("Gus Guest", "guest", "pending")
    assert (row["reference"], row["request_note"], row["notes"]) == (booked["reference"], "", "")


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
def test_wrong_value_is_named(world: World, tomorrow_at: At, field: str, wrong: str) -> None:
    response = ask(world, **{**with_petra(world, tomorrow_at(9)), field: wrong})
    assert (response.status_code, attr_of(response)) == (400, field)


@pytest.mark.parametrize("field", ["name", "phone", "start"])
def test_missing_parts_are_named(world: World, tomorrow_at: At, field: str) -> None:
    response = ask(world, **{**with_petra(world, tomorrow_at(9)), field: None})
    assert (refusal(response), attr_of(response)) == ((400, "required"), field)


# Owner of the record


def test_name_and_phone_alone_lead_to_no_record_of_an_earlier_request(world: World, booked: dict[str, Any]) -> None:
    """A stranger may have typed them."""
    assert ask(world, **with_petra(world, in_days(4)(9))).status_code == 201
    assert Patient.objects.filter(phone="+491712345678").count() == 2


def test_reference_of_an_earlier_request_leads_to_its_record(world: World, booked: dict[str, Any]) -> None:
    def ask_again(day: int, **more: Any) -> Patient:
        response = ask(world, **{"reference": booked["reference"], **with_petra(world, in_days(day)(9)), **more})
        assert response.status_code == 201, response.json()
        return Appointment.objects.latest("pk").patient

    record = Appointment.objects.get().patient
    assert ask_again(4, name="  gus   GUEST ", phone="+49 171 2345678") == record
    assert ask_again(5, name="Gesa Guest") != record
    assert ask_again(6, phone="0171 9999999") != record
    assert ask_again(7, email="thief@example.org") != record
    refused = ask(world, reference="x" * 32, **with_petra(world, in_days(8)(9)))
    assert (refusal(refused), attr_of(refused)) == ((400, "invalid"), "reference")


def test_verified_phone_and_name_lead_to_a_record(world: World, booked: dict[str, Any]) -> None:
    def code() -> str:
        asked = world.client().post("/api/v1/public/phone-codes", {"phone": "0171 2345678", "clinic": "riverside"})
        assert asked.status_code == 202
        body = Message.objects.filter(recipient="+491712345678").latest("pk").body
        return "".join(re.findall(r"\b\d{6}\b", body))

    record, given = Appointment.objects.get().patient, code()
    assert ask(world, phone_code=given, **with_petra(world, in_days(4)(9))).status_code == 201
    assert Appointment.objects.latest("pk").patient == record
    assert ask(world, name="Gesa", phone_code=given, **with_petra(world, in_days(5)(9))).status_code == 201
    assert Appointment.objects.latest("pk").patient.name == "Gesa"
    refused = ask(world, phone_code="x", **with_petra(world, in_days(6)(9)))
    assert refusal(refused) == (403, "phone_not_proven")


def test_clinic_may_ask_guests_for_a_code(world: World, booked: dict[str, Any]) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(guests_verify_phone=True)
    new: dict[str, Any] = {"name": "Gesa", "phone": "0171 5555555"}
    assert refusal(ask(world, **new, **with_petra(world, in_days(4)(9)))) == (403, "phone_not_proven")
    again = ask(world, reference=booked["reference"], **with_petra(world, in_days(4)(9)))
    assert again.status_code == 201
    asked = world.client().post("/api/v1/public/phone-codes", {"phone": "0171 5555555", "clinic": "riverside"})
    assert asked.status_code == 202
    code = re.findall(r"\b\d{6}\b", Message.objects.get(recipient="+491715555555").body)[0]
    assert ask(world, phone_code=code, **new, **with_petra(world, in_days(5)(9))).status_code == 201


def test_owner_of_a_phone_is_not_stopped_by_requests_of_strangers(world: World, booked: dict[str, Any]) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(max_pending_per_phone=1)
    assert refusal(ask(world, **with_petra(world, in_days(4)(9)))) == (429, "too_many_pending")
    guest = guest_of(world.clinic, name="Gesa", phone="0171 2345678")
    when = Booking(None, practitioner_id=world.petra.practitioner.pk, start=in_days(4)(9))
    made = book_as_guest(guest=replace(guest, is_verified=True), booking=when, now=timezone.now())
    assert made.patient.name == "Gesa"


def test_same_request_from_the_same_address_within_ten_minutes_is_answered_as_before(world: World) -> None:
    given: dict[str, Any] = {"start": in_days(3)(9).isoformat(), "service": world.check_up.pk}
    first, again = ask(world, **given), ask(world, name="Gus  guest", **given)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert Appointment.objects.count() == 1
    others: list[dict[str, Any]] = [{"address": "198.51.100.1"}, {"name": "Gesa"}, {"service": None}]
    for other in others:
        assert ask(world, **{**given, **other}).json().get("reference") != first.json()["reference"]


def test_same_request_after_ten_minutes_or_a_cancellation_is_a_new_one(world: World) -> None:
    given = with_petra(world, in_days(3)(9))
    first = ask(world, **given).json()["reference"]
    assert world.client().post(f"{BOOKINGS}/{first}/cancel").status_code == 200
    second = ask(world, **given).json()["reference"]
    assert second not in (None, first)
    assert ask(world, **given).json()["reference"] == second
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(minutes=10))
    assert refusal(ask(world, **given)) == (409, "slot_taken")


@pytest.mark.race
def test_same_request_at_once_is_one_booking(committed_world: World) -> None:
    given: dict[str, Any] = {"start": in_days(3)(9).isoformat(), "service": committed_world.check_up.pk}
    answers = at_once([partial(ask, committed_world, **given) for _ in range(4)])
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.json()["reference"] for answer in answers}) == 1
    assert Appointment.objects.count() == 1


# Guests whom the clinic knows already


def confirm(world: World, by: Any, appointment: Appointment, **given: Any) -> Any:
    return world.client(by).post(f"{APPOINTMENTS}/{appointment.pk}/confirm", given)


def test_desk_approves_and_links_a_request_in_one_step(world: World, booked: dict[str, Any]) -> None:
    appointment = Appointment.objects.get()
    known = Patient.objects.create(clinic=world.clinic, name="Gus GUEST", phone="+491712345678")
    own = appointment.patient_id
    desk = world.client(world.sam)
    [match] = desk.get(f"/api/v1/patients/{own}/possible-duplicates").json()
    assert (match["id"], match["same_name"]) == (known.pk, True)
    answer = confirm(world, world.sam, appointment, link_to=known.pk, version=1)
    assert (answer.status_code, answer.json()["status"], answer.json()["patient"]) == (200, "confirmed", known.pk)
    assert not Patient.objects.filter(pk=own).exists()
    assert world.client().get(f"{BOOKINGS}/{booked['reference']}").json()["status"] == "confirmed"
    actions = AppointmentEvent.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["create", "link", "confirm"]


def test_desk_links_a_request_beside_another_visit_of_the_person(world: World, booked: dict[str, Any]) -> None:
    appointment = Appointment.objects.get()
    known = Patient.objects.create(clinic=world.clinic, name="Gus Guest", phone="+491712345678")
    other = world.book(appointment.starts_at, practitioner=world.quentin)
    Appointment.objects.filter(pk=other.pk).update(patient=known)
    assert refusal(confirm(world, world.sam, appointment, link_to=known.pk)) == (409, "own_appointment")
    alone = confirm(world, world.sam, appointment, allow_overlap=True)
    assert (refusal(alone), attr_of(alone)) == ((400, "invalid"), "allow_overlap")
    answer = confirm(world, world.sam, appointment, link_to=known.pk, version=1, allow_overlap=True)
    assert (answer.status_code, answer.json()["status"], answer.json()["patient"]) == (200, "confirmed", known.pk)
    assert Appointment.objects.filter(patient=known, allow_overlap=True).count() == 1


def test_request_that_was_changed_meanwhile_is_not_approved(
    world: World, booked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    appointment = Appointment.objects.get()
    known = Patient.objects.create(clinic=world.clinic, name="Gus Guest", phone="+491712345678")

    def change_before(*args: Any, **named: Any) -> None:
        Appointment.objects.update(version=2)
        merge_patients(*args, **named)

    monkeypatch.setattr(guest_bookings, "merge_patients", change_before)
    refused = confirm(world, world.sam, appointment, link_to=known.pk, version=1)
    assert refusal(refused) == (409, "stale_version")
    assert row_of(appointment).status == Status.PENDING


def test_guest_cancels_while_the_desk_links_their_record(
    world: World, booked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Patient.objects.create(clinic=world.clinic, name="Gus Guest", phone="+491712345678")
    monkeypatch.setattr(
        guest_bookings,
        "lock_what_effects_may_claim",
        lambda *_, **__: Appointment.objects.update(patient=known),
    )
    answer = world.client().post(f"{BOOKINGS}/{booked['reference']}/cancel", {})
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")


def test_link_that_is_refused_approves_nothing(world: World, booked: dict[str, Any]) -> None:
    appointment = Appointment.objects.get()
    other_clinics = Patient.objects.create(clinic=world.hillside, name="Gus Guest", phone="+491712345678")
    known = Patient.objects.create(clinic=world.clinic, name="Gus Guest", phone="+491712345678")
    refused = confirm(world, world.sam, appointment, link_to=other_clinics.pk)
    assert (refusal(refused), attr_of(refused)) == ((400, "invalid"), "link_to")
    assert refusal(confirm(world, world.petra, appointment, link_to=known.pk)) == (403, "permission_denied")
    assert refusal(confirm(world, world.sam, appointment, link_to=known.pk, version=7)) == (409, "stale_version")
    world.book(in_days(3)(9), patient=world.pete, practitioner=world.quentin)
    Appointment.objects.exclude(pk=appointment.pk).update(patient=known)
    assert refusal(confirm(world, world.sam, appointment, link_to=known.pk)) == (409, "own_appointment")
    assert row_of(appointment).status == Status.PENDING
    paulas = world.book(in_days(4)(9), by=world.paula)
    assert refusal(confirm(world, world.sam, paulas, link_to=known.pk)) == (400, "invalid")


def test_an_accounts_record_is_never_taken_by_name_and_phone(world: World, tomorrow_at: At) -> None:
    paula = world.paula.patient
    response = ask(world, name=paula.name, phone=paula.phone, **with_petra(world, tomorrow_at(9)))
    assert response.status_code == 201
    assert Appointment.objects.get().patient != paula
    assert world.client(world.paula).get(APPOINTMENTS).json()["count"] == 0


def test_own_email_cannot_be_put_on_anothers_record(world: World, booked: dict[str, Any]) -> None:
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


def test_row_without_a_reference_is_not_found_by_its_absence(world: World, tomorrow_at: At) -> None:
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


def test_decided_request_waits_no_more(world: World) -> None:
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
        assert ask(world, name="").status_code == 400  # Refusals counts too.
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


def test_notes_of_patients_and_guests_are_their_request_note(world: World, tomorrow_at: At) -> None:
    ask(world, **with_petra(world, tomorrow_at(9)), notes="a toothache")
    own = {"start": tomorrow_at(10).isoformat(), "practitioner": world.petra.practitioner.pk, "notes": "by the window"}
    shown = world.client(world.paula).post(APPOINTMENTS, own).json()
    assert shown["request_note"] == "by the window"
    rows = Appointment.objects.order_by("starts_at").values_list("request_note", "notes")
    assert list(rows) == [("a toothache", ""), ("by the window", "")]


def test_existing_visits_without_a_reference_get_one(committed_world: World, tomorrow_at: At) -> None:
    """The guest's stays."""
    world = committed_world
    kept, *others = (world.book(tomorrow_at(hour)) for hour in (9, 10, 11))
    migration = import_module("clinic.appointments.migrations.0022_references_and_arrivals")
    with connection.schema_editor(atomic=False) as editor, connection.cursor() as cursor:
        cursor.execute(migration.OPTIONAL)
        cursor.execute("UPDATE appointment SET reference = NULL WHERE id <> %s", [kept.pk])
        migration.fill_in(apps, editor)
        for statement in migration.REQUIRED:
            cursor.execute(statement)
        cursor.execute("SHOW FULL COLUMNS FROM appointment LIKE 'reference'")
        column = cursor.fetchone()
    made = {row_of(one).reference for one in others}
    assert len(made) == len(others)
    assert all(re.fullmatch(r"[\w-]{22}", reference) for reference in made)
    assert row_of(kept).reference == kept.reference
    assert (column[2], column[3]) == ("utf8mb4_bin", "NO")
