"""A browser's EventSource can send no header: it brings a ticket of one minute in the address."""

import time
from typing import Any

import pytest

from testkit.stream.clinic import TestClinic
from testkit.stream.service import StartService, StreamService

STREAM = "/api/v1/sse/appointments"


def test_ticket_opens_a_stream(service: StreamService, clinic: TestClinic) -> None:
    booked = clinic.book()
    with service.stream(None, f"ticket={clinic.anna.ticket()}") as stream:
        assert [row["id"] for row in stream.next_event().json["appointments"]] == [booked]


def test_ticket_opens_one_stream_and_brings_its_reader_back(service: StreamService, clinic: TestClinic) -> None:
    ticket = clinic.anna.ticket()
    with service.stream(None, f"ticket={ticket}") as stream:
        stream.next_event()
        refused = service.get(f"{STREAM}?ticket={ticket}")
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (401, "token_not_valid")
        assert service.get(f"/api/v1/sse/notifications?ticket={ticket}").status_code == 401
    for _ in range(2):
        with service.stream(None, f"ticket={ticket}", last_event_id=stream.last_id) as again:
            assert again.status == 200
    assert service.get(f"{STREAM}?ticket={ticket}").status_code == 401


def test_ticket_of_a_refused_request_is_not_used_up(service: StreamService, clinic: TestClinic) -> None:
    ticket = clinic.anna.ticket()
    assert service.get(f"{STREAM}?ticket={ticket}&mode=none").status_code == 400
    with service.stream(None, f"ticket={ticket}") as stream:
        stream.next_event()


def test_stream_stays_as_long_as_the_token_the_ticket_was_asked_with(
    start_service: StartService, clinic: TestClinic
) -> None:
    service = start_service(sse_heartbeat_seconds=0.5)
    with service.stream(None, f"ticket={clinic.anna.ticket(seconds=1, stays_seconds=60)}") as stream:
        stream.next_event()
        assert stream.stays_silent(2.5), "the ticket has expired, the stream has not"


def test_stream_of_a_ticket_that_says_nothing_of_it_ends_with_the_ticket(
    service: StreamService, clinic: TestClinic
) -> None:
    with service.stream(None, f"ticket={clinic.anna.ticket(seconds=2, session_exp=None)}") as stream:
        stream.next_event()
        assert [block.event for block in stream.wait_for_end()] == ["token-expiring", "expired"]


def test_event_source_comes_back_by_its_ticket_while_its_session_lasts(
    service: StreamService, clinic: TestClinic
) -> None:
    """After a restart it has no other address, and 401 would end it for ever."""
    ticket = clinic.anna.ticket(seconds=1, stays_seconds=3)
    with service.stream(None, f"ticket={ticket}") as stream:
        stream.next_event()
    time.sleep(1.2)
    assert service.get(f"{STREAM}?ticket={ticket}").status_code == 401, "a ticket opens for as long as it says"
    booked = clinic.book(patient=clinic.anna)
    with service.stream(None, f"ticket={ticket}", last_event_id=stream.last_id) as again:
        told = again.wait_for_end()
    shown = [block.json["appointments"] for block in told if block.is_event and block.event == "message"]
    assert [row["id"] for row in shown[-1]] == [booked]
    assert told[-1].event == "expired"
    time.sleep(1)  # It ended a little before.
    refused = service.get(f"{STREAM}?ticket={ticket}", headers={"Last-Event-ID": str(stream.last_id)})
    assert refused.status_code == 401


@pytest.mark.parametrize(
    "changed",
    [
        {"seconds": -1},
        {"aud": "chairside"},
        {"token_type": "access"},
        {"aud": ["chairside-stream", "x"]},
        {"ver": None},
    ],
    ids=str,
)
def test_ticket_that_is_none_is_refused(service: StreamService, clinic: TestClinic, changed: dict[str, Any]) -> None:
    response = service.get(f"{STREAM}?ticket={clinic.anna.ticket(**changed)}")
    assert (response.status_code, response.json()["errors"][0]["code"]) == (401, "token_not_valid")


def test_ticket_is_good_for_streams_alone(service: StreamService, clinic: TestClinic) -> None:
    ticket = clinic.owner.ticket()
    assert service.get("/api/v1/auth/test", token=ticket).status_code == 401
    assert service.get(f"/api/v1/auth/test?ticket={ticket}").status_code == 401
    assert service.get(STREAM, token=ticket).status_code == 401


def test_access_token_is_no_ticket(service: StreamService, clinic: TestClinic) -> None:
    assert service.get(f"{STREAM}?ticket={clinic.owner.token()}").status_code == 401


def test_header_wins_over_the_ticket(service: StreamService, clinic: TestClinic) -> None:
    booked = clinic.book(patient=clinic.anna)
    with service.stream(clinic.anna.token(), f"ticket={clinic.ben.ticket()}") as stream:
        assert [row["id"] for row in stream.next_event().json["appointments"]] == [booked]


def test_event_source_of_who_has_signed_out_is_told_to_stop(service: StreamService, clinic: TestClinic) -> None:
    """204, because it comes back after every end: WHATWG HTML, 9.2.3."""
    ticket = clinic.anna.ticket()
    with service.stream(None, f"ticket={ticket}") as stream:
        stream.next_event()
        clinic.database.execute("UPDATE account_user SET token_version = 2 WHERE id = %s", clinic.anna.user_id)
        stream.next_named("revoked")
    response = service.get(f"{STREAM}?ticket={ticket}")
    assert (response.status_code, response.content) == (204, b"")


def test_ticket_is_never_logged(start_service: StartService, clinic: TestClinic) -> None:
    service = start_service(fastapi_debug=True)
    ticket = clinic.anna.ticket()
    with service.stream(None, f"ticket={ticket}") as stream:
        stream.next_event()
    service.get(f"{STREAM}?ticket={ticket}x")
    time.sleep(0.1)
    service.stop()
    assert ticket not in service.log
