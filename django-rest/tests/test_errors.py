import json
import re
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from clinic.appointments.models import Appointment
from clinic.scheduling.models import Practitioner
from config import urls
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView

from testkit.clinic.answers import APPOINTMENTS, attr_of, code_of, refusal
from testkit.clinic.times import RIVERSIDE_ZONE, At, in_days
from testkit.clinic.world import World

CONTRACT = Path(__file__).resolve().parents[2] / "shared-config" / "contract" / "error.json"

SECRET = "the door code is 4711"


class BrokenView(APIView):
    permission_classes = ()

    def get(self, request: Request) -> Response:
        raise RuntimeError(SECRET)


def broken_page(request: HttpRequest) -> HttpResponse:
    raise RuntimeError(SECRET)


# For `urls`, below: the product's routes and two that fail.
urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/broken", BrokenView.as_view()),
    path("broken-page", broken_page),
    *urls.urlpatterns,
]
handler500 = urls.handler500


def rows_of_every_table() -> dict[str, int]:
    """But for the counts of attempts: a refused request is one too."""
    with connection.cursor() as cursor:
        counts = {}
        for table in set(connection.introspection.table_names(cursor)) - {"attempt_count"}:
            cursor.execute(f"SELECT COUNT(*) FROM `{table}`")  # noqa: S608 - the tables' own names
            counts[table] = cursor.fetchone()[0]
    return counts


@pytest.fixture
def booking(world: World, tomorrow_at: At) -> dict[str, object]:
    """A body that books."""
    return {
        "patient": world.paula.patient.pk,
        "practitioner": world.petra.practitioner.pk,
        "service": world.check_up.pk,
        "start": tomorrow_at(9).isoformat(),
    }


@pytest.fixture
def appointment(world: World, tomorrow_at: At) -> Appointment:
    return world.book(tomorrow_at(15))


@pytest.fixture
def desk(world: World) -> APIClient:
    return world.client(world.sam)


@pytest.fixture
def nothing_is_written(desk: APIClient, appointment: Appointment) -> Iterator[None]:
    """For a test whose every request is refused."""
    before = rows_of_every_table()
    yield
    assert rows_of_every_table() == before


def test_the_body_that_the_refused_ones_begin_with_books(desk: APIClient, booking: dict[str, object]) -> None:
    before = rows_of_every_table()
    assert desk.post(APPOINTMENTS, booking).status_code == 201
    assert rows_of_every_table() != before


# Bodies that are no JSON object


@pytest.mark.usefixtures("nothing_is_written")
@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b'{"start": }',
        b"{'start': 1}",
        b"NaN",
        b'{"patient": NaN}',
        b"\xff\xfe",
        b'{"notes": "\xff"}',
        b'{"notes": "\\ud800"}',
        b"[" * 100_000,
        b'{"a":' * 20_000,
        b"start=now",
    ],
    ids=lambda raw: repr(raw[:20]),
)
def test_body_that_is_no_json_is_a_parse_error(desk: APIClient, appointment: Appointment, raw: bytes) -> None:
    for response in (
        desk.post(APPOINTMENTS, raw, content_type="application/json"),
        desk.patch(f"{APPOINTMENTS}/{appointment.pk}", raw, content_type="application/json"),
        desk.post(f"{APPOINTMENTS}/{appointment.pk}/cancel", raw, content_type="application/json"),
        desk.post("/api/token", raw, content_type="application/json"),
    ):
        assert refusal(response) == (400, "parse_error")


@pytest.mark.parametrize("raw", [b"null", b"[]", b"[1, 2]", b'"text"', b"7", b"true", b"[{}]"])
@pytest.mark.usefixtures("nothing_is_written")
def test_json_that_is_no_object_is_refused(desk: APIClient, raw: bytes) -> None:
    for url in (APPOINTMENTS, "/api/v1/patients", "/api/token", "/api/token/refresh", "/api/v1/auth/patient/signup"):
        response = desk.post(url, raw, content_type="application/json")
        assert response.status_code == 400, (url, response.content)
        assert code_of(response)
    assert desk.patch("/api/v1/users/me", raw, content_type="application/json").status_code == 400


