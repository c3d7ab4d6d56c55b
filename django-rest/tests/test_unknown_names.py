"""No name of a body or query is ignored. Read-only fields of an answer may be sent back as they are."""

from typing import Any

import pytest
from clinic.appointments.models import Appointment, Series
from clinic.common.accepted import accepted_by
from clinic.common.views import StrictNames
from clinic.people.models import Patient
from config import urls
from rest_framework.test import APIClient
from rest_framework.views import APIView

from testkit.clinic.answers import APPOINTMENTS, attr_of, code_of
from testkit.clinic.times import in_days
from testkit.clinic.world import World, row_of

from .test_permission_matrix import EXPECTED, PAGES, Route, every_route, paulas_wish, petras_day_off

# Others decide what they send: Twilio, and whoever probes. Documents and metrics are no part of the API.
NOT_STRICT = {
    "/health",
    "/livez",
    "/readyz",
    "/metrics",
    "/api/schema",
    "/api/docs",
    "/api/redoc",
    "/clients/js/<version>/<name>",
    "/favicon.ico",
    "/favicon.svg",
    "health",
    "twilio/webhook",
    "twilio/status",
}


def strict_routes() -> list[Route]:
    return [route for route in EXPECTED if route[1] not in NOT_STRICT | PAGES]


def test_every_view_of_the_api_refuses_unknown_names() -> None:
    lenient = {
        path.removeprefix("/api/v1/")
        for (_, path), view in every_route().items()
        if not (issubclass(view, StrictNames) and view.is_strict)
    }
    copies = {f"/api/{path}" for path in NOT_STRICT if not path.startswith("/")}
    assert lenient - copies == NOT_STRICT | PAGES


def refused(client: APIClient, method: str, url: str, body: object = None) -> tuple[int, str, str | None, str]:
    response: Any = getattr(client, method.lower())(url, body)
    error = response.json()["errors"][0]
    return response.status_code, code_of(response), attr_of(response), error["detail"]


def client_for(world: World, path: str) -> APIClient:
    """The owner, who may do all of it but have a family; a client without a token where none is looked at."""
    if path.startswith("users/me/family"):
        return world.client(world.paula)
    is_open = path.startswith(
        ("token", "auth/patient", "auth/doctor", "auth/password/reset", "auth/email/prove", "auth/contact", "public")
    )
    return world.client(None if is_open else world.olga)


def url_of(path: str) -> str:
    for name in ("<user>", "<token>", "<reference>", "<photo>"):
        path = path.replace(name, "1")
    while "<" in path:
        path = f"{path[: path.index('<')]}1{path[path.index('>') + 1 :]}"
    return path if path.startswith("/") else f"/api/v1/{path}"


def test_unknown_parameter_is_400_on_every_route(world: World) -> None:
    answers = {}
    for method, path in strict_routes():
        body: dict[str, Any] | None = None if method == "GET" or path.endswith("/photo") else {}
        answers[method, path] = refused(client_for(world, path), method, f"{url_of(path)}?frobnicate=1", body)[:3]
    assert {route: answer for route, answer in answers.items() if answer != (400, "unknown_field", "frobnicate")} == {}


def test_unknown_field_is_400_on_every_route(world: World) -> None:
    answers = {}
    for method, path in strict_routes():
        if method == "GET" or path.endswith("/photo"):
            continue
        answers[method, path] = refused(client_for(world, path), method, url_of(path), {"frobnicate": None})[:3]
    assert {route: answer for route, answer in answers.items() if answer != (400, "unknown_field", "frobnicate")} == {}


@pytest.mark.parametrize("path", ["users/me", "profiles/me", "staff/<user>"])
def test_unknown_field_of_a_photo_form_is_400(world: World, path: str) -> None:
    url = f"/api/v1/{path}/photo".replace("<user>", str(world.petra.pk))
    response = world.client(world.olga).post(url, {"picture": "x"}, format="multipart")
    assert (response.status_code, code_of(response), attr_of(response)) == (400, "unknown_field", "picture")


