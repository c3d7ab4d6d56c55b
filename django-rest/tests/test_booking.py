from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from clinic.appointments.models import Appointment, AppointmentEvent
from clinic.common.models import IdempotencyKey
from clinic.scheduling.models import ClaimedCell, ServicePractitioner
from django.db import connection
from django.test.utils import CaptureQueriesContext

from testkit.clinic.world import World

At = Callable[..., datetime]


def body(world: World, start: datetime, **more: object) -> dict[str, object]:
    return {
        "patient": world.paula.patient.pk,
        "practitioner": world.petra.practitioner.pk,
        "service": world.check_up.pk,
        "start": start.isoformat(),
        **more,
    }


def test_staff_book_confirmed(world: World, tomorrow_at: At) -> None:
    response = world.client(world.sam).post("/api/v1/appointments", body(world, tomorrow_at(9)))
    assert response.status_code == 201, response.json()
    shown = response.json()
    assert shown["status"] == "confirmed"
    assert shown["time"] == "09:00"
    assert shown["source"] == "desk"
    assert shown["end"] == (tomorrow_at(9) + timedelta(minutes=30)).isoformat()
    assert response.headers["ETag"] == '"1"'


def test_a_patient_books_pending_and_for_themselves(world: World, tomorrow_at: At) -> None:
    given = body(world, tomorrow_at(9))
    del given["patient"]
    response = world.client(world.paula).post("/api/v1/appointments", given)
    assert response.status_code == 201, response.json()
    assert response.json()["status"] == "pending"
    assert response.json()["patient"] == world.paula.patient.pk
    assert "notes" not in response.json()


def test_a_patient_books_confirmed_where_the_clinic_confirms_by_itself(world: World, tomorrow_at: At) -> None:
    world.clinic.auto_confirm = True
    world.clinic.save()
    response = world.client(world.paula).post("/api/v1/appointments", body(world, tomorrow_at(9)))
    assert response.json()["status"] == "confirmed"


def test_a_patient_cannot_book_for_another(world: World, tomorrow_at: At) -> None:
    given = body(world, tomorrow_at(9), patient=world.pete.patient.pk)
    response = world.client(world.paula).post("/api/v1/appointments", given)
    assert response.status_code == 404


@pytest.mark.parametrize("path", ["/api/v1/appointments", "/api/v1/appointments/", "/api/appointments/"])
def test_every_form_of_the_path_books(world: World, tomorrow_at: At, path: str) -> None:
    assert world.client(world.sam).post(path, body(world, tomorrow_at(9))).status_code == 201


def test_date_and_time_are_the_clinics(world: World, tomorrow_at: At) -> None:
    given = body(world, tomorrow_at(9)) | {"date": f"{tomorrow_at(9):%Y-%m-%d}", "time": "14:30"}
    del given["start"]
    response = world.client(world.sam).post("/api/v1/appointments", given)
    assert response.json()["start"] == tomorrow_at(14, 30).isoformat()


def test_a_start_without_offset_is_the_clinics_wall_time(world: World, tomorrow_at: At) -> None:
    given = body(world, tomorrow_at(9)) | {"start": f"{tomorrow_at(14, 30):%Y-%m-%dT%H:%M:%S}"}
    response = world.client(world.sam).post("/api/v1/appointments", given)
    assert response.json()["start"] == tomorrow_at(14, 30).isoformat()


def test_dentist_is_understood_for_practitioner(world: World, tomorrow_at: At) -> None:
    given = body(world, tomorrow_at(9), dentist=world.quentin.practitioner.pk)
    del given["practitioner"]
    response = world.client(world.sam).post("/api/v1/appointments", given)
    assert response.json()["practitioner"] == response.json()["dentist"] == world.quentin.practitioner.pk


def test_a_taken_slot_is_409_and_names_the_nearest(world: World, tomorrow_at: At) -> None:
    world.book(tomorrow_at(9))
    response = world.client(world.sam).post("/api/v1/appointments", body(world, tomorrow_at(9)))
    assert response.status_code == 409
    assert response.json()["errors"][0]["code"] == "slot_taken"
    nearest = [slot["start"] for slot in response.json()["nearest"]]
    assert set(nearest) <= {tomorrow_at(8, 30).isoformat(), tomorrow_at(9, 30).isoformat(), tomorrow_at(8).isoformat()}
    assert len(nearest) == 3


def test_the_desk_books_on_five_minutes_and_a_patient_on_the_grid(world: World, tomorrow_at: At) -> None:
    given = body(world, tomorrow_at(9, 5))
    assert world.client(world.paula).post("/api/v1/appointments", given).json()["errors"][0]["code"] == "off_grid"
    assert world.client(world.sam).post("/api/v1/appointments", given).status_code == 201