@pytest.mark.usefixtures("nothing_is_written")
@pytest.mark.parametrize("raw", [b"null", b"[]", b'"text"', b"7"])
def test_an_edit_or_an_action_that_is_no_object_is_refused(
    desk: APIClient, appointment: Appointment, raw: bytes
) -> None:
    for method, url in (
        ("patch", f"{APPOINTMENTS}/{appointment.pk}"),
        ("post", f"{APPOINTMENTS}/{appointment.pk}/cancel"),
    ):
        response = getattr(desk, method)(url, raw, content_type="application/json")
        assert response.status_code == 400
        assert code_of(response)


@pytest.mark.usefixtures("nothing_is_written")
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "multipart/form-data; boundary=x", "nonsense", "a/b/c"]
)
def test_another_content_type_is_415(desk: APIClient, booking: dict[str, object], kind: str) -> None:
    response = desk.generic("POST", APPOINTMENTS, json.dumps(booking), content_type=kind)
    assert refusal(response) == (415, "unsupported_media_type")


@pytest.mark.usefixtures("nothing_is_written")
def test_a_form_is_415(desk: APIClient) -> None:
    form = "application/x-www-form-urlencoded"
    assert refusal(desk.generic("POST", "/api/token", "username=a&password=b", content_type=form)) == (
        415,
        "unsupported_media_type",
    )


@pytest.mark.usefixtures("nothing_is_written")
@pytest.mark.parametrize("url", [APPOINTMENTS, "/api/token/", "/api/v1/auth/patient/signup", "/health", "/livez"])
def test_a_body_of_a_megabyte_is_413(desk: APIClient, url: str) -> None:
    response = desk.post(url, {"notes": "x" * 1024 * 1024})
    assert refusal(response) == (413, "request_too_large")


# Values that make no sense

NOT_A_NUMBER: list[Any] = ["one", "", [], {}, 1.5, None, True, "1e3", "\u0000", "9" * 2000]
NOT_AN_ID: list[Any] = [*NOT_A_NUMBER, 0, -1, -(10**30)]
NOT_A_TEXT: list[Any] = [[], {}, None, True, "a\u0000b"]
NOT_A_TIME: list[Any] = ["", "now", "25:00", "09:60", [], {}, None, 9, True, "09:00\u0000"]
NOT_A_DATE: list[Any] = ["", "today", "2026-02-30", "2026-13-01", "0000-01-01", "10000-01-01", [], {}, None, 20261120]
NOT_AN_INSTANT: list[Any] = [
    *NOT_A_DATE,
    "2026-02-30T09:00:00Z",
    "2026-11-20T25:00:00Z",
    "2026-11-20T09:00:00+99:99",
    "2026-11-20T09:00:00+01:00\u0000",
]

WRONG_IN_A_BOOKING: dict[str, list[Any]] = {
    "patient": NOT_AN_ID,
    "practitioner": NOT_AN_ID,
    "dentist": [value for value in NOT_AN_ID if value not in (None, "")],
    "service": [value for value in NOT_AN_ID if value is not None],
    "start": NOT_AN_INSTANT,
    "date": NOT_A_DATE,
    "time": NOT_A_TIME,
    "notes": [*NOT_A_TEXT, "x" * 4001],
    "hold": [*NOT_A_TEXT, "", "x" * 65],
    "outside_hours": ["perhaps", [], {}, None, 2],
}
WRONG_IN_AN_EDIT: dict[str, list[Any]] = {
    **{name: values for name, values in WRONG_IN_A_BOOKING.items() if name not in {"patient", "hold"}},
    "status": [*NOT_A_TEXT, "", "perhaps", 7],
    "reason": [*NOT_A_TEXT, "x" * 501],
    "version": NOT_AN_ID,
}


@pytest.mark.usefixtures("nothing_is_written")
@pytest.mark.parametrize("field", WRONG_IN_A_BOOKING)
def test_a_wrong_value_in_a_booking_is_refused_by_name(
    desk: APIClient, booking: dict[str, object], tomorrow_at: At, field: str
) -> None:
    if field in {"date", "time"}:
        del booking["start"]
        booking |= {"date": tomorrow_at(9).date().isoformat(), "time": "09:00"}
    for value in WRONG_IN_A_BOOKING[field]:
        response = desk.post(APPOINTMENTS, {**booking, field: value})
        assert response.status_code == 400, (value, response.json())
        assert code_of(response)
        assert attr_of(response) == field, (value, response.json())


