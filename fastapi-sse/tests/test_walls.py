"""Walls: today, for a device of the clinic that can be revoked, and little of people."""

import time
from typing import Any

import pytest

from testkit.stream.clinic import TestClinic
from testkit.stream.service import StreamService
from testkit.stream.wire import SseReader

WALL = "/api/v1/sse/wall"


def wall_stream(service: StreamService, clinic: TestClinic, device_id: int) -> SseReader:
    return service.stream(None, f"ticket={clinic.wall_ticket(device_id)}&mode=delta", of="wall")


def test_team_sees_today_without_notes_and_contact_data(service: StreamService, clinic: TestClinic) -> None:
    visit = clinic.book()
    clinic.book(day=1)
    with wall_stream(service, clinic, clinic.wall("team")) as stream:
        body = stream.next_named("snapshot").json
    assert ([row["id"] for row in body["visits"]], body["kind"], body["date"]) == ([visit], "team", str(clinic.today))
    told = stream.raw.decode()
    assert not any(text in told for text in ("internal", "example.org", "+4930", clinic.reference_of(visit)))


def test_waiting_room_sees_arrivals_by_short_name_and_the_call(service: StreamService, clinic: TestClinic) -> None:
    clinic.database.execute("UPDATE patient SET name = 'Anna Maria Müller' WHERE id = %s", clinic.anna.row_id)
    visit = clinic.book()
    with wall_stream(service, clinic, clinic.wall("waiting_room")) as stream:
        assert stream.next_named("snapshot").json["visits"] == []
        clinic.update(visit, arrived_at=clinic.instant(clinic.today, 7 * 60))
        [row] = stream.next_named("change").json["upserts"]
        assert (row["name"], row["number"], row["called_at"]) == ("Anna M.", None, None)
        clinic.update(visit, called_at=clinic.instant(clinic.today, 8 * 60), room="2")
        [row] = stream.next_named("change").json["upserts"]
        assert (row["room"], row["called_at"] is None) == ("2", False)
        clinic.update(visit, status="completed")
        assert stream.next_named("change").json["removes"] == [visit]
    assert not any(text in stream.raw.decode() for text in ("Müller", "Petra", "Check-up"))


def test_waiting_room_with_numbers_names_nobody(service: StreamService, clinic: TestClinic) -> None:
    first, second = clinic.book(patient=clinic.ben), clinic.book()
    for minute, visit in enumerate((first, second)):
        clinic.update(visit, checked_in_at=clinic.instant(clinic.today, 7 * 60 + minute), status="checked_in")
    with wall_stream(service, clinic, clinic.wall("waiting_room", shows_names=False)) as stream:
        rows = stream.next_named("snapshot").json["visits"]
        assert [(row["id"], row["number"], row["name"]) for row in rows] == [(first, 1, None), (second, 2, None)]
        clinic.update(first, checked_in_at=None, status="confirmed")
        body = stream.next_named("change").json
    assert ([row["number"] for row in body["upserts"]], body["removes"]) == ([1], [first])


ENDS = {
    "revoked": "UPDATE wall_device SET revoked_at = created_at, version = 2 WHERE id = %s",
    "version": "UPDATE wall_device SET version = 2 WHERE id = %s",
    "deleted": "DELETE FROM wall_device WHERE id = %s",
}


@pytest.mark.parametrize("end", ENDS)
def test_wall_goes_dark_within_a_second(service: StreamService, clinic: TestClinic, end: str) -> None:
    device_id = clinic.wall("waiting_room")
    ticket = clinic.wall_ticket(device_id)
    with service.stream(None, f"ticket={ticket}", of="wall") as stream:
        stream.next_event()
        changed_at = time.monotonic()
        clinic.database.execute(ENDS[end], device_id)
        assert stream.next_named("revoked").at - changed_at < 1
    assert service.get(f"{WALL}?ticket={ticket}").status_code == 204


def test_devices_see_nothing_of_another_clinic(service: StreamService, clinic: TestClinic) -> None:
    other = TestClinic(clinic.database)
    device_id = other.wall("team")
    assert service.get(f"{WALL}?ticket={clinic.wall_ticket(device_id)}").status_code == 204


def test_every_stream_takes_tickets_of_its_own_kind_alone(service: StreamService, clinic: TestClinic) -> None:
    ticket = clinic.wall_ticket(clinic.wall("team"))
    for path in ("appointments", "holds", "notifications", "visit", "queue"):
        assert service.get(f"/api/v1/sse/{path}?ticket={ticket}").status_code == 403
    others: list[Any] = [clinic.owner.ticket(), clinic.visit_ticket(clinic.book())]
    assert [service.get(f"{WALL}?ticket={one}").status_code for one in others] == [403, 403]
    assert service.get(WALL).status_code == 401
