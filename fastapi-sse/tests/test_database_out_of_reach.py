import secrets
import threading
import time
from collections.abc import Iterator

import pytest

from testkit.stream.clinic import TestClinic
from testkit.stream.database import Database
from testkit.stream.gate import Gate
from testkit.stream.service import StartService

WRONG_PASSWORD = secrets.token_hex(32)


@pytest.fixture
def gate(database: Database) -> Iterator[Gate]:
    with Gate(database.server.host, database.server.port) as gate:
        yield gate


@pytest.fixture
def behind_gate(database: Database, gate: Gate) -> dict[str, str]:
    return {**database.environment, "DB_HOST": "127.0.0.1", "DB_PORT": str(gate.port)}


def test_streams_outlive_the_database_and_miss_nothing(
    start_service: StartService, clinic: TestClinic, gate: Gate, behind_gate: dict[str, str]
) -> None:
    service = start_service(environment=behind_gate)
    booked = clinic.book(status="pending")
    with (
        service.stream(clinic.owner.token(), "mode=delta") as deltas,
        service.stream(clinic.anna.token()) as annas,
    ):
        deltas.next_event()
        annas.next_event()
        gate.close()
        assert deltas.next_named("stale").field("retry") is None
        annas.next_named("stale")
        service.wait_until("/readyz", 503)
        clinic.update(booked, status="confirmed")
        assert deltas.stays_silent(0.5), "said once"
        gate.open()
        assert [row["status"] for row in deltas.next_named("change").json["upserts"]] == ["confirmed"]
        deltas.next_named("fresh")
        assert annas.next_event().json["appointments"][0]["status"] == "confirmed"
        annas.next_named("fresh")
        service.wait_until("/readyz", 200)


def test_database_that_says_nothing_is_noticed_too(
    start_service: StartService, clinic: TestClinic, gate: Gate, behind_gate: dict[str, str]
) -> None:
    service = start_service(environment=behind_gate)
    with service.stream(clinic.owner.token()) as stream:
        stream.next_event()
        gate.stall()
        service.wait_until("/readyz", 503)
        stream.next_named("stale", seconds=8)
        gate.close()
        gate.open()
        stream.next_named("fresh")


def test_newcomer_during_an_outage_is_told_stale_and_sees_nothing_before_rights_are_verified(
    start_service: StartService, clinic: TestClinic, gate: Gate, behind_gate: dict[str, str]
) -> None:
    service = start_service(environment=behind_gate)
    booked = clinic.book()
    with service.stream(clinic.owner.token()) as stream:
        stream.next_event()
        gate.close()
        stream.next_named("stale")
    time.sleep(1.2)  # Rights that were verified a second ago count.
    with service.stream(clinic.owner.token()) as stream, service.stream(clinic.ben.token()) as bens:
        stream.next_named("stale")
        bens.next_named("stale")
        assert stream.stays_silent(0.3)
        clinic.database.execute("UPDATE account_user SET is_active = 0 WHERE id = %s", clinic.ben.user_id)
        gate.open()
        assert [row["id"] for row in stream.next_event().json["appointments"]] == [booked]
        stream.next_named("fresh")
        assert [block.event for block in bens.wait_for_end()] == ["drain"]
        assert bens.is_complete
    assert service.get("/api/v1/sse/appointments", token=clinic.ben.token()).status_code == 401


def test_service_starts_without_a_database_and_becomes_ready_with_it(
    start_service: StartService, clinic: TestClinic, gate: Gate, behind_gate: dict[str, str]
) -> None:
    gate.close()
    service = start_service(environment=behind_gate, wait_for="/livez")
    assert service.get("/readyz").status_code == 503
    assert service.get("/readyz").json()["database"] == "unreachable"
    health = service.get("/api/v1/health", token=clinic.owner.token())
    assert health.status_code == 503
    assert (health.json()["status"], health.json()["database"]) == ("unavailable", "unreachable")
    assert health.json()["head_lag_seconds"] is None
    response = service.get("/api/v1/auth/test", token=clinic.owner.token())
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    assert response.json() == {
        "type": "server_error",
        "errors": [
            {
                "code": "service_unavailable",
                "detail": "The database cannot be reached at the moment.",
                "attr": None,
            }
        ],
    }
    with service.stream(clinic.owner.token()) as stream:
        stream.next_named("stale")
        gate.open()
        assert stream.next_event().json["appointments"] == []
        stream.next_named("fresh")
    service.wait_until("/readyz", 200)


def test_request_waits_a_moment_for_a_database_that_is_just_coming(
    start_service: StartService, clinic: TestClinic, gate: Gate, behind_gate: dict[str, str]
) -> None:
    service = start_service(environment=behind_gate)
    gate.close()
    service.wait_until("/readyz", 503)
    opening = threading.Timer(0.5, gate.open)
    opening.start()
    with service.stream(clinic.owner.token()) as stream:
        opening.join()
        assert stream.status == 200


def test_views_that_cannot_be_read_are_not_ready(
    start_service: StartService, database: Database, clinic: TestClinic
) -> None:
    password = {"SSE_DB_PASSWORD": WRONG_PASSWORD}
    service = start_service(environment={**database.environment, **password}, wait_for="/livez")
    time.sleep(0.5)
    assert service.get("/readyz").status_code == 503
    assert WRONG_PASSWORD not in service.log
    assert "1045" in service.log


def test_event_source_is_opened_and_asked_to_come_back_instead_of_refused(
    start_service: StartService, clinic: TestClinic, gate: Gate, behind_gate: dict[str, str]
) -> None:
    gate.close()
    service = start_service(environment=behind_gate, wait_for="/livez", sse_heartbeat_seconds=0.3)
    for of, query in (
        ("appointments", f"ticket={clinic.anna.ticket()}"),
        ("availability", f"practitioner={clinic.petra.row_id}"),
    ):
        with service.stream(None, query, of=of) as stream:
            assert stream.status == 200
            stale, drain = stream.wait_for_end()
            assert (stale.event, drain.event, drain.id) == ("stale", "drain", None)
            assert int(drain.field("retry") or 0) >= 500