@pytest.mark.usefixtures("nothing_is_written")
@pytest.mark.parametrize("field", WRONG_IN_AN_EDIT)
def test_a_wrong_value_in_an_edit_is_refused_by_name(desk: APIClient, appointment: Appointment, field: str) -> None:
    half = {"notes": "half of it"} | ({"date": "2030-01-01", "time": "09:00"} if field in {"date", "time"} else {})
    for value in WRONG_IN_AN_EDIT[field]:
        response = desk.patch(f"{APPOINTMENTS}/{appointment.pk}", {**half, field: value})
        assert response.status_code == 400, (value, response.json())
        assert attr_of(response) == field, (value, response.json())
    assert Appointment.objects.get(pk=appointment.pk).notes == ""


@pytest.mark.usefixtures("nothing_is_written")
def test_missing_parts_are_named(desk: APIClient, booking: dict[str, object]) -> None:
    del booking["start"]
    response = desk.post(APPOINTMENTS, booking)
    assert (refusal(response), attr_of(response)) == ((400, "required"), "start")


@pytest.mark.usefixtures("nothing_is_written")
def test_everything_that_is_wrong_is_told_at_once(desk: APIClient) -> None:
    response = desk.post(APPOINTMENTS, {"patient": "Paula", "practitioner": 0, "start": "soon"})
    assert {error["attr"] for error in response.json()["errors"]} == {"patient", "practitioner", "start"}
    nothing = desk.post(APPOINTMENTS, {})
    assert {error["attr"] for error in nothing.json()["errors"]} == {"start"}


@pytest.mark.usefixtures("nothing_is_written")
@pytest.mark.parametrize("field", ["patient", "practitioner", "service"])
@pytest.mark.parametrize("unknown", [10**9, 2**31, 2**63 - 1, 2**63, 2**64 - 1])
def test_an_unknown_id_is_not_found(desk: APIClient, booking: dict[str, object], field: str, unknown: int) -> None:
    assert refusal(desk.post(APPOINTMENTS, {**booking, field: unknown})) == (404, "not_found")


@pytest.mark.usefixtures("nothing_is_written")
@pytest.mark.parametrize("unknown", ["1000000000", "0", str(2**63), str(10**30), "9" * 1000, "9" * 5000])
def test_an_unknown_id_in_the_path_is_not_found(desk: APIClient, unknown: str) -> None:
    for response in (
        desk.get(f"{APPOINTMENTS}/{unknown}"),
        desk.patch(f"{APPOINTMENTS}/{unknown}", {"notes": "x"}),
        desk.delete(f"{APPOINTMENTS}/{unknown}"),
        desk.post(f"{APPOINTMENTS}/{unknown}/confirm"),
        desk.post(f"{APPOINTMENTS}/{unknown}/reopen"),
        desk.get(f"{APPOINTMENTS}/{unknown}/history"),
        desk.get(f"/api/v1/patients/{unknown}"),
        desk.patch(f"/api/v1/patients/{unknown}", {"name": "x"}),
        desk.get(f"/api/v1/practitioners/{unknown}"),
        desk.get(f"/api/v1/practitioners/{unknown}/slots?date=2026-11-20"),
    ):
        assert refusal(response) == (404, "not_found"), response.request["PATH_INFO"]


@pytest.mark.parametrize("filtered", ["practitioner", "patient"])
@pytest.mark.parametrize("unknown", [2**31, 2**63, 10**30, int("9" * 100), int("9" * 900)])
def test_a_filter_by_an_unknown_id_finds_nothing(
    desk: APIClient, appointment: Appointment, filtered: str, unknown: int
) -> None:
    response = desk.get(APPOINTMENTS, {filtered: str(unknown)})
    assert (response.status_code, response.json()["count"]) == (200, 0)


# Times that make no sense


