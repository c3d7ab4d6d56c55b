"""Calls of older front ends, and browsers of a front end under development."""

import httpx
import pytest

from testkit.stream.service import StartService, StreamService


def test_health_is_also_at_its_older_path(service: StreamService) -> None:
    older, main = service.get("/health"), service.get("/api/v1/health")
    assert (older.status_code, older.json()["status"]) == (200, "ok")
    assert older.json().keys() == main.json().keys()


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1:3000"])
def test_origins_of_development_are_allowed_in_debug(start_service: StartService, origin: str) -> None:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization,x-requested-with",
    }
    in_debug, in_production = start_service(fastapi_debug=True), start_service(fastapi_debug=False)
    allowed = httpx.options(f"{in_debug.url}/api/v1/sse/appointments", headers=asked)
    assert allowed.headers["access-control-allow-origin"] == origin
    assert allowed.headers["access-control-allow-credentials"] == "true"
    refused = httpx.options(f"{in_production.url}/api/v1/sse/appointments", headers=asked)
    assert "access-control-allow-origin" not in refused.headers
