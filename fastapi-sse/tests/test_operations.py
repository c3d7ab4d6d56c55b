import json
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from clinic_stream import schemas

from testkit.stream.clinic import TestClinic
from testkit.stream.service import StartService, StreamService

ORIGIN = "http://localhost:3000"
# Headers that the tracing of a front end adds to every request (W3C Trace Context and Baggage, Sentry).
TRACING_HEADERS = "baggage,sentry-trace,traceparent,tracestate"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/api/v1/health", "/metrics", "/docs", "/openapi.json"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_every_path_works_with_and_without_a_slash(service: StreamService, path: str, slash: str) -> None:
    response = service.get(path + slash)
    assert response.status_code == 200
    assert response.history == []


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/api/v1/health", "/metrics"])
def test_probe_answers_head_as_get_without_a_body(service: StreamService, path: str) -> None:
    response = httpx.head(f"{service.url}{path}")
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-type"] == service.get(path).headers["content-type"]


def test_answers_are_as_documented(service: StreamService, clinic: TestClinic) -> None:
    token = clinic.owner.token()
    for path, model in (
        ("/livez", schemas.Alive),
        ("/readyz", schemas.Readiness),
        ("/api/v1/health", schemas.Health),
        ("/api/v1/auth/test", schemas.ViewerShown),
        ("/api/v1/sse/connections", schemas.ConnectionList),
    ):
        model.model_validate_json(service.get(path, token=token).content, extra="forbid")


def test_stream_and_viewer_work_with_a_slash_too(service: StreamService, clinic: TestClinic) -> None:
    token = clinic.owner.token()
    assert service.get("/api/v1/auth/test/", token=token).status_code == 200
    with httpx.stream(
        "GET", f"{service.url}/api/v1/sse/appointments/", headers={"Authorization": f"Bearer {token}"}
    ) as response:
        assert response.status_code == 200


def test_viewer_is_what_the_token_makes(service: StreamService, clinic: TestClinic) -> None:
    viewer = service.get("/api/v1/auth/test", token=clinic.petra.token()).json()
    assert abs(viewer.pop("expires_at") - time.time() - 300) < 5
    assert viewer == {
        "user_id": clinic.petra.user_id,
        "role": "practitioner",
        "clinic_id": clinic.id,
        "practitioner_id": clinic.petra.row_id,
        "patient_id": None,
    }


def test_health_counts_what_is_kept(start_service: StartService, clinic: TestClinic) -> None:
    service = start_service()
    for _ in range(3):
        clinic.book()
    with service.stream(clinic.owner.token()) as one, service.stream(clinic.anna.token()) as two:
        one.next_event()
        two.next_event()
        health = service.get("/api/v1/health")
        detailed = service.get("/api/v1/health", token=clinic.owner.token()).json()
    assert health.status_code == 200
    body = health.json()
    assert detailed.keys() - body.keys() == {"head_lag_seconds"}
    assert 0 <= detailed["head_lag_seconds"] < 1
    assert abs(body["clock"].pop("skew_seconds")) < 5
    assert body.pop("version")
    assert body == {
        "status": "ok",
        "service": "fastapi-sse",
        "database": "ok",
        "cache": {"clinics": 1, "topics": 2, "rows": 3, "inboxes": 0},
        "connections": 2,
        "pulse_age_seconds": None,
        "stale": {"service": False, "clinics": 0, "since": None, "causes": {}},
        "clock": {"off": False},
    }


def test_reader_that_leaves_is_forgotten(start_service: StartService, clinic: TestClinic) -> None:
    service = start_service()
    with service.stream(clinic.owner.token()) as stream:
        stream.next_event()
        assert service.get("/api/v1/health").json()["connections"] == 1
    deadline = time.monotonic() + 2
    while service.get("/api/v1/health").json()["connections"] and time.monotonic() < deadline:
        time.sleep(0.02)
    assert service.get("/api/v1/health").json()["connections"] == 0