@pytest.mark.usefixtures("nothing_is_written")
@pytest.mark.parametrize(
    ("start", "code"),
    [
        ("2020-01-01T09:00:00+01:00", "in_the_past"),
        ("0002-01-01T09:00:00Z", "in_the_past"),
        ("0001-01-01T00:00:00", "in_the_past"),
        ("2999-01-01T09:00:00Z", "too_far_ahead"),
        ("9998-12-31T23:59:00Z", "too_far_ahead"),
        ("9999-12-31T23:55:00", "too_far_ahead"),
        ("9999-12-31T23:55:00-12:00", "overflow"),
        ("0001-01-01T00:00:00+14:00", "overflow"),
        ("2026-02-30T09:00:00Z", "invalid"),
        ("2026-11-31", "invalid"),
    ],
)
def test_a_start_that_cannot_be(desk: APIClient, booking: dict[str, object], start: str, code: str) -> None:
    response = desk.post(APPOINTMENTS, {**booking, "start": start})
    assert (refusal(response), attr_of(response)) == ((400, code), "start")


@pytest.mark.usefixtures("nothing_is_written")
@pytest.mark.parametrize(("minute", "second"), [(3, 0), (0, 30), (59, 0)])
def test_a_start_off_the_grid(
    desk: APIClient, booking: dict[str, object], tomorrow_at: At, minute: int, second: int
) -> None:
    start = tomorrow_at(9, minute).replace(second=second)
    assert refusal(desk.post(APPOINTMENTS, {**booking, "start": start.isoformat()})) == (400, "off_grid")


def night_of_the_gap() -> date:
    """The next day but one or later on which Berlin's clocks go forward, from two to three."""
    day = in_days(2)(0).date()
    while (
        datetime.combine(day, datetime.min.time(), RIVERSIDE_ZONE).utcoffset()
        == datetime.combine(day + timedelta(days=1), datetime.min.time(), RIVERSIDE_ZONE).utcoffset()
        or day.month > 6
    ):
        day += timedelta(days=1)
    return day


@pytest.mark.usefixtures("nothing_is_written")
def test_a_wall_time_that_the_clocks_skip_does_not_exist(desk: APIClient, booking: dict[str, object]) -> None:
    day = night_of_the_gap().isoformat()
    by_start = desk.post(APPOINTMENTS, {**booking, "start": f"{day}T02:30:00", "outside_hours": True})
    assert (refusal(by_start), attr_of(by_start)) == ((400, "no_such_local_time"), "start")
    del booking["start"]
    by_date = desk.post(APPOINTMENTS, {**booking, "date": day, "time": "02:30", "outside_hours": True})
    assert refusal(by_date) == (400, "no_such_local_time")


def test_the_wall_time_after_the_gap_exists(desk: APIClient, booking: dict[str, object]) -> None:
    day = night_of_the_gap().isoformat()
    response = desk.post(APPOINTMENTS, {**booking, "start": f"{day}T03:00:00", "outside_hours": True})
    assert (response.status_code, response.json()["time"]) == (201, "03:00")
    assert response.json()["start"].endswith("+02:00")


# Routes and methods that are none


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("put", APPOINTMENTS),
        ("delete", APPOINTMENTS),
        ("post", "/api/v1/users/me"),
        ("get", "/api/v1/token"),
        ("delete", "/api/v1/patients"),
        ("post", "/api/v1/health"),
        ("post", "/livez"),
        ("trace", APPOINTMENTS),
        ("generic", APPOINTMENTS),
    ],
)
def test_a_method_that_is_not_offered_is_405(desk: APIClient, method: str, url: str) -> None:
    response = desk.generic("BREW", url) if method == "generic" else getattr(desk, method)(url)
    assert refusal(response) == (405, "method_not_allowed")
    assert "Allow" in response.headers


@pytest.mark.parametrize(
    "url",
    [
        "/api/v1/nothing",
        "/api/v2/appointments",
        "/api",
        "/api/v1",
        "/nothing",
        "/api/v1/appointments/first",
        "/api/v1/appointments/-1",
        "/api/v1/appointments/1/approve",
        "/api/v1/appointments/1.5",
        "/api/v1/appointments/%00",
        "/api/v1/%F0%9F%A6%B7",
        "/api/v1/%ff",
        "//api//v1",
    ],
)
def test_a_path_that_leads_nowhere_is_404(desk: APIClient, url: str) -> None:
    assert refusal(desk.get(url)) == (404, "not_found")
    assert refusal(desk.post(url, {})) == (404, "not_found")


