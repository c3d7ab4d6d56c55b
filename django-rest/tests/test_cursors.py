"""Pages by cursor: every list, every row once, whatever comes and goes meanwhile."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from clinic.accounts.services import issue_tokens
from clinic.appointments.models import Appointment, AppointmentEvent
from clinic.appointments.pages import AppointmentPages
from clinic.common import pagination
from clinic.common.views import ApiListView
from clinic.people.models import Patient
from clinic.waitlist.models import WaitlistEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext

from testkit.clinic.answers import APPOINTMENTS, attr_of, refusal
from testkit.clinic.times import in_days
from testkit.clinic.world import World

from .test_permission_matrix import every_route

PATIENTS = "/api/v1/patients"


def pages_of(client: Any, path: str, **query: Any) -> Iterator[dict[str, Any]]:
    after: str | None = ""
    while after is not None:
        response = client.get(path, {"page_size": 2, "after": after, **query})
        assert response.status_code == 200, response.json()
        yield response.json()
        after = response.json()["after"]


def ids_of(client: Any, path: str, **query: Any) -> list[int]:
    return [row["id"] for page in pages_of(client, path, **query) for row in page["results"]]


@pytest.fixture
def seven(world: World) -> list[Appointment]:
    """Of two patients and two practitioners; some at the same time, some made in the same moment."""
    booked = [world.book(in_days(2)(hour)) for hour in range(8, 12)]
    booked += [world.book(in_days(2)(hour), patient=world.pete, practitioner=world.quentin) for hour in range(8, 11)]
    at = datetime.now(UTC)
    for number, appointment in enumerate(booked):
        Appointment.objects.filter(pk=appointment.pk).update(
            created_at=at - timedelta(hours=number // 3), updated_at=at - timedelta(hours=number // 2)
        )
    return booked


@pytest.mark.parametrize("ordering", ["start", "-start", "created_at", "-created_at", "updated_at", "-updated_at"])
@pytest.mark.parametrize("scope", ["active", "all"])
def test_cursor_shows_every_row_once_in_each_order(
    world: World, seven: list[Appointment], ordering: str, scope: str
) -> None:
    client = world.client(world.sam)
    whole = [row["id"] for row in client.get(APPOINTMENTS, {"ordering": ordering, "scope": scope}).json()["results"]]
    assert len(whole) == 7
    assert ids_of(client, APPOINTMENTS, ordering=ordering, scope=scope) == whole


@pytest.mark.parametrize("ordering", ["status", "-status", "patient_name", "-patient_name", "practitioner_name"])
def test_cursor_follows_names_within_a_day(world: World, seven: list[Appointment], ordering: str) -> None:
    client = world.client(world.sam)
    query: dict[str, Any] = {"ordering": ordering, "date": f"{in_days(2)(9):%Y-%m-%d}"}
    whole = [row["id"] for row in client.get(APPOINTMENTS, query).json()["results"]]
    assert len(whole) == 7
    assert ids_of(client, APPOINTMENTS, **query) == whole


def test_rows_that_come_and_go_move_no_page(world: World, seven: list[Appointment]) -> None:
    client = world.client(world.sam)
    pages = pages_of(client, APPOINTMENTS, ordering="start")
    seen = [row["id"] for row in next(pages)["results"]]
    Appointment.objects.filter(pk=seen[0]).delete()
    world.book(in_days(1)(9))
    seen += [row["id"] for page in pages for row in page["results"]]
    assert sorted(seen) == sorted(appointment.pk for appointment in seven)


def test_every_list_has_a_cursor(world: World, seven: list[Appointment]) -> None:
    sam = world.client(world.sam)
    for number in range(5):
        Patient.objects.create(clinic=world.clinic, name=f"Same {number % 2}")
        day = in_days(3)(9)
        WaitlistEntry.objects.create(
            clinic=world.clinic,
            patient=world.paula.patient,
            first_date=day.date(),
            last_date=day.date(),
            priority=number % 2,
            created_at=day,
            updated_at=day,
        )
    for path in ("patients", "waitlist", "history", "messages", "services", "practitioners"):
        whole = [row["id"] for row in sam.get(f"/api/v1/{path}").json()["results"]]
        assert ids_of(sam, f"/api/v1/{path}") == whole, path
    assert AppointmentEvent.objects.exists()


LISTS = {
    view.__name__: view
    for (method, _), view in every_route().items()
    if method == "GET" and issubclass(view, ApiListView) and not issubclass(view.pagination_class, AppointmentPages)
}


@pytest.mark.parametrize("name", LISTS)
def test_order_of_each_list_ends_with_the_id(name: str) -> None:
    assert LISTS[name].order[-1].removeprefix("-") in ("id", "pk")


@pytest.mark.parametrize("cursor", ["x", "ä", "e30", "W10", "WzEsMl0", "a" * 3000, "bnVsbA"])
def test_text_that_is_no_cursor_is_refused(world: World, cursor: str) -> None:
    response = world.client(world.sam).get(APPOINTMENTS, {"after": cursor})
    assert (refusal(response), attr_of(response)) == ((400, "invalid"), "after")


UNREACHABLE = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-12-01T09:00:00"]
FORGED = [*UNREACHABLE, "2026-12-01", "\0", "é", True, 2**63, []]


@pytest.mark.parametrize(
    "query", ["appointments?ordering=start", "appointments?ordering=-updated_at", "history?", "users/me/sessions?"]
)
def test_cursor_with_values_of_no_row_is_refused(world: World, seven: list[Appointment], query: str) -> None:
    """A cursor can be written by anybody: its values are to be trusted no more than a query."""
    for _ in range(2):
        issue_tokens(user=world.sam)
    client = world.client(world.sam)
    cursor = client.get(f"/api/v1/{query}&page_size=1&after=").json()["after"]
    values = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    for place in range(1, len(values)):
        for forged in FORGED:
            changed = orjson.dumps([*values[:place], forged, *values[place + 1 :]])
            response = client.get(f"/api/v1/{query}&after={urlsafe_b64encode(changed).decode().rstrip('=')}")
            if forged in UNREACHABLE and place == 1:
                assert (refusal(response), attr_of(response)) == ((400, "invalid"), "after")
            assert response.status_code in (200, 400), (place, forged)


def test_cursor_of_another_order_is_refused(world: World, seven: list[Appointment]) -> None:
    client = world.client(world.sam)
    after = client.get(APPOINTMENTS, {"page_size": 2}).json()["after"]
    response = client.get(APPOINTMENTS, {"after": after, "ordering": "-start"})
    assert (refusal(response), attr_of(response)) == ((400, "invalid"), "after")


def test_page_and_cursor_exclude_each_other(world: World) -> None:
    response = world.client(world.sam).get(APPOINTMENTS, {"after": "", "page": "1"})
    assert (refusal(response), attr_of(response)) == ((400, "ambiguous"), "after")


@pytest.fixture
def reach_of_four_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pagination, "MAX_NUMBERED_ROWS", 4)
    monkeypatch.setattr(pagination, "MAX_COUNT", 4)


def test_links_go_on_by_cursor_where_page_numbers_end(
    world: World, seven: list[Appointment], reach_of_four_rows: None
) -> None:
    client = world.client(world.sam)
    url: str | None = f"{APPOINTMENTS}?page_size=2"
    seen: list[int] = []
    links: list[str | None] = []
    while url:
        page = client.get(url).json()
        seen += [row["id"] for row in page["results"]]
        url = page["next"]
        links.append(url)
    assert len(seen) == len(set(seen)) == 7
    assert ["page=2" in (links[0] or ""), "after=" in (links[1] or ""), links[-1]] == [True, True, None]
    assert refusal(client.get(APPOINTMENTS, {"page": 3, "page_size": 2})) == (404, "not_found")


def test_count_stops_at_its_bound(world: World, seven: list[Appointment], reach_of_four_rows: None) -> None:
    client = world.client(world.sam)
    page = client.get(APPOINTMENTS, {"page_size": 2}).json()
    assert (page["count"], page["count_is_exact"]) == (4, False)
    page = client.get(APPOINTMENTS, {"page_size": 2, "patient": world.pete.patient.pk}).json()
    assert (page["count"], page["count_is_exact"]) == (3, True)


def test_count_reads_no_further_than_its_bound(world: World, seven: list[Appointment]) -> None:
    client = world.client(world.sam)
    with CaptureQueriesContext(connection) as seen:
        client.get(PATIENTS, {"page_size": 1})
    counts = [query["sql"] for query in seen.captured_queries if "COUNT(" in query["sql"]]
    assert [f"LIMIT {pagination.MAX_COUNT + 1}" in sql for sql in counts] == [True]
