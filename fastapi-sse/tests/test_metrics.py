import time
from collections.abc import Callable

from prometheus_client.parser import text_string_to_metric_families

from testkit.stream.clinic import TestClinic
from testkit.stream.service import StartService, StreamService

Values = dict[tuple[str, str], float]


def values_of(service: StreamService) -> Values:
    """By name and by the value of the one label, if it has one."""
    return {
        (sample.name.removeprefix("chairside_stream_"), "".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(service.get("/metrics").text)
        for sample in family.samples
    }


def until(service: StreamService, condition: Callable[[Values], bool]) -> Values:
    deadline = time.monotonic() + 3
    while not condition(values := values_of(service)):
        assert time.monotonic() < deadline, values
        time.sleep(0.02)
    return values


def test_streams_are_counted_by_how_they_begin_and_end(start_service: StartService, clinic: TestClinic) -> None:
    service = start_service(sse_max_connections_per_user=1, sse_max_connections=2)
    clinic.book()
    with service.stream(clinic.anna.token()) as first, service.stream(clinic.anna.token()) as second:
        last_id = second.next_event().id
        first.wait_for_end()
        with service.stream(clinic.ben.token()) as third, service.stream(clinic.owner.token()):
            third.next_event()
            assert values_of(service)["connections", "open"] == 2
    values = until(service, lambda values: values["connections", "open"] == 0)
    with service.stream(clinic.anna.token(), last_event_id=last_id) as back:
        back.next_block()
        values = until(service, lambda values: ("resumes_total", "nothing") in values)
    assert values["opened_total", "appointments"] == 4
    assert values["closed_total", "replaced"] == 1
    assert values["closed_total", "left"] == 2
    assert values["turned_away_total", "total"] == 1
    assert values["drift_total", ""] == 0
    assert values["database_up", ""] == 1


def test_sent_messages_are_counted_and_timed(start_service: StartService, clinic: TestClinic) -> None:
    service = start_service()
    with service.stream(clinic.owner.token(), "mode=delta") as one, service.stream(clinic.staff.token()) as two:
        one.next_event()
        two.next_event()
        before = values_of(service)
        clinic.book()
        one.next_named("change")
        two.next_named("message")
        after = until(service, lambda values: values["frames_total", ""] >= before["frames_total", ""] + 2)
    assert after["bytes_total", ""] > before["bytes_total", ""] + 1000
    assert after["commit_to_send_seconds_count", ""] == 1
    assert 0 < after["commit_to_send_seconds_sum", ""] < 2
    assert after["poll_seconds_count", ""] > before["poll_seconds_count", ""]
    assert (after["clinics", ""], after["topics", ""], after["rows", ""]) == (1, 1, 1)


def test_refusals_are_counted_by_what_was_wrong(start_service: StartService, clinic: TestClinic) -> None:
    service = start_service()
    token = clinic.owner.token()
    service.get("/api/v1/auth/test")
    service.get("/api/v1/auth/test", token="rubbish")
    service.get("/api/v1/auth/test", token=clinic.owner.token(seconds=-1))
    service.get("/api/v1/auth/test", token=clinic.owner.token(token_type="refresh"))
    service.get("/api/v1/auth/test", token=clinic.owner.token(ver=9))
    service.get(f"/api/v1/sse/appointments?ticket={token}")
    values = values_of(service)
    assert {reason: value for (name, reason), value in values.items() if name == "auth_failures_total"} == {
        "not_authenticated": 1,
        "invalid": 1,
        "expired": 1,
        "wrong_claim": 1,
        "signed_out": 1,
        "ticket_wrong_claim": 1,
    }


def test_metrics_say_nothing_of_anybody(start_service: StartService, clinic: TestClinic) -> None:
    service = start_service()
    with service.stream(clinic.anna.token()) as stream:
        stream.next_event()
        text = service.get("/metrics").text
    assert "Anna" not in text
    assert "process_resident_memory_bytes" in text


def test_requests_are_counted_by_route_and_status(start_service: StartService, clinic: TestClinic) -> None:
    service = start_service()
    for path in ("/api/v1/auth/test", "/api/v1/auth/test", "/nowhere/secret"):
        service.get(path)
    with service.stream(clinic.owner.token()) as stream:
        stream.next_event()
        values = until(service, lambda values: ("request_seconds_count", "GET/api/v1/sse/appointments200") in values)
    assert values["request_seconds_count", "GET/api/v1/auth/test401"] == 2
    assert values["request_seconds_count", "GET-404"] == 1


def test_connections_are_beside_their_limits(start_service: StartService, clinic: TestClinic) -> None:
    values = values_of(start_service(sse_max_connections=7))
    assert values["connections_limit", ""] == 7
    assert 0 <= values["database_connections", "load"] <= values["database_connections_limit", "load"] == 4