@pytest.mark.parametrize("format", ["xml", "csv"])
def test_unavailable_format_is_refused(desk: APIClient, format: str) -> None:  # noqa: A002
    response = desk.get(APPOINTMENTS, headers={"Accept": f"application/{format}"})
    assert refusal(response) == (406, "not_acceptable")


# Anything at all

texts = st.text(max_size=30)
numbers = st.integers() | st.floats() | st.sampled_from([0, -1, 2**31, 2**63, 10**40, 1e308])
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
instants = st.datetimes(timezones=st.none() | st.just(UTC)).map(datetime.isoformat)
fields = st.fixed_dictionaries(
    {},
    optional={
        "patient": values,
        "practitioner": values,
        "dentist": values,
        "service": values,
        "start": instants | values,
        "date": st.dates().map(date.isoformat) | values,
        "time": st.times().map(str) | values,
        "notes": values,
        "hold": values,
        "outside_hours": values,
        "status": st.sampled_from(["APPROVED", "cancelled", "no-show", "completed"]) | values,
        "reason": values,
        "version": values,
    },
)
anything = fields | values


def said(body: Any) -> bytes:
    """JSON as a client may write it: with numbers that RFC 8259 does not know."""
    return json.dumps(body).encode()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=anything, on_top_of_a_good_one=st.booleans())
def test_every_request_is_booked_or_refused(
    desk: APIClient, booking: dict[str, object], body: Any, on_top_of_a_good_one: bool
) -> None:
    if on_top_of_a_good_one and isinstance(body, dict):
        body = {**booking, **body}
    check_is_done_or_refused(desk, "post", APPOINTMENTS, body)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=anything)
def test_every_patch_changes_a_field_or_is_refused(desk: APIClient, appointment: Appointment, body: Any) -> None:
    check_is_done_or_refused(desk, "patch", f"{APPOINTMENTS}/{appointment.pk}", body)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=texts, value=texts)
def test_every_question_is_answered_or_refused(desk: APIClient, name: str, value: str) -> None:
    for parameter in (name, "status", "search", "from", "ordering", "page", "page_size", "practitioner"):
        response = desk.get(APPOINTMENTS, {parameter: value})
        assert response.status_code in (200, 400, 404)
        assert response.status_code == 200 or code_of(response)


def check_is_done_or_refused(desk: APIClient, method: str, url: str, body: Any) -> None:
    with transaction.atomic():
        before = rows_of_every_table()
        response = getattr(desk, method)(url, said(body), content_type="application/json")
        assert response.status_code < 500, response.content
        if response.status_code >= 400:
            assert code_of(response)
            assert rows_of_every_table() == before
        transaction.set_rollback(True)


# When it is our own fault


@pytest.fixture
def broken() -> APIClient:
    return not_raising(APIClient())


def not_raising(client: APIClient) -> APIClient:
    """Shows the answer to a fault as a client would see it."""
    client.raise_request_exception = False
    return client


@pytest.mark.django_db
@pytest.mark.urls(__name__)
@pytest.mark.parametrize("url", ["/api/v1/broken", "/api/v1/broken/", "/broken-page"])
def test_a_fault_of_ours_is_500_and_tells_nothing(broken: APIClient, url: str) -> None:
    response = broken.get(url)
    assert refusal(response) == (500, "error")
    assert SECRET not in response.content.decode()
    assert "RuntimeError" not in response.content.decode()
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["X-Request-ID"]


@pytest.mark.race
def test_a_lock_that_cannot_be_had_in_time_is_503_with_retry_after(committed_world: World, tomorrow_at: At) -> None:
    held, done = threading.Event(), threading.Event()

    def sit_on_petras_calendar() -> None:
        try:
            with transaction.atomic():
                Practitioner.objects.select_for_update().get(pk=committed_world.petra.practitioner.pk)
                held.set()
                done.wait(20)
        finally:
            connection.close()

    client = not_raising(committed_world.client(committed_world.sam))
    body = {
        "patient": committed_world.paula.patient.pk,
        "practitioner": committed_world.petra.practitioner.pk,
        "start": tomorrow_at(9).isoformat(),
    }
    sitter = threading.Thread(target=sit_on_petras_calendar)
    sitter.start()
    try:
        assert held.wait(10)
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION innodb_lock_wait_timeout = 1")
        response = client.post(APPOINTMENTS, body)
    finally:
        done.set()
        sitter.join()
        connection.close()  # The next one waits as long as settings say.
    assert refusal(response) == (503, "service_unavailable")
    assert int(response.headers["Retry-After"]) >= 1
    assert client.post(APPOINTMENTS, body).status_code == 201


