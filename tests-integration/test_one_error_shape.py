"""Any bad request: both services answer in one shape, below 500, and nothing is half-written."""

from typing import Any

import httpx
import pytest

from testkit.live.people import SignedIn, sql
from testkit.live.stack import LiveStack

TABLES = ("appointment", "appointment_event", "claimed_cell", "patient", "hold", "idempotency_key")
# Holds that have ended may be tidied up at any moment, with their cells; none ends within the seconds of a test.
LIVE = {
    "hold": "expires_at > UTC_TIMESTAMP() + INTERVAL 1 MINUTE",
    "claimed_cell": "hold_id IS NULL OR hold_id IN"
    " (SELECT id FROM hold WHERE expires_at > UTC_TIMESTAMP() + INTERVAL 1 MINUTE)",
}


def check_shape(response: httpx.Response) -> str:
    assert 400 <= response.status_code < 500, (response.status_code, response.text)
    body = response.json()
    assert body["type"] in {"validation_error", "client_error"}
    assert all(set(error) == {"code", "detail", "attr"} for error in body["errors"])
    assert response.headers["X-Request-ID"]
    assert float(response.headers["X-Process-Time"]) >= 0
    code: str = body["errors"][0]["code"]
    return code


BAD_BODIES: dict[str, Any] = {
    "malformed": b"{",
    "not an object": b"[1, 2]",
    "a number": b"7",
    "not UTF-8": b'{"notes": "\xff"}',
    "wrong types": b'{"patient": "me", "practitioner": [], "start": {}}',
    "a day that does not exist": b'{"patient": 1, "practitioner": 1, "date": "2026-02-30", "time": "09:00"}',
    "the past": b'{"patient": 1, "practitioner": 1, "start": "2001-01-01T09:00:00Z"}',
    "too far ahead": b'{"patient": 1, "practitioner": 1, "start": "2199-01-01T09:00:00Z"}',
    "the last year": b'{"patient": 1, "practitioner": 1, "start": "9999-12-31T23:59:59-14:00"}',
    "off the grid": b'{"patient": 1, "practitioner": 1, "start": "2027-03-03T09:03:00Z"}',
    "unknown ids": b'{"patient": 99999999, "practitioner": 99999999, "start": "2027-03-03T09:00:00Z"}',
    "an id beyond all": b'{"patient": 1, "practitioner": 99999999999999999999, "start": "2027-03-03T09:00:00Z"}',
    "a megabyte": b'{"notes": "' + b"x" * 1_000_000 + b'"}',
    "nothing": b"",
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES.keys())
def test_bad_bodies(stack: LiveStack, body: bytes) -> None:
    with SignedIn(stack, "staff") as staff, sql(stack.db()) as cursor:
        before = _counts(cursor)
        headers = {"Content-Type": "application/json"}
        check_shape(staff.http.post("/api/v1/appointments", content=body, headers=headers))
        assert _counts(cursor) == before


BAD_REQUESTS = [
    ("GET", "/api/v1/nothing-here", 404, "not_found"),
    ("GET", "/api/v1/appointments/999999999999999999999", 404, "not_found"),
    ("PUT", "/api/v1/appointments", 405, "method_not_allowed"),
    ("DELETE", "/api/v1/time/now", 405, "method_not_allowed"),
    ("GET", "/api/v1/appointments?date=2026-02-30", 400, "invalid"),
    ("GET", "/api/v1/appointments?scope=everything", 400, "invalid_choice"),
    ("GET", "/api/v1/appointments?page=0", 404, "not_found"),
    ("GET", "/api/v1/appointments?ordering=password", 400, "invalid_choice"),
]


@pytest.mark.parametrize(("method", "path", "status", "code"), BAD_REQUESTS)
def test_bad_requests_to_rest(stack: LiveStack, method: str, path: str, status: int, code: str) -> None:
    with SignedIn(stack, "staff") as staff:
        response = staff.http.request(method, path)
        assert (response.status_code, check_shape(response)) == (status, code)


BAD_STREAMS = [
    ("GET", "/api/v1/nothing-here", 404, "not_found"),
    ("POST", "/api/v1/sse/appointments", 405, "method_not_allowed"),
    ("GET", "/api/v1/sse/appointments?from=2026-02-30&to=2026-03-01", 400, "invalid"),
    ("GET", "/api/v1/sse/appointments?mode=everything", 400, "invalid"),
    ("GET", "/api/v1/sse/appointments?status=eaten", 400, "invalid"),
    ("GET", "/api/v1/sse/appointments?practitioner=me", 400, "invalid"),
    ("GET", "/api/v1/sse/appointments?from=2026-01-01&to=2026-12-31", 400, "range_not_live"),
]


@pytest.mark.parametrize(("method", "path", "status", "code"), BAD_STREAMS)
def test_bad_requests_to_the_stream(stack: LiveStack, method: str, path: str, status: int, code: str) -> None:
    with SignedIn(stack, "staff") as staff:
        response = staff.http.request(method, f"{stack.stream_url}{path}")
        assert (response.status_code, check_shape(response)) == (status, code)


def test_a_request_id_that_is_given_is_kept_in_both(stack: LiveStack) -> None:
    for url in (f"{stack.api_url}/livez", f"{stack.stream_url}/livez"):
        assert httpx.get(url, headers={"X-Request-ID": "from-the-front-end.1"}).headers["X-Request-ID"] == (
            "from-the-front-end.1"
        )
        assert httpx.get(url, headers={"X-Request-ID": "not safe\t!"}).headers["X-Request-ID"] != "not safe\t!"


def _counts(cursor: Any) -> dict[str, int]:
    counts = {}
    for table in TABLES:
        cursor.execute(f"SELECT COUNT(*) FROM {table} WHERE {LIVE.get(table, 'TRUE')}")
        counts[table] = cursor.fetchone()[0]
    return counts
