"""One visit, for whoever has its reference: live, with the number of those before it, and over with its reference."""

import time
from typing import Any

import pytest

from testkit.stream.clinic import TestClinic
from testkit.stream.service import StreamService
from testkit.stream.wire import SseReader

VISIT = "/api/v1/sse/visit"


def visit_stream(
    service: StreamService, clinic: TestClinic, visit: int, query: str = "", *, of: str = "visit", **more: str
) -> SseReader:
    return service.stream(None, f"ticket={clinic.visit_ticket(visit)}&{query}", of=of, **more)


def test_visit_is_shown_without_whom_it_is_for(service: StreamService, clinic: TestClinic) -> None:
    visit = clinic.book()
    clinic.book(patient=clinic.ben)
    with visit_stream(service, clinic, visit) as stream:
        body = stream.next_named("message").json
    [row] = body["appointments"]
    assert (row["id"], row["status"]) == (visit, "confirmed")
    assert not {name for name in row if "patient" in name or name in ("notes", "reference", "series", "source")}
    assert not [name for name in ("Anna", "Ben", clinic.reference_of(visit)) if name in stream.raw.decode()]


@pytest.mark.parametrize("day", [0, 80, -40])
def test_changes_are_told_wherever_the_visit_is_in_time(service: StreamService, clinic: TestClinic, day: int) -> None:
    visit = clinic.book(day=day)
    with visit_stream(service, clinic, visit, "mode=delta") as stream:
        assert stream.next_named("snapshot").json["appointments"][0]["status"] == "confirmed"
        clinic.update(visit, status="cancelled")
        assert stream.next_named("snapshot").json["appointments"][0]["status"] == "cancelled"
        clinic.database.execute("UPDATE practitioner SET name = 'Dr. Other' WHERE id = %s", clinic.petra.row_id)
        assert stream.next_named("snapshot").json["appointments"][0]["practitioner_name"] == "Dr. Other"


def test_visit_that_is_moved_out_of_the_window_stays(service: StreamService, clinic: TestClinic) -> None:
    visit = clinic.book()
    with visit_stream(service, clinic, visit) as stream:
        assert stream.next_event().json["ahead"] == 0
        clinic.update(visit, local_date=clinic.day(70))
        body = stream.next_event().json
    assert (body["appointments"][0]["date"], body["ahead"]) == (str(clinic.day(70)), None)


def test_deleted_visit_shows_as_cancelled(service: StreamService, clinic: TestClinic) -> None:
    visit = clinic.book()
    with visit_stream(service, clinic, visit) as stream:
        stream.next_event()
        clinic.update(visit, status="cancelled", deleted_at=clinic.instant(clinic.today, 60))
        assert stream.next_event().json["appointments"][0]["status"] == "cancelled"
    with visit_stream(service, clinic, visit) as again:
        assert again.next_event().json["appointments"][0]["status"] == "cancelled"


def test_reference_of_a_merged_record_keeps_working(service: StreamService, clinic: TestClinic) -> None:
    visit = clinic.book(patient=clinic.guest_id)
    with visit_stream(service, clinic, visit) as stream:
        stream.next_event()
        clinic.update(visit, patient_id=clinic.anna.row_id)
        clinic.update(visit, room="2")
        assert stream.next_event().json["appointments"][0]["room"] == "2"


def test_new_reference_ends_the_stream_within_a_second(service: StreamService, clinic: TestClinic) -> None:
    visit = clinic.book()
    ticket = clinic.visit_ticket(visit)
    with service.stream(None, f"ticket={ticket}", of="visit") as stream:
        stream.next_event()
        replaced_at = time.monotonic()
        clinic.update(visit, reference=f"new-{visit}")
        assert stream.next_named("revoked").at - replaced_at < 1
        assert stream.wait_for_end() == []
    assert service.get(f"{VISIT}?ticket={ticket}").status_code == 204
    with visit_stream(service, clinic, visit) as again:
        assert again.next_event().json["appointments"][0]["id"] == visit


def test_visit_that_is_gone_has_no_stream(service: StreamService, clinic: TestClinic) -> None:
    visit = clinic.book(day=60)
    ticket = clinic.visit_ticket(visit)
    clinic.delete(visit)
    assert service.get(f"{VISIT}?ticket={ticket}").status_code == 204


