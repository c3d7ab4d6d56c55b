"""No parameter and no body is ignored, on any route of the API."""

from collections.abc import Iterator

import httpx
import pytest
from clinic_stream import connection_routes, probes, stream_routes
from clinic_stream.main import openapi_document
from clinic_stream.stream_routes import STREAMS
from clinic_stream.unknown_parameters import parameters_of
from fastapi.routing import APIRoute

from testkit.stream.clinic import TestClinic
from testkit.stream.service import StreamService

NOT_STRICT = {route.path for route in probes.router.routes if isinstance(route, APIRoute)}
ROUTES = [
    (method, path)
    for path, methods in openapi_document()["paths"].items()
    for method in methods
    if path not in NOT_STRICT
]


def refusal_of(response: httpx.Response) -> tuple[int, str, str, str | None]:
    body = response.json()
    (error,) = body["errors"]
    return response.status_code, body["type"], error["code"], error["attr"]


def sentence_of(response: httpx.Response) -> str:
    return str(response.json()["errors"][0]["detail"])


def queries_of(path: str) -> Iterator[str]:
    yield "practioner=1"
    yield "practitioner=1&practioner=1" if "appointments" in path or "availability" in path else "frobnicate="


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_unknown_parameter_is_400_on_every_route(
    service: StreamService, clinic: TestClinic, method: str, path: str
) -> None:
    headers = {"Authorization": f"Bearer {clinic.owner.token()}"}
    for query in queries_of(path):
        url = f"{service.url}{path.replace('{connection_id}', '0-1')}?{query}"
        status, kind, code, attr = refusal_of(httpx.request(method, url, headers=headers))
        assert (status, kind, code) == (400, "validation_error", "unknown_field")
        assert str(attr) in query


@pytest.mark.parametrize(("method", "path"), [route for route in ROUTES if route[0] != "get"])
def test_body_is_400_where_none_is_read(service: StreamService, clinic: TestClinic, method: str, path: str) -> None:
    headers = {"Authorization": f"Bearer {clinic.owner.token()}"}
    url = service.url + path.replace("{connection_id}", "0-1")
    refused = httpx.request(method, url, headers=headers, json={"seconds": 600})
    assert refusal_of(refused) == (400, "validation_error", "unknown_field", "seconds")
    for empty in (b"", b"{}"):
        assert httpx.request(method, url, headers=headers, content=empty).status_code == 404


def test_nearest_known_parameter_is_named(service: StreamService, clinic: TestClinic) -> None:
    refused = service.get("/api/v1/sse/appointments?practioner=1", token=clinic.owner.token())
    assert sentence_of(refused) == "`practioner` is not a known parameter. Did you mean `practitioner`?"
    refused = service.get("/api/v1/sse/notifications?from=2026-11-20", token=clinic.owner.token())
    assert "`mode`" in sentence_of(refused)


def test_repeated_parameter_is_400_and_statuses_may_repeat(service: StreamService, clinic: TestClinic) -> None:
    path = "/api/v1/sse/appointments?practitioner=1&practitioner=2"
    refused = service.get(path, token=clinic.owner.token())
    assert refusal_of(refused) == (400, "validation_error", "repeated_parameter", "practitioner")
    with service.stream(clinic.owner.token(), "status=pending&status=confirmed") as stream:
        stream.next_event()


def test_two_different_last_ids_are_400(service: StreamService, clinic: TestClinic) -> None:
    path = "/api/v1/sse/appointments?last_event_id=a&lastEventId=b"
    refused = service.get(path, token=clinic.owner.token())
    assert refusal_of(refused) == (400, "validation_error", "invalid", "lastEventId")


@pytest.mark.parametrize("name", ["last_event_id", "lastEventId"])
def test_both_spellings_of_the_last_id_go_on(service: StreamService, clinic: TestClinic, name: str) -> None:
    first = clinic.book()
    with service.stream(clinic.owner.token(), "mode=delta") as stream:
        last_id = stream.next_event().id
    second = clinic.book()
    with service.stream(clinic.owner.token(), f"mode=delta&{name}={last_id}") as again:
        change = again.next_named("change").json
    assert [row["id"] for row in change["upserts"]] == [second]
    assert first != second


def test_probes_and_scripts_accept_any_parameter(service: StreamService) -> None:
    for path in ("/livez", "/readyz", "/api/v1/health", "/metrics", "/chairside-live.js", "/docs"):
        assert service.get(f"{path}?v=3").status_code == 200


def test_no_route_of_the_api_is_without_the_check() -> None:
    all_routes = [*stream_routes.router.routes, *connection_routes.router.routes]
    routes = [route for route in all_routes if isinstance(route, APIRoute)]
    assert {route.path for route in routes} == {path for _, path in ROUTES}
    for path in STREAMS:
        (route,) = (route for route in routes if route.path == path)
        assert parameters_of(route).parameters