@pytest.mark.race
def test_a_database_that_has_gone_is_503_with_retry_after(committed_world: World) -> None:
    client = not_raising(committed_world.client(committed_world.sam))
    other = connection.copy()
    with connection.cursor() as cursor, other.cursor() as another:
        cursor.execute("SELECT CONNECTION_ID()")
        another.execute("KILL CONNECTION %s", cursor.fetchone())
    other.close()
    response = client.get(APPOINTMENTS)
    connection.close()
    assert refusal(response) == (503, "service_unavailable")
    assert int(response.headers["Retry-After"]) >= 1
    assert client.get(APPOINTMENTS).status_code == 200


# Errors of both services


def test_the_bodies_are_the_contracts(world: World, desk: APIClient) -> None:
    contract = json.loads(CONTRACT.read_text())
    answers = {
        "not_authenticated": world.client().get(APPOINTMENTS),
        "token_not_valid": world.client().get(APPOINTMENTS, headers={"Authorization": "Bearer nonsense"}),
        "not_found": world.client().get("/api/v1/nothing"),
        "method_not_allowed": desk.put(APPOINTMENTS),
    }
    for name, response in answers.items():
        example = contract[name]
        assert response.status_code == example["status"]
        body = response.json()
        assert (body["type"], body["errors"][0]["code"]) == (
            example["body"]["type"],
            example["body"]["errors"][0]["code"],
        )
        assert set(body["errors"][0]) == set(example["body"]["errors"][0])
        for header, value in example["headers"].items():
            assert response.headers[header].startswith(value)


# Headers of every answer


@pytest.mark.parametrize(
    "url",
    [
        "/api/v1/time/now",
        "/api/v1/appointments",
        "/api/v1/nothing",
        "/nothing",
        "/health",
        "/livez",
        "/readyz",
        "/api/schema",
        "/admin/",
        "/",
    ],
)
def test_every_answer_carries_its_id_and_its_time(world: World, url: str) -> None:
    response = world.client().get(url, headers={"X-Request-ID": "from-the-gateway.7_A"})
    assert response.headers["X-Request-ID"] == "from-the-gateway.7_A"
    assert re.fullmatch(r"\d+\.\d{6}", response.headers["X-Process-Time"])


def test_a_refusal_carries_them_too(desk: APIClient) -> None:
    too_large = desk.post(APPOINTMENTS, {"notes": "x" * 1024 * 1024}, headers={"X-Request-ID": "abc"})
    wrong = desk.post(APPOINTMENTS, {}, headers={"X-Request-ID": "abc"})
    for response in (too_large, wrong):
        assert response.headers["X-Request-ID"] == "abc"
        assert "X-Process-Time" in response.headers


@pytest.mark.parametrize("given_id", [None, "", "x" * 65, "a b", "a;b", "a\nb", "a\n", "é", "<script>"])
def test_a_request_id_that_is_none_is_replaced(world: World, given_id: str | None) -> None:
    headers = {} if given_id is None else {"X-Request-ID": given_id}
    ids = {world.client().get("/livez", headers=headers).headers["X-Request-ID"] for _ in range(2)}
    assert len(ids) == 2
    assert all(re.fullmatch(r"[0-9a-f]{32}", request_id) for request_id in ids)


def test_the_longest_request_id_is_taken(world: World) -> None:
    response = world.client().get("/livez", headers={"X-Request-ID": "x" * 64})
    assert response.headers["X-Request-ID"] == "x" * 64


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"name": "M" * 300}, "Höchstens 120 Zeichen, bitte."),
        ({}, "Dieses Feld ist zwingend erforderlich."),
        ({"name": ""}, "Dieses Feld darf nicht leer sein."),
    ],
)
def test_refusal_of_a_serializer_is_in_the_language_of_the_page(
    world: World, body: dict[str, str], sentence: str
) -> None:
    answer = world.client(world.sam).post("/api/v1/patients", body, headers={"accept-language": "de"})
    assert [error["detail"] for error in answer.json()["errors"]] == [sentence]