@pytest.mark.parametrize(
    ("body", "attr", "nearest"),
    [
        ({"docotr": 1}, "docotr", "`practitioner`"),
        ({"practioner": 1}, "practioner", "`practitioner`"),
        ({"noets": "x"}, "noets", "`notes`"),
        ({"outsideHours": True}, "outsideHours", "`outside_hours`"),
        ({"id": 7}, "id", "`patient`"),
    ],
)
def test_booking_with_an_unknown_field_books_nothing(
    world: World, body: dict[str, object], attr: str, nearest: str
) -> None:
    booking = {"patient": world.paula.patient.pk, "start": in_days(7)(9).isoformat(), **body}
    status, code, at_fault, sentence = refused(world.client(world.sam), "POST", APPOINTMENTS, booking)
    assert (status, code, at_fault) == (400, "unknown_field", attr)
    assert nearest in sentence
    assert not Appointment.objects.exists()


def series_of(world: World) -> dict[str, Any]:
    return {
        "patient": world.paula.patient.pk,
        "practitioner": world.petra.practitioner.pk,
        "start": in_days(7)(9).isoformat(),
        "rule": {"frequency": "weekly", "count": 3},
    }


def test_unknown_field_of_a_nested_object_is_400_by_its_path(world: World) -> None:
    body = {**series_of(world), "rule": {"frequency": "weekly", "count": 3, "interval": 3}}
    status, code, attr, sentence = refused(world.client(world.sam), "POST", f"{APPOINTMENTS}/series", body)
    assert (status, code, attr) == (400, "unknown_field", "rule.interval")
    assert "`frequency`" in sentence
    assert not Series.objects.exists()
    blocks = [{"weekday": 0, "start": "08:00", "end": "12:00", "day": 1}]
    url = f"/api/v1/practitioners/{world.petra.practitioner.pk}/availability"
    assert refused(world.client(world.olga), "PUT", url, {"blocks": blocks})[:3] == (
        400,
        "unknown_field",
        "blocks.0.day",
    )


def test_misspelled_dry_run_books_nothing(world: World) -> None:
    body = {**series_of(world), "dryRun": True}
    status, code, attr, sentence = refused(world.client(world.sam), "POST", f"{APPOINTMENTS}/series", body)
    assert (status, code, attr) == (400, "unknown_field", "dryRun")
    assert "Did you mean `dry_run`?" in sentence
    assert not Appointment.objects.exists()


def test_every_unknown_name_is_reported_at_once(world: World) -> None:
    response = world.client(world.sam).post(f"{APPOINTMENTS}", {"practioner": 1, "servce": 2})
    assert {error["attr"] for error in response.json()["errors"]} == {"practioner", "servce"}


@pytest.mark.parametrize("path", ["appointments", "appointments/export.csv"])
def test_misspelled_filter_lists_and_exports_nothing(world: World, path: str) -> None:
    status, code, attr, sentence = refused(world.client(world.sam), "GET", f"/api/v1/{path}?practioner=1")
    assert (status, code, attr) == (400, "unknown_field", "practioner")
    assert "`practitioner`" in sentence


def test_repeated_parameter_is_400(world: World) -> None:
    status, code, attr, _ = refused(world.client(world.sam), "GET", f"{APPOINTMENTS}?status=pending&status=confirmed")
    assert (status, code, attr) == (400, "repeated_parameter", "status")


def test_long_search_and_reason_are_not_cut(world: World) -> None:
    client, series = world.client(world.sam), world.book_series(in_days(9)(9))
    Patient.objects.create(clinic=world.clinic, name="x" * 100)
    assert client.get(f"/api/v1/patients?search={'x' * 100}").json()["count"] == 1
    assert client.get(f"/api/v1/patients?search={'x' * 101}").json()["count"] == 0
    url = f"{APPOINTMENTS}/series/{series.pk}?scope=all&reason={'x' * 501}"
    assert refused(client, "DELETE", url)[2] == "reason"


def test_sign_in_with_two_names_is_400(world: World) -> None:
    body = {"username": world.sam.email, "email": world.olga.email, "password": "x"}
    assert refused(world.client(), "POST", "/api/token", body)[:3] == (400, "ambiguous", "email")


# Read-only fields


