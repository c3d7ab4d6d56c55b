"""The taken time of a practitioner: public, so it tells nothing of anybody."""

import time
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from testkit.stream.clinic import Person, TestClinic
from testkit.stream.database import Database
from testkit.stream.gate import Gate
from testkit.stream.service import StartService, StreamService
from testkit.stream.wire import SseReader

PATH = "/api/v1/sse/availability"


def availability_of(
    service: StreamService, practitioner: Person, query: str = "", *, last_event_id: str | None = None
) -> SseReader:
    return service.stream(
        None, f"practitioner={practitioner.row_id}&{query}", of="availability", last_event_id=last_event_id
    )


def taken_in(body: dict[str, Any]) -> list[tuple[str, str]]:
    """From and until, as the wall clock has it."""
    return [(part["start"][11:16], part["end"][11:16]) for part in body["taken"]]


def test_it_shows_appointments_and_holds_joined_where_they_touch(service: StreamService, clinic: TestClinic) -> None:
    for _ in range(2):
        clinic.book()  # 7:00 and 7:30.
    clinic.book(clinic.paul)
    clinic.book(status="cancelled", day=0)
    clinic.hold(clinic.petra, 12 * 60)
    with availability_of(service, clinic.petra) as stream:
        body = stream.next_named("message").json
        assert taken_in(body) == [("07:00", "08:00"), ("12:00", "12:30")]
        assert (body["practitioner"], body["from"], body["to"]) == (
            clinic.petra.row_id,
            clinic.today.isoformat(),
            clinic.day(7).isoformat(),
        )


def test_it_tells_nothing_of_anybody(service: StreamService, clinic: TestClinic) -> None:
    clinic.book()
    clinic.hold(clinic.petra)
    with availability_of(service, clinic.petra) as stream:
        body = stream.next_event().json
    assert set(body) == {"practitioner", "from", "to", "taken", "seq", "as_of"}
    assert all(set(part) == {"start", "end"} for part in body["taken"])
    assert "Anna" not in stream.raw.decode()


def test_buffers_are_taken_too(service: StreamService, clinic: TestClinic) -> None:
    begins = clinic.instant(clinic.today, 12 * 60)
    clinic.book(
        starts_at=begins,
        ends_at=begins + timedelta(minutes=30),
        blocked_from=begins - timedelta(minutes=10),
        blocked_until=begins + timedelta(minutes=45),
    )
    with availability_of(service, clinic.petra) as stream:
        assert taken_in(stream.next_event().json) == [("11:50", "12:45")]


def test_it_follows_who_holds_books_and_cancels(service: StreamService, clinic: TestClinic) -> None:
    with availability_of(service, clinic.petra) as stream:
        assert taken_in(stream.next_event().json) == []
        held = clinic.hold(clinic.petra, 12 * 60)
        assert taken_in(stream.next_event().json) == [("12:00", "12:30")]
        clinic.database.execute("DELETE FROM hold WHERE id = %s", held)
        assert taken_in(stream.next_event().json) == []
        booked = clinic.book()
        assert taken_in(stream.next_event().json) == [("07:00", "07:30")]
        clinic.update(booked, practitioner_id=clinic.paul.row_id)
        assert taken_in(stream.next_event().json) == []
        clinic.update(booked, practitioner_id=clinic.petra.row_id)
        assert taken_in(stream.next_event().json) == [("07:00", "07:30")]
        clinic.update(booked, status="cancelled")
        assert taken_in(stream.next_event().json) == []


def test_change_that_takes_no_other_time_is_not_told(service: StreamService, clinic: TestClinic) -> None:
    booked = clinic.book()
    with availability_of(service, clinic.petra) as stream:
        stream.next_event()
        clinic.update(booked, status="checked_in", notes="here")
        clinic.hold(clinic.paul)
        clinic.book(day=9)
        assert stream.stays_silent(0.3)