def test_those_before_it_on_the_day_are_counted_down(service: StreamService, clinic: TestClinic) -> None:
    first, second, visit = (
        clinic.book(clinic.petra, patient) for patient in (clinic.ben, clinic.guest_id, clinic.anna)
    )
    clinic.book(clinic.paul, clinic.anna)
    clinic.book(clinic.petra, clinic.ben, status="cancelled")
    with visit_stream(service, clinic, visit, of="queue") as stream:
        assert stream.next_event().json["ahead"] == 2
        clinic.update(first, status="completed")
        assert stream.next_event().json["ahead"] == 1
        clinic.update(second, practitioner_id=clinic.paul.row_id)
        assert stream.next_event().json["ahead"] == 0
    assert "Anna" not in stream.raw.decode()


def test_call_leaves_nobody_before_the_visit(service: StreamService, clinic: TestClinic) -> None:
    clinic.book(patient=clinic.ben)
    visit = clinic.book()
    with visit_stream(service, clinic, visit, of="queue") as stream:
        assert stream.next_event().json["ahead"] == 1
        clinic.update(visit, called_at=clinic.instant(clinic.today, 8 * 60))
        assert stream.next_event().json["ahead"] == 0


@pytest.mark.parametrize(("day", "status"), [(1, "confirmed"), (0, "pending"), (0, "completed"), (0, "cancelled")])
def test_there_is_no_place_in_line_on_another_day_or_without_approval(
    service: StreamService, clinic: TestClinic, day: int, status: str
) -> None:
    visit = clinic.book(day=day, status=status)
    with visit_stream(service, clinic, visit, of="queue") as stream:
        assert stream.next_event().json["ahead"] is None


def test_arrivals_are_numbered_in_the_order_they_came(service: StreamService, clinic: TestClinic) -> None:
    early, late = clinic.book(patient=clinic.ben), clinic.book()
    with visit_stream(service, clinic, early, of="queue") as stream:
        assert stream.next_event().json["number"] is None
        clinic.update(late, arrived_at=clinic.instant(clinic.today, 7 * 60))
        clinic.update(early, checked_in_at=clinic.instant(clinic.today, 7 * 60 + 5))
        assert stream.next_event().json["number"] == 2
        clinic.update(late, arrived_at=None)
        assert stream.next_event().json["number"] == 1


def test_change_that_the_visit_does_not_show_makes_no_event(service: StreamService, clinic: TestClinic) -> None:
    visit = clinic.book()
    with visit_stream(service, clinic, visit) as stream:
        stream.next_event()
        clinic.update(visit, notes="new")
        clinic.book(patient=clinic.ben)
        assert stream.stays_silent(0.3)


def test_ticket_opens_one_stream_and_brings_its_reader_back(service: StreamService, clinic: TestClinic) -> None:
    visit = clinic.book()
    ticket = clinic.visit_ticket(visit)
    with service.stream(None, f"ticket={ticket}", of="visit") as stream:
        stream.next_event()
        clinic.update(visit, attendance_confirmed_at=clinic.instant(clinic.today, 60))
        last_id = stream.next_event().id
    assert service.get(f"{VISIT}?ticket={ticket}").status_code == 401
    with service.stream(None, f"ticket={ticket}", of="visit", last_event_id=last_id) as back:
        assert back.stays_silent(0.2)
        assert back.last_id == last_id


@pytest.mark.parametrize(
    "changed",
    [
        {"seconds": -1},
        {"sub": "x"},
        {"sub": 1},
        {"sub_kind": "wall"},
        {"clinic_id": "1"},
        {"reference_hash": None},
        {"token_type": "access"},
        {"session_exp": None},
    ],
    ids=str,
)
def test_ticket_with_a_wrong_claim_is_refused(
    service: StreamService, clinic: TestClinic, changed: dict[str, Any]
) -> None:
    response = service.get(f"{VISIT}?ticket={clinic.visit_ticket(clinic.book(), **changed)}")
    assert (response.status_code, response.json()["errors"][0]["code"]) == (401, "token_not_valid")


def test_ticket_of_another_clinic_s_visit_opens_nothing(service: StreamService, clinic: TestClinic) -> None:
    visit = clinic.book()
    other = TestClinic(clinic.database)
    assert service.get(f"{VISIT}?ticket={clinic.visit_ticket(visit, clinic_id=other.id)}").status_code == 204


def test_every_stream_takes_tickets_of_its_own_kind_alone(service: StreamService, clinic: TestClinic) -> None:
    visit = clinic.book()
    for path in ("appointments", "holds", "notifications"):
        assert service.get(f"/api/v1/sse/{path}?ticket={clinic.visit_ticket(visit)}").status_code == 403
    for path in ("visit", "queue"):
        assert service.get(f"/api/v1/sse/{path}?ticket={clinic.owner.ticket()}").status_code == 403
        assert service.get(f"/api/v1/sse/{path}", token=clinic.owner.token()).status_code == 401
        assert service.get(f"/api/v1/sse/{path}").status_code == 401