def test_browser_on_an_allowed_origin_may_read_the_stream(start_service: StartService, clinic: TestClinic) -> None:
    service = start_service(cors_allowed_origins=ORIGIN)
    preflight = httpx.options(
        f"{service.url}/api/v1/sse/appointments",
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "authorization,last-event-id,x-requested-with," + TRACING_HEADERS,
        },
    )
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == ORIGIN
    assert preflight.headers["access-control-allow-credentials"] == "true"
    with service.stream(clinic.owner.token(), Origin=ORIGIN) as stream:
        assert stream.headers["access-control-allow-origin"] == ORIGIN
        assert stream.headers["access-control-allow-credentials"] == "true"
    refused = service.get("/api/v1/auth/test", headers={"Origin": ORIGIN})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, ORIGIN)


def test_other_origins_may_not(start_service: StartService) -> None:
    service = start_service(cors_allowed_origins=ORIGIN)
    headers = {"Origin": "http://elsewhere.example", "Access-Control-Request-Method": "GET"}
    preflight = httpx.options(f"{service.url}/api/v1/sse/appointments", headers=headers)
    assert "access-control-allow-origin" not in preflight.headers
    assert preflight.json()["errors"][0]["code"] == "cors_refused"
    assert "access-control-allow-origin" not in service.get("/livez", headers=headers).headers


def test_printed_openapi_document_is_the_served_one(service: StreamService) -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "clinic_stream", "openapi"],
        cwd=Path(__file__).parents[1],
        env={},
        capture_output=True,
        check=True,
    ).stdout
    document = json.loads(printed)
    assert document == service.get("/openapi.json").json()
    parameters = {parameter["name"] for parameter in document["paths"]["/api/v1/sse/appointments"]["get"]["parameters"]}
    assert parameters == {"mode", "from", "to", "practitioner", "status", "last_event_id", "ticket"}


def test_documentation_loads_from_nowhere_else(service: StreamService) -> None:
    page = service.get("/docs").text
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(addresses) == 3
    for address in addresses:
        assert service.get(address).status_code == 200
    assert "//" not in "".join(addresses)


@pytest.mark.parametrize("path", ["/favicon.svg", "/favicon.ico"])
def test_browsers_find_the_sign_where_they_look(service: StreamService, path: str) -> None:
    response = service.get(path)
    assert (response.status_code, response.headers["content-type"]) == (200, "image/svg+xml")
    assert '<link rel="shortcut icon" href="/favicon.svg">' in service.get("/docs").text


def test_wrong_settings_are_told_all_at_once_and_by_name(clinic: TestClinic) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "clinic_stream"],
        cwd=Path(__file__).parents[1],
        env={
            "CHAIRSIDE_NO_ENV_FILES": "1",
            "SSE_POLL_INTERVAL_MS": "soon",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 1
    for name in ("SSE_POLL_INTERVAL_MS", "SSE_DB_PASSWORD", "JWT_SECRET_KEY"):
        assert name in finished.stderr


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_log_tells_of_requests_but_of_no_query_and_no_payload(
    start_service: StartService, clinic: TestClinic, log_format: str
) -> None:
    service = start_service(log_format=log_format, fastapi_debug=True)
    booked = clinic.book(notes="very-secret-note")
    token = clinic.owner.token()
    headers = {"X-Request-ID": "find-me-again"}
    with service.stream(token, "mode=delta&status=confirmed", **headers) as stream:
        stream.next_event()
        clinic.update(booked, notes="another-very-secret-note")
        stream.next_event()
    service.get("/line%0aend?secret=1")
    service.stop()
    lines = service.log.splitlines()
    about_it = [line for line in lines if "find-me-again" in line]
    assert len(about_it) == 2, "answered, and closed"
    assert not any(word in service.log for word in ("secret", "status=confirmed", token, "Anna"))
    assert "/line" not in service.log
    assert not any(line.startswith("end") for line in lines)
    if log_format == "json":
        [answered, closed] = [json.loads(line) for line in about_it]
        assert (answered["request_id"], answered["status"]) == ("find-me-again", 200)
        assert (answered["method"], answered["route"]) == ("GET", "/api/v1/sse/appointments")
        assert closed["milliseconds"] >= answered["milliseconds"]
        assert (closed["reason"], closed["stream"], closed["user"]) == ("left", "appointments", clinic.owner.user_id)