def test_hold_that_expires_frees_its_time_without_any_write(service: StreamService, clinic: TestClinic) -> None:
    held = clinic.hold(clinic.petra, 12 * 60)
    soon = clinic.database.value("SELECT UTC_TIMESTAMP(6) + INTERVAL 1200000 MICROSECOND")
    clinic.database.execute("UPDATE hold SET expires_at = %s WHERE id = %s", soon, held)
    seq = clinic.seq
    with availability_of(service, clinic.petra) as stream, availability_of(service, clinic.petra) as leaves:
        assert taken_in(stream.next_event().json) == [("12:00", "12:30")]
        assert taken_in(leaves.next_event().json) == [("12:00", "12:30")]
        leaves.close()
        assert taken_in(stream.next_event(seconds=4).json) == []
        assert clinic.seq == seq
        with availability_of(service, clinic.petra, last_event_id=leaves.last_id) as back:
            assert taken_in(back.next_event().json) == [], "the same id, but it stood for more"


def test_coming_back_brings_nothing_where_nothing_has_changed(service: StreamService, clinic: TestClinic) -> None:
    with availability_of(service, clinic.petra) as stream:
        stream.next_event()
        clinic.book()
        last_id = stream.next_event().id
    with availability_of(service, clinic.petra, last_event_id=last_id) as back:
        assert back.stays_silent(0.2)
        assert back.last_id == last_id


def test_days_can_be_chosen(service: StreamService, clinic: TestClinic) -> None:
    for day in (1, 2, 3, 20):
        clinic.book(day=day)
    with availability_of(service, clinic.petra, f"from={clinic.day(2)}&to={clinic.day(20)}") as stream:
        starts = [datetime.fromisoformat(part["start"]).date() for part in stream.next_event().json["taken"]]
    assert starts == [clinic.day(2), clinic.day(3), clinic.day(20)]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, "invalid"),
        ("practitioner=petra", 400, "invalid"),
        ("practitioner=999999999", 404, "not_found"),
        ("practitioner={petra}&from=2020-01-01&to=2020-01-02", 400, "range_not_live"),
        ("practitioner={petra}&from={today}&to=2999-01-02", 400, "range_not_live"),
        ("practitioner={petra}&from=9999-12-31", 400, "range_not_live"),
    ],
)
def test_unshowable_text_is_refused(
    service: StreamService, clinic: TestClinic, query: str, status: int, code: str
) -> None:
    response = service.get(f"{PATH}?{query.format(petra=clinic.petra.row_id, today=clinic.today)}")
    assert (response.status_code, response.json()["errors"][0]["code"]) == (status, code)


def test_former_practitioner_has_none(service: StreamService, clinic: TestClinic) -> None:
    clinic.database.execute("UPDATE practitioner SET active = 0 WHERE id = %s", clinic.paul.row_id)
    assert service.get(f"{PATH}?practitioner={clinic.paul.row_id}").status_code == 404


def test_newcomers_cost_no_query_while_the_clinic_is_live(start_service: StartService, clinic: TestClinic) -> None:
    server = clinic.database.server
    with Gate(server.host, server.port) as gate:
        service = start_service(environment={**clinic.database.environment, **address_of(gate)})
        with availability_of(service, clinic.petra) as first:
            first.next_event()
            gate.statements.clear()
            for practitioner in (clinic.petra, clinic.paul, clinic.petra):
                with availability_of(service, practitioner) as newcomer:
                    newcomer.next_event()
            said = [query for query in list(gate.statements) if "live_head" not in query]
        service.stop()
    assert said == []


def test_nonsense_is_asked_for_once(start_service: StartService, clinic: TestClinic, database: Database) -> None:
    server = clinic.database.server
    with Gate(server.host, server.port) as gate:
        service = start_service(environment={**database.environment, **address_of(gate)})
        time.sleep(0.2)
        gate.statements.clear()
        for _ in range(5):
            assert httpx.get(f"{service.url}{PATH}?practitioner=999999999").status_code == 404
        said = [query for query in list(gate.statements) if "live_practitioner" in query]
        service.stop()
    assert len(said) == 1


def address_of(gate: Gate) -> dict[str, str]:
    return {"DB_HOST": "127.0.0.1", "DB_PORT": str(gate.port)}
