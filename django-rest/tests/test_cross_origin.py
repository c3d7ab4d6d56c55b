"""Requests and headers allowed to a front end on another origin."""

import pytest
from clinic.common.openapi import IDEMPOTENCY_KEY, IF_MATCH
from django.test import Client
from pytest_django.fixtures import Settings

from testkit.clinic.answers import APPOINTMENTS
from testkit.clinic.world import World

ORIGIN = "https://desk.example"


@pytest.fixture(autouse=True)
def _allowed(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]


@pytest.mark.parametrize(
    "header", ["Authorization", "X-Phone-Code", "X-Hold-Token", IDEMPOTENCY_KEY.name, IF_MATCH.name]
)
def test_every_header_that_is_read_may_be_sent(client: Client, header: str) -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": header}
    answer = client.options(APPOINTMENTS, headers=asked)
    assert header.lower() in answer.headers["Access-Control-Allow-Headers"].split(", ")


@pytest.mark.parametrize("header", ["X-Requested-With", "baggage", "sentry-trace", "traceparent", "tracestate"])
def test_headers_added_by_a_front_ends_tracing_and_libraries_may_be_sent(client: Client, header: str) -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": header}
    answer = client.options(APPOINTMENTS, headers=asked)
    assert header.lower() in answer.headers["Access-Control-Allow-Headers"].split(", ")


@pytest.mark.parametrize(("origin", "allowed"), [(ORIGIN, "true"), ("https://elsewhere.example", None)])
def test_credentials_are_allowed_for_listed_origins_only(world: World, origin: str, allowed: str | None) -> None:
    answer = world.client().get("/api/v1/time/now", headers={"Origin": origin})
    assert answer.headers.get("Access-Control-Allow-Credentials") == allowed


@pytest.mark.parametrize("header", ["ETag", "Retry-After", "Idempotent-Replay", "Content-Disposition", "X-Request-ID"])
def test_every_header_that_tells_something_may_be_read(world: World, header: str) -> None:
    answer = world.client().get("/api/v1/time/now", headers={"Origin": ORIGIN})
    assert header in answer.headers["Access-Control-Expose-Headers"].split(", ")
