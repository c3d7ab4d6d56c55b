"""Every call of an older front end, as it is sent; and nothing is guessed."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
import yaml
from clinic.accounts.services import issue_tokens
from clinic.appointments.models import Appointment
from clinic.compat.table import BY_OPERATION, TABLE, RequestPart
from clinic.people.models import Patient
from clinic.scheduling.models import Hold, Service
from config import urls
from rest_framework.test import APIClient

from testkit.clinic.answers import APPOINTMENTS, attr_of, code_of, refusal
from testkit.clinic.times import in_days
from testkit.clinic.world import PASSWORD, World, fresh, row_of

OLD = "/api/appointments"
RESERVE = "/api/availability/reserve"


def petra_of(world: World) -> int:
    return world.petra.practitioner.pk


def quentin_of(world: World) -> int:
    return world.quentin.practitioner.pk


def date_and_time(at: datetime) -> dict[str, str]:
    return {"date": f"{at:%Y-%m-%d}", "time": f"{at:%H:%M}"}


def booked(response: Any) -> Appointment:
    assert response.status_code == 201, response.content
    return Appointment.objects.get(pk=response.json()["id"])


# Practitioners, services, starts


@pytest.mark.parametrize(
    "name", ["dentist", "dentist_id", "dentistId", "doctor", "doctor_id", "doctorId", "practitioner_id"]
)
@pytest.mark.parametrize("prefix", ["/api", "/api/v1"])
def test_every_name_of_a_practitioner_books_that_practitioner(world: World, prefix: str, name: str) -> None:
    body = {name: quentin_of(world), "patient": world.paula.patient.pk, "start": in_days(7)(9).isoformat()}
    appointment = booked(world.client(world.sam).post(f"{prefix}/appointments/", body))
    assert appointment.practitioner_id == quentin_of(world)


@pytest.mark.parametrize("name", ["service_id", "serviceId"])
def test_every_name_of_a_service_books_its_length(world: World, name: str) -> None:
    long = Service.objects.create(clinic=world.clinic, name="Root canal", duration_minutes=50, color="#000000")
    long.practitioners.add(world.petra.practitioner)
    body = {name: long.pk, "patient": world.paula.patient.pk, "dentist_id": petra_of(world)}
    appointment = booked(world.client(world.sam).post(OLD, {**body, "start": in_days(7)(9).isoformat()}))
    assert appointment.ends_at - appointment.starts_at == timedelta(minutes=50)


@pytest.mark.parametrize("name", ["appointment_date", "startTime"])
def test_every_name_of_a_start_books_that_time(world: World, name: str) -> None:
    body = {"dentist_id": petra_of(world), "patient_id": world.paula.patient.pk, name: in_days(7)(9).isoformat()}
    assert booked(world.client(world.sam).post(OLD, body)).starts_at == in_days(7)(9)


@pytest.mark.parametrize("value", ["Check-up", " check-UP "])
def test_appointment_type_is_the_name_of_a_service(world: World, value: str) -> None:
    body = {"dentist_id": petra_of(world), "patient_id": world.paula.patient.pk, "appointment_type": value}
    appointment = booked(world.client(world.sam).post(OLD, {**body, "appointment_date": in_days(7)(9).isoformat()}))
    assert appointment.service_id == world.check_up.pk


def test_unknown_appointment_type_is_400_and_names_the_nearest(world: World) -> None:
    body = {"patient": world.paula.patient.pk, "appointment_type": "Checkups", "start": in_days(7)(9).isoformat()}
    response = world.client(world.sam).post(OLD, body)
    assert (refusal(response), attr_of(response)) == ((400, "invalid"), "appointment_type")
    assert "`Check-up`" in response.json()["errors"][0]["detail"]


def test_appointment_type_of_two_services_is_ambiguous(world: World) -> None:
    Service.objects.create(clinic=world.clinic, name="check-up", duration_minutes=60, color="#000000")
    body = {"patient": world.paula.patient.pk, "appointment_type": "Check-up", "start": in_days(7)(9).isoformat()}
    assert refusal(world.client(world.sam).post(OLD, body)) == (400, "ambiguous")


@pytest.mark.parametrize("empty", [None, ""])
def test_empty_names_are_not_given(world: World, empty: str | None) -> None:
    empties = dict.fromkeys(("dentist", "service_id", "appointment_type", "appointment_date"), empty)
    body = {**empties, "patient": world.paula.patient.pk, **date_and_time(in_days(7)(9))}
    appointment = booked(world.client(world.sam).post(OLD, body))
    assert (appointment.service_id, appointment.starts_at) == (None, in_days(7)(9))


def test_error_names_the_field_as_it_was_sent(world: World) -> None:
    body = {"dentistId": "petra", "patient": world.paula.patient.pk, "start": in_days(7)(9).isoformat()}
    assert attr_of(world.client(world.sam).post(OLD, body)) == "dentistId"
    body = {"patient": world.paula.patient.pk, "appointment_date": in_days(-7)(9).isoformat()}
    response = world.client(world.sam).post(OLD, body)
    assert (refusal(response), attr_of(response)) == ((400, "in_the_past"), "appointment_date")


# Patients


def test_patient_books_by_their_own_user_id(world: World) -> None:
    assert world.paula.pk != world.paula.patient.pk
    body = {"patient": world.paula.pk, "dentist": petra_of(world), **date_and_time(in_days(7)(9))}
    assert booked(world.client(world.paula).post(OLD, body)).patient_id == world.paula.patient.pk
    body = {"patient_id": world.paula.pk, "dentist": petra_of(world), **date_and_time(in_days(8)(9))}
    assert booked(world.client(world.paula).post(OLD, body)).patient_id == world.paula.patient.pk


def test_patient_waits_by_their_own_user_id(world: World) -> None:
    days = {"first_date": f"{in_days(7)(9):%Y-%m-%d}", "last_date": f"{in_days(9)(9):%Y-%m-%d}"}
    for name in ("patient", "patient_id"):
        answer = world.client(world.paula).post("/api/waitlist/", {name: world.paula.pk, **days})
        assert (answer.status_code, answer.json()["patient"]) == (201, world.paula.patient.pk)


def test_user_id_of_another_person_is_no_patient(world: World) -> None:
    body = {"patient": world.pete.pk, "dentist": petra_of(world), **date_and_time(in_days(7)(9))}
    assert refusal(world.client(world.paula).post(OLD, body)) == (404, "not_found")
    # The desk names records: a user's id is not read as one.
    stray = max(world.paula.pk, Patient.objects.order_by("-pk")[0].pk) + 1000
    assert world.client(world.sam).post(OLD, {**body, "patient": stray}).status_code == 404
    assert not Appointment.objects.exists()


# Status


@pytest.mark.parametrize(
    ("who", "status", "made"),
    [
        ("sam", "PENDING", "pending"),
        ("sam", "Confirmed", "confirmed"),
        ("sam", "APPROVED", "confirmed"),
        ("paula", "pending", "pending"),
    ],
)
def test_booking_may_say_its_status(world: World, who: str, status: str, made: str) -> None:
    body = {"patient": world.paula.patient.pk, "status": status, "start": in_days(7)(9).isoformat()}
    assert booked(world.client(getattr(world, who)).post(OLD, body)).status == made


@pytest.mark.parametrize(("who", "status"), [("paula", "confirmed"), ("sam", "completed"), ("sam", "rejected")])
def test_booking_with_a_status_nobody_may_ask_for_is_400(world: World, who: str, status: str) -> None:
    body = {"patient": world.paula.patient.pk, "status": status, "start": in_days(7)(9).isoformat()}
    response = world.client(getattr(world, who)).post(OLD, body)
    assert (response.status_code, attr_of(response)) == (400, "status")
    assert not Appointment.objects.exists()


@pytest.mark.parametrize(("sent", "becomes"), [("APPROVED", "confirmed"), ("Rejected", "rejected")])
def test_status_in_any_case_is_the_step(world: World, sent: str, becomes: str) -> None:
    appointment = world.book(in_days(7)(9), by=world.paula)
    assert world.client(world.sam).patch(f"{OLD}/{appointment.pk}/", {"status": sent}).json()["status"] == becomes


def test_edit_form_with_an_unchanged_status_saves_the_note(world: World) -> None:
    appointment = world.book(in_days(7)(9))
    form = {"status": "CONFIRMED", **date_and_time(in_days(7)(9)), "notes": "called back"}
    response = world.client(world.sam).patch(f"{OLD}/{appointment.pk}/", form)
    assert (response.status_code, response.json()["notes"]) == (200, "called back")
    assert row_of(appointment).version == appointment.version + 1


def test_edit_form_changes_whichever_of_its_fields_differ(world: World) -> None:
    appointment = world.book(in_days(7)(9), by=world.paula)
    form = {"status": "approved", **date_and_time(in_days(8)(10, 30)), "notes": "moved"}
    shown = world.client(world.sam).patch(f"{OLD}/{appointment.pk}/", form).json()
    assert (shown["status"], shown["notes"]) == ("confirmed", "moved")
    assert row_of(appointment).starts_at == in_days(8)(10, 30)


def test_edit_form_as_it_was_changes_nothing(world: World) -> None:
    appointment = world.book(in_days(7)(9), notes="as it was")
    form = {"status": "confirmed", **date_and_time(in_days(7)(9)), "notes": "as it was"}
    assert world.client(world.sam).patch(f"{OLD}/{appointment.pk}/", form).status_code == 200
    assert row_of(appointment).version == appointment.version


def test_date_or_time_alone_leaves_the_other(world: World) -> None:
    appointment = world.book(in_days(7)(9))
    client, url = world.client(world.sam), f"{OLD}/{appointment.pk}"
    assert client.patch(url, {"time": "10:30"}).status_code == 200
    assert row_of(appointment).starts_at == in_days(7)(10, 30)
    assert client.patch(url, {"date": f"{in_days(8)(0):%Y-%m-%d}"}).status_code == 200
    assert row_of(appointment).starts_at == in_days(8)(10, 30)
    assert client.post(OLD, {"patient": world.paula.patient.pk, "date": "2026-12-01"}).status_code == 400


def test_whole_row_with_one_older_name_changed_is_that_change(world: World) -> None:
    appointment = world.book(in_days(7)(9))
    client, url = world.client(world.sam), f"{OLD}/{appointment.pk}"
    shown = client.get(url).json()
    moved = client.put(url, {**shown, "dentist": quentin_of(world)})
    assert (moved.status_code, moved.json()["practitioner"]) == (200, quentin_of(world))
    again = client.put(url, {**moved.json(), "practitioner": petra_of(world)})
    assert (again.status_code, again.json()["dentist"]) == (200, petra_of(world))
    later = client.put(url, {**again.json(), "time": "11:00", "end": again.json()["end"]})
    assert (later.status_code, later.json()["time"]) == (200, "11:00")


# Moving and cancelling by a patient


def test_patient_moves_by_put(world: World) -> None:
    appointment = world.book(in_days(7)(9), by=world.paula)
    body = {
        "dentist_id": quentin_of(world),
        "appointment_date": in_days(8)(11).isoformat(),
        "appointment_type": "Check-up",
    }
    response = world.client(world.paula).put(f"{OLD}/{appointment.pk}", body)
    assert response.status_code == 200, response.content
    moved = row_of(appointment)
    assert (moved.practitioner_id, moved.starts_at) == (quentin_of(world), in_days(8)(11))
    assert (moved.service_id, moved.status) == (world.check_up.pk, "pending")


def test_patient_moves_only_within_the_notice_and_twice(world: World) -> None:
    client, appointment = world.client(world.paula), world.book(in_days(7)(9), by=world.paula)
    for hour in (10, 11):
        assert client.put(f"{OLD}/{appointment.pk}", {"startTime": in_days(7)(hour).isoformat()}).status_code == 200
    third = client.put(f"{OLD}/{appointment.pk}", {"startTime": in_days(7)(12).isoformat()})
    assert refusal(third) == (409, "too_many_moves")
    soon = world.book_now(patient=world.pete)
    body = {"startTime": in_days(7)(14).isoformat()}
    assert refusal(world.client(world.pete).put(f"{OLD}/{soon.pk}", body)) == (409, "too_late_to_cancel")


def test_patient_does_not_change_notes_or_move_anothers(world: World) -> None:
    own, other = world.book(in_days(7)(9)), world.book(in_days(7)(10), patient=world.pete)
    client = world.client(world.paula)
    assert client.put(f"{OLD}/{own.pk}", {"notes": "mine"}).status_code == 403
    assert client.put(f"{OLD}/{other.pk}", {"startTime": in_days(8)(9).isoformat()}).status_code == 404


def test_delete_by_a_patient_cancels_within_the_notice(world: World) -> None:
    appointment, soon = world.book(in_days(7)(9)), world.book_now(patient=world.pete)
    assert world.client(world.paula).delete(f"{OLD}/{appointment.pk}").status_code == 204
    assert row_of(appointment).status == "cancelled"
    assert refusal(world.client(world.pete).delete(f"{OLD}/{soon.pk}"))[1] == "too_late_to_cancel"


# Holds


@pytest.mark.parametrize("how", ["date and time", "start"])
def test_reserve_holds_and_its_delete_releases(world: World, how: str) -> None:
    when = date_and_time(in_days(7)(9)) if how == "date and time" else {"start": in_days(7)(9).isoformat()}
    client = world.client(world.paula)
    held = client.post(f"{RESERVE}/", {"dentist_id": petra_of(world), **when})
    assert held.status_code == 201, held.content
    assert Hold.objects.get().starts_at == in_days(7)(9)
    assert client.delete(f"{RESERVE}/{held.json()['id']}").status_code == 204
    assert not Hold.objects.exists()


# Paths


@pytest.mark.parametrize("path", ["doctors", "profiles/dentists"])
def test_practitioners_under_their_older_paths(world: World, path: str) -> None:
    client = world.client(world.olga)
    shown = client.get(f"/api/{path}/").json()
    assert shown == client.get("/api/v1/practitioners").json()
    assert all(one["specialization"] == one["specialisation"] for one in shown["results"])
    one = f"/api/{path}/{petra_of(world)}/"
    assert client.get(one).json()["name"] == "Dr Petra"
    assert client.patch(one, {"specialization": "Endodontics"}).json()["specialisation"] == "Endodontics"


def test_slots_under_their_older_paths(world: World) -> None:
    query = f"date={in_days(7)(0):%Y-%m-%d}"
    expected = world.client().get(f"/api/v1/practitioners/{petra_of(world)}/slots?{query}").json()
    for path in ("doctors", "availability"):
        assert world.client().get(f"/api/{path}/{petra_of(world)}/slots/?{query}").json() == expected
    by_service = world.client().get(f"/api/doctors/{petra_of(world)}/slots?{query}&serviceId={world.check_up.pk}")
    assert by_service.json()["service"] == world.check_up.pk


def test_hours_under_their_older_path(world: World) -> None:
    client, url = world.client(world.olga), f"/api/availability/{petra_of(world)}/"
    hours = client.get(url).json()
    assert hours == client.get(f"/api/v1/practitioners/{petra_of(world)}/availability").json()
    assert client.put(url, hours).status_code == 200


def test_own_profile_is_changed_by_a_put_of_some_fields(world: World) -> None:
    client = world.client(world.sam)
    changed = client.put("/api/profiles/me/", {"name": "Sam Marlowe"})
    assert (changed.status_code, changed.json()["name"], changed.json()["email"]) == (
        200,
        "Sam Marlowe",
        world.sam.email,
    )
    # The main path takes all of them.
    assert refusal(client.put("/api/v1/users/me", {"name": "Sam"})) == (400, "required")


def test_doctor_signs_in(world: World) -> None:
    body = {"username": world.petra.email, "password": PASSWORD}
    assert world.client().post("/api/auth/doctor/login/", body).status_code == 200


@pytest.mark.parametrize("name", ["refresh", "refresh_token"])
def test_tokens_are_renewed_by_either_name(world: World, name: str) -> None:
    pair = issue_tokens(user=fresh(world.sam))
    assert world.client().post("/api/auth/refresh/", {name: pair.refresh}).status_code == 200


def test_document_is_at_docs(client: Any) -> None:
    assert client.get("/docs").headers["Location"] == "/api/docs"


# Queries


@pytest.mark.parametrize("name", ["dentist_id", "doctorId", "dentist"])
@pytest.mark.parametrize("path", ["appointments", "appointments/export.csv"])
def test_lists_are_filtered_by_every_name_of_a_practitioner(world: World, path: str, name: str) -> None:
    world.book(in_days(7)(9))
    other = world.book(in_days(7)(10), practitioner=world.quentin)
    found = world.client(world.sam).get(f"/api/{path}?{name}={quentin_of(world)}")
    text = found.getvalue().decode()
    assert found.status_code == 200
    assert "Dr Quentin" in text
    assert "Dr Petra" not in text
    assert other.practitioner_id == quentin_of(world)


def test_empty_filter_is_not_given(world: World) -> None:
    world.book(in_days(7)(9))
    assert world.client(world.sam).get(f"{OLD}?dentist_id=").json()["count"] == 1


def test_limit_is_the_size_of_a_page(world: World) -> None:
    for hour in (9, 10, 11):
        world.book(in_days(7)(hour))
    page = world.client(world.sam).get(f"{OLD}/?limit=2").json()
    assert (page["count"], len(page["results"])) == (3, 2)
    second = world.client(world.sam).get(page["next"]).json()
    assert len(second["results"]) == 1
    assert refusal(world.client(world.sam).get(f"{OLD}?limit=two")) == (400, "invalid")


def test_messages_are_filtered_by_appointment(world: World) -> None:
    appointment = world.book(in_days(7)(9))
    assert world.client(world.sam).get(f"/api/messages?appointment={appointment.pk}").status_code == 200


def test_answers_carry_both_names(world: World) -> None:
    shown = world.client(world.sam).get(f"{OLD}/{world.book(in_days(7)(9)).pk}").json()
    assert (shown["dentist"], shown["dentist_name"]) == (shown["practitioner"], shown["practitioner_name"])


# Nothing is guessed


@pytest.mark.parametrize(
    "names",
    [("dentist_id", "doctorId"), ("practitioner", "dentist"), ("service", "service_id"), ("start", "startTime")],
)
def test_two_names_for_one_thing_are_400(world: World, names: tuple[str, str]) -> None:
    values = {"service": world.check_up.pk, "service_id": world.check_up.pk}
    when = in_days(7)(9).isoformat()
    given = {name: values.get(name, when if name.startswith("start") else petra_of(world)) for name in names}
    body = {"patient": world.paula.patient.pk, "start": when, **given}
    response = world.client(world.sam).post(OLD, body)
    assert (refusal(response), attr_of(response)) == ((400, "ambiguous"), names[1])
    assert not Appointment.objects.exists()


def test_start_beside_another_date_and_time_is_400(world: World) -> None:
    body = {"patient": world.paula.patient.pk, "start": in_days(7)(9).isoformat()}
    response = world.client(world.sam).post(OLD, {**body, **date_and_time(in_days(8)(9))})
    assert refusal(response) == (400, "ambiguous")
    assert world.client(world.sam).post(OLD, {**body, **date_and_time(in_days(7)(9))}).status_code == 201


@pytest.mark.parametrize("name", ["docter", "DentistID", "dentist-id", "practitionerId", "appointmentType", "when"])
def test_names_that_are_not_in_the_table_are_400(world: World, name: str) -> None:
    body = {"patient": world.paula.patient.pk, "start": in_days(7)(9).isoformat(), name: petra_of(world)}
    response = world.client(world.sam).post(OLD, body)
    assert (refusal(response), attr_of(response)) == ((400, "unknown_field"), name)
    assert not Appointment.objects.exists()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "waitlist", {"dentist_id": 1}),
        ("POST", "token/refresh", {"refresh_token": "x"}),
        ("PATCH", "users/me", {"doctor": 1}),
        ("POST", "appointments/1/confirm", {"dentist": 1}),
    ],
)
def test_older_names_hold_only_where_the_table_has_them(
    world: World, method: str, path: str, body: dict[str, object]
) -> None:
    response = world.client(world.sam).generic(method, f"/api/{path}", str(body).replace("'", '"'), "application/json")
    assert (response.status_code, code_of(response)) == (400, "unknown_field")


def test_every_operation_of_the_table_is_a_route() -> None:
    routes = {
        (method, re.sub("<[^>]+>", "{}", str(pattern.pattern)))
        for pattern in urls.API
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        if hasattr(pattern.callback.view_class, method.lower())  # type: ignore[union-attr]
    }
    assert set(BY_OPERATION) <= routes


def test_table_has_each_name_once() -> None:
    keys = [(one.operation, one.place, one.old) for one in TABLE]
    assert len(set(keys)) == len(keys)
    assert {one.place for one in TABLE} == set(RequestPart)


def test_document_has_a_group_of_deprecated_calls(client: APIClient) -> None:
    document = yaml.safe_load(client.get("/api/schema").content)
    older = [
        (path, method)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if operation.get("tags") == ["Older front ends"]
    ]
    assert ("/api/v1/availability/reserve/{hold_id}", "delete") in older
    assert all(document["paths"][path][method]["deprecated"] for path, method in older)
    (tag,) = (one for one in document["tags"] if one["name"] == "Older front ends")
    assert "`dentistId`" in tag["description"]


@pytest.mark.parametrize("header", ["X-Requested-With"])
def test_browser_of_another_origin_may_send_credentials(client: APIClient, settings: Any, header: str) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["http://127.0.0.1:3000"]
    asked = {
        "Origin": "http://127.0.0.1:3000",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": header,
    }
    answer = client.options(APPOINTMENTS, headers=asked)
    assert answer.headers["Access-Control-Allow-Origin"] == "http://127.0.0.1:3000"
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