def test_the_desk_books_outside_of_hours_when_it_says_so(world: World, tomorrow_at: At) -> None:
    given = body(world, tomorrow_at(20))
    refused = world.client(world.sam).post("/api/v1/appointments", given)
    assert refused.json()["errors"][0]["code"] == "outside_working_hours"
    given["outside_hours"] = True
    assert world.client(world.sam).post("/api/v1/appointments", given).status_code == 201
    assert world.client(world.paula).post("/api/v1/appointments", given).status_code == 400


def test_the_booking_writes_its_history(world: World, tomorrow_at: At) -> None:
    appointment = world.book(tomorrow_at(9))
    event = AppointmentEvent.objects.get(appointment_id=appointment.pk)
    assert (event.action, event.to_status, event.actor, event.channel) == ("create", "confirmed", world.sam, "api")


def test_a_booking_claims_its_cells_and_a_cancel_frees_them(world: World, tomorrow_at: At) -> None:
    appointment = world.book(tomorrow_at(9))
    cells = ClaimedCell.objects.filter(appointment_id=appointment.pk)
    assert cells.count() == 2 * 6  # Hers and the practitioner's.
    response = world.client(world.sam).post(f"/api/v1/appointments/{appointment.pk}/cancel", {"reason": "ill"})
    assert response.json()["cancel_reason"] == "ill"
    assert cells.count() == 0


def test_buffers_block_but_are_not_shown(world: World, tomorrow_at: At) -> None:
    world.check_up.buffer_after_minutes = 15
    world.check_up.save()
    appointment = world.book(tomorrow_at(9), service=world.check_up)
    assert appointment.ends_at == tomorrow_at(9, 30)
    taken = world.client(world.sam).post("/api/v1/appointments", body(world, tomorrow_at(9, 40)))
    assert taken.status_code == 409
    assert world.client(world.sam).post("/api/v1/appointments", body(world, tomorrow_at(9, 45))).status_code == 201


def test_a_service_the_practitioner_does_not_offer_is_refused(world: World, tomorrow_at: At) -> None:
    ServicePractitioner.objects.all().delete()
    response = world.client(world.sam).post("/api/v1/appointments", body(world, tomorrow_at(9)))
    assert (response.status_code, response.json()["errors"][0]["attr"]) == (400, "service")


def test_the_same_key_gets_the_same_answer_and_no_second_booking(world: World, tomorrow_at: At) -> None:
    client = world.client(world.sam)
    first = client.post("/api/v1/appointments", body(world, tomorrow_at(9)), headers={"Idempotency-Key": "k1"})
    again = client.post("/api/v1/appointments", body(world, tomorrow_at(9)), headers={"Idempotency-Key": "k1"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert Appointment.objects.count() == 1


def test_the_same_key_for_another_request_is_422(world: World, tomorrow_at: At) -> None:
    client = world.client(world.sam)
    client.post("/api/v1/appointments", body(world, tomorrow_at(9)), headers={"Idempotency-Key": "k1"})
    other = client.post("/api/v1/appointments", body(world, tomorrow_at(10)), headers={"Idempotency-Key": "k1"})
    assert (other.status_code, other.json()["errors"][0]["code"]) == (422, "idempotency_key_reused")


def test_a_refused_request_leaves_no_key(world: World, tomorrow_at: At) -> None:
    taken = world.book(tomorrow_at(9))
    client = world.client(world.sam)
    refused = client.post("/api/v1/appointments", body(world, tomorrow_at(9)), headers={"Idempotency-Key": "k1"})
    assert refused.status_code == 409
    assert not IdempotencyKey.objects.exists()
    client.delete(f"/api/v1/appointments/{taken.pk}")
    now_free = client.post("/api/v1/appointments", body(world, tomorrow_at(9)), headers={"Idempotency-Key": "k1"})
    assert now_free.status_code == 201


def test_nearest_times_of_a_refusal_are_read_when_the_locks_are_gone(world: World, tomorrow_at: At) -> None:
    """Also where the transaction is that of the request's key. BEGIN and ROLLBACK are savepoints here."""
    world.book(tomorrow_at(9), patient=world.pete)
    with CaptureQueriesContext(connection) as seen:
        answer = world.client(world.sam).post(
            "/api/v1/appointments", body(world, tomorrow_at(9)), HTTP_IDEMPOTENCY_KEY="k1"
        )
    assert answer.json()["nearest"]
    statements = [query["sql"] for query in seen.captured_queries]
    [rollback] = [number for number, sql in enumerate(statements) if sql.startswith("ROLLBACK")]
    facts, nearest = [number for number, sql in enumerate(statements) if "working_block" in sql]
    assert facts < rollback < nearest
