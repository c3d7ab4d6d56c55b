"""The taken time of everybody at a clinic, or of all who offer a service: public, so it tells nothing of anybody."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from testkit.stream.clinic import TestClinic
from testkit.stream.gate import Gate
from testkit.stream.service import StartService, StreamService
from testkit.stream.wire import SseReader

PATH = "/api/v1/sse/availability"


def stream_of(service: StreamService, query: str, *, last_event_id: str | None = None) -> SseReader:
    return service.stream(None, query, of="availability", last_event_id=last_event_id)


def offer(clinic: TestClinic, practitioner_id: int) -> int:
    return clinic.database.insert(
        "service_practitioners", service_id=clinic.service_id, practitioner_id=practitioner_id
    )


def taken_in(rows: list[dict[str, Any]]) -> dict[str, list[tuple[str, str]]]:
    """By row: from and until, as the wall clock has it."""
    return {row["id"]: [(part["start"][11:16], part["end"][11:16]) for part in row["taken"]] for row in rows}


def test_snapshot_has_a_row_for_each_practitioner_and_day(service: StreamService, clinic: TestClinic) -> None:
    clinic.book()
    clinic.book(clinic.petra, clinic.ben)
    clinic.book(clinic.paul, day=2)
    clinic.book(day=9)
    clinic.hold(clinic.paul, 12 * 60)
    with stream_of(service, f"clinic={clinic.id}") as stream:
        body = stream.next_named("message").json
    today, petra, paul = clinic.today, clinic.petra.row_id, clinic.paul.row_id
    assert taken_in(body["days"]) == {
        f"{petra}/{today}": [("07:00", "08:00")],
        f"{paul}/{today}": [("12:00", "12:30")],
        f"{paul}/{clinic.day(2)}": [("07:00", "07:30")],
    }
    assert (body["clinic"], body["service"], body["practitioners"]) == (clinic.id, None, sorted([petra, paul]))
    assert (body["from"], body["to"]) == (str(today), str(clinic.day(7)))


def test_it_tells_nothing_of_anybody(service: StreamService, clinic: TestClinic) -> None:
    clinic.book()
    with stream_of(service, f"clinic={clinic.id}&mode=delta") as stream:
        [row] = stream.next_named("snapshot").json["days"]
        clinic.hold(clinic.petra)
        [changed] = stream.next_named("change").json["upserts"]
    assert set(row) == set(changed) == {"id", "practitioner", "date", "taken"}
    assert "Anna" not in stream.raw.decode()


def test_change_names_the_days_that_changed_and_no_others(service: StreamService, clinic: TestClinic) -> None:
    clinic.book(clinic.paul)
    with stream_of(service, f"clinic={clinic.id}&mode=delta") as stream:
        stream.next_named("snapshot")
        held = clinic.hold(clinic.petra, 12 * 60)
        row_id = f"{clinic.petra.row_id}/{clinic.today}"
        assert taken_in(stream.next_named("change").json["upserts"]) == {row_id: [("12:00", "12:30")]}
        clinic.database.execute("DELETE FROM hold WHERE id = %s", held)
        body = stream.next_named("change").json
        assert (body["upserts"], body["removes"]) == ([], [row_id])


def test_service_shows_those_who_offer_it(service: StreamService, clinic: TestClinic) -> None:
    clinic.book(clinic.petra)
    clinic.book(clinic.paul)
    offer(clinic, clinic.paul.row_id)
    with stream_of(service, f"service={clinic.service_id}&mode=delta") as stream:
        body = stream.next_named("snapshot").json
        assert list(taken_in(body["days"])) == [f"{clinic.paul.row_id}/{clinic.today}"]
        assert (body["service"], body["practitioners"]) == (clinic.service_id, [clinic.paul.row_id])
        offer(clinic, clinic.petra.row_id)
        changed = stream.next_named("change").json
    assert list(taken_in(changed["upserts"])) == [f"{clinic.petra.row_id}/{clinic.today}"]
    assert changed["practitioners"] == sorted([clinic.petra.row_id, clinic.paul.row_id])


CHANGES_OF_A_SCHEDULE = {
    "hours": "INSERT INTO working_block (practitioner_id, weekday, start_local, end_local)"
    " VALUES ({petra}, 0, '09:00', '17:00')",
    "closure": "INSERT INTO schedule_exception (clinic_id, start_date, end_date, closed, reason, version)"
    " VALUES ({clinic}, '2026-12-24', '2026-12-24', TRUE, '', 1)",
    "duration": "UPDATE service SET duration_minutes = 45 WHERE id = {service}",
    "practitioner": "UPDATE practitioner SET active = FALSE WHERE id = {paul}",
    "notice": "UPDATE clinic SET notice_minutes = 90 WHERE id = {clinic}",
}


@pytest.mark.parametrize("change", CHANGES_OF_A_SCHEDULE)
def test_schedule_version_rises_with_what_can_be_booked(
    service: StreamService, clinic: TestClinic, change: str
) -> None:
    names = {
        "petra": clinic.petra.row_id,
        "paul": clinic.paul.row_id,
        "clinic": clinic.id,
        "service": clinic.service_id,
    }
    with stream_of(service, f"clinic={clinic.id}&mode=delta") as stream:
        before = stream.next_named("snapshot").json["schedule_version"]
        clinic.database.execute(CHANGES_OF_A_SCHEDULE[change].format(**names))
        assert stream.next_named("change").json["schedule_version"] > before


@pytest.mark.parametrize("mode", ["snapshot", "delta"])
def test_schedule_is_no_news_for_a_dashboard(service: StreamService, clinic: TestClinic, mode: str) -> None:
    with service.stream(clinic.owner.token(), f"mode={mode}") as dashboard:
        dashboard.next_event()
        clinic.database.execute("UPDATE service SET duration_minutes = 50 WHERE id = %s", clinic.service_id)
        assert dashboard.stays_silent(0.3)
        clinic.book()
        assert dashboard.next_event().event in (None, "message", "change")


def test_time_over_midnight_stands_on_both_days(service: StreamService, clinic: TestClinic) -> None:
    begins = clinic.instant(clinic.today, 23 * 60 + 45)
    ends = begins + timedelta(minutes=30)
    clinic.book(starts_at=begins, ends_at=ends, blocked_from=begins, blocked_until=ends)
    with stream_of(service, f"clinic={clinic.id}") as stream:
        rows = taken_in(stream.next_event().json["days"])
    petra = clinic.petra.row_id
    assert rows == {f"{petra}/{day}": [("23:45", "00:15")] for day in (clinic.today, clinic.day(1))}


def test_reader_who_missed_nothing_is_told_nothing(service: StreamService, clinic: TestClinic) -> None:
    with stream_of(service, f"clinic={clinic.id}&mode=delta") as stream:
        stream.next_event()
        clinic.book()
        last_id = stream.next_named("change").id
    with stream_of(service, f"clinic={clinic.id}&mode=delta", last_event_id=last_id) as back:
        assert back.stays_silent(0.2)
        assert back.last_id == last_id


def test_two_bookings_of_different_practitioners_are_both_told(service: StreamService, clinic: TestClinic) -> None:
    with stream_of(service, f"clinic={clinic.id}&mode=delta") as stream:
        stream.next_event()
        with clinic.database.transaction() as execute:
            for hold_id in (clinic.hold(clinic.petra), clinic.hold(clinic.paul)):
                execute("UPDATE hold SET ends_at = ends_at WHERE id = %s", [hold_id])
        told: set[str] = set()
        while len(told) < 2:
            told |= set(taken_in(stream.next_named("change").json["upserts"]))


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("clinic=999999999", 404, "not_found"),
        ("service=999999999", 404, "not_found"),
        ("clinic=lindenhof", 400, "invalid"),
        ("clinic={clinic}&practitioner={petra}", 400, "invalid"),
        ("clinic={clinic}&from=2020-01-01&to=2020-01-02", 400, "range_not_live"),
        ("clinic={clinic}&patient=3", 400, "unknown_field"),
    ],
)
def test_wrong_or_unknown_address_is_refused(
    service: StreamService, clinic: TestClinic, query: str, status: int, code: str
) -> None:
    response = service.get(f"{PATH}?{query.format(clinic=clinic.id, petra=clinic.petra.row_id)}")
    assert (response.status_code, response.json()["errors"][0]["code"]) == (status, code)


def test_service_that_is_offered_no_more_is_not_found(service: StreamService, clinic: TestClinic) -> None:
    clinic.database.execute("UPDATE service SET active = FALSE WHERE id = %s", clinic.service_id)
    assert service.get(f"{PATH}?service={clinic.service_id}").status_code == 404


def test_newcomers_cost_no_query_while_the_clinic_is_live(start_service: StartService, clinic: TestClinic) -> None:
    server = clinic.database.server
    with Gate(server.host, server.port) as gate:
        address = {"DB_HOST": "127.0.0.1", "DB_PORT": str(gate.port)}
        service = start_service(environment={**clinic.database.environment, **address})
        with stream_of(service, f"clinic={clinic.id}") as first:
            first.next_event()
            gate.statements.clear()
            for query in (f"clinic={clinic.id}&mode=delta", f"service={clinic.service_id}"):
                with stream_of(service, query) as newcomer:
                    newcomer.next_event()
            said = [query for query in list(gate.statements) if "live_head" not in query]
            gate.statements.clear()
            for _ in range(3):
                assert httpx.get(f"{service.url}{PATH}?clinic=999999999").status_code == 404
            asked = [query for query in list(gate.statements) if "live_clinic" in query]
        service.stop()
    assert said == []
    assert len(asked) == 1