def rows_of(world: World) -> dict[str, tuple[str, str]]:
    """A person who may change the row, and its path."""
    return {
        "appointment": ("sam", f"appointments/{world.book(in_days(7)(9)).pk}"),
        "series": ("sam", f"appointments/series/{world.book_series(in_days(9)(9)).pk}"),
        "service": ("olga", f"services/{world.check_up.pk}"),
        "practitioner": ("olga", f"practitioners/{world.petra.practitioner.pk}"),
        "availability": ("olga", f"practitioners/{world.petra.practitioner.pk}/availability"),
        "exception": ("olga", f"schedule-exceptions/{petras_day_off(world)}"),
        "clinic": ("olga", "clinic"),
        "patient": ("sam", f"patients/{world.pete.patient.pk}"),
        "staff": ("olga", f"staff/{world.sam.pk}"),
        "own profile": ("paula", "users/me"),
        "entry": ("sam", f"waitlist/{paulas_wish(world).pk}"),
    }


def without_versions(shown: Any) -> Any:
    """Blocks and exceptions that are replaced get new ids."""
    match shown:
        case dict():
            counted = {"version", "updated_at", "id"}
            return {name: without_versions(value) for name, value in shown.items() if name not in counted}
        case list():
            return [without_versions(one) for one in shown]
    return shown


def method_of(client: APIClient, path: str) -> Any:
    return client.put if path.endswith("/availability") else client.patch


@pytest.mark.parametrize(
    "kind",
    [
        "appointment",
        "series",
        "service",
        "practitioner",
        "availability",
        "exception",
        "clinic",
        "patient",
        "staff",
        "own profile",
        "entry",
    ],
)
def test_answer_of_get_may_be_sent_back_as_it_is(world: World, kind: str) -> None:
    who, path = rows_of(world)[kind]
    client, url = world.client(getattr(world, who)), f"/api/v1/{path}"
    shown = client.get(url).json()
    again = method_of(client, path)(f"{url}?scope=all" if kind == "series" else url, shown)
    assert again.status_code == 200, again.content
    assert without_versions(client.get(url).json()) == without_versions(shown)


def appointment_of(world: World) -> tuple[APIClient, str, dict[str, Any]]:
    client, url = world.client(world.sam), f"{APPOINTMENTS}/{world.book(in_days(7)(9)).pk}"
    return client, url, client.get(url).json()


def test_changed_read_only_field_is_400(world: World) -> None:
    client, url, shown = appointment_of(world)
    body = {**shown, "notes": "new", "source": "guest"}
    assert refused(client, "PATCH", url, body)[:3] == (400, "read_only", "source")
    assert client.get(url).json() == shown


def test_read_only_field_of_an_older_version_is_409_with_the_current_row(world: World) -> None:
    client, url, shown = appointment_of(world)
    client.patch(url, {"notes": "meanwhile"})
    response = client.patch(url, {**shown, "notes": "mine"})
    assert (response.status_code, code_of(response)) == (409, "stale_version")
    assert response.json()["current"]["notes"] == "meanwhile"
    by_header = client.patch(url, {"notes": "mine", "updated_at": shown["updated_at"]}, headers={"If-Match": '"1"'})
    assert (by_header.status_code, code_of(by_header)) == (412, "stale_version")


def test_computed_fields_are_not_compared(world: World) -> None:
    client, url, shown = appointment_of(world)
    body = {"patient_name": "As she was called", "service_color": "#000000", "notes": "new"}
    assert client.patch(url, body).json()["notes"] == "new"
    assert row_of(Appointment.objects.get()).version == shown["version"] + 1


def test_instant_may_come_back_in_another_notation(world: World) -> None:
    client, url, _ = appointment_of(world)
    end = in_days(7)(9, 30).astimezone().isoformat()
    assert client.patch(url, {"end": end, "notes": "new"}).status_code == 200


def test_only_changes_of_a_row_take_its_read_only_fields(world: World) -> None:
    client, url, shown = appointment_of(world)
    assert refused(client, "POST", f"{url}/confirm", {"id": shown["id"]})[:3] == (400, "unknown_field", "id")


def test_names_come_from_the_documentation() -> None:
    def view_of(path: str) -> APIView:
        (pattern,) = (one for one in urls.API if str(one.pattern) == path)
        return pattern.callback.view_class()  # type: ignore[union-attr, no-any-return]

    assert accepted_by(view_of("services"), "GET").query == {"active", "after", "clinic", "page", "page_size"}
    assert accepted_by(view_of("auth/stream-ticket"), "POST").body is None
