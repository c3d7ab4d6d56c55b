"""Very many visits of some days in the order of names: people are gone through, and the list is the same."""

from datetime import timedelta
from typing import Any

import pytest
from clinic.appointments import name_order
from clinic.appointments.models import Appointment
from clinic.people.models import Patient

from testkit.clinic.answers import APPOINTMENTS
from testkit.clinic.times import in_days
from testkit.clinic.world import World

NAMES = ("Berta", "anna", "Anna", "Čeněk", "Berta", "Zoë")
DAYS = {"from": f"{in_days(1)(9):%Y-%m-%d}", "to": f"{in_days(3)(9):%Y-%m-%d}"}


@pytest.fixture
def diary(world: World) -> World:
    """Two visits of each patient, some of them with one name; one each beyond the days, and one called off."""
    visits = []
    for number, name in enumerate(NAMES):
        patient = Patient.objects.create(clinic=world.clinic, name=name)
        for visit, day in enumerate((3, 1, 9)):
            practitioner = (world.petra, world.quentin)[(number + visit) % 2].practitioner
            start = in_days(day)(8) + timedelta(minutes=30 * number)
            end = start + timedelta(minutes=30)
            visits.append(
                Appointment(
                    clinic=world.clinic,
                    patient=patient,
                    practitioner=practitioner,
                    starts_at=start,
                    ends_at=end,
                    blocked_from=start,
                    blocked_until=end,
                    local_date=start.date(),
                    status="cancelled" if (number, visit) == (1, 0) else "confirmed",
                    source="desk",
                    created_at=start,
                    updated_at=start,
                )
            )
    Appointment.objects.bulk_create(visits)
    return world


def pages(client: Any, query: dict[str, str]) -> list[list[int]]:
    found: list[list[int]] = []
    after: str | None = ""
    while after is not None:
        answer = client.get(APPOINTMENTS, {**query, "after": after}).json()
        found.append([row["id"] for row in answer["results"]])
        after = answer["after"]
    return found


@pytest.mark.parametrize("name", ["patient_name", "-patient_name", "practitioner_name", "-practitioner_name"])
@pytest.mark.parametrize("filters", [{"scope": "all"}, {"scope": "active"}, {"status": "cancelled"}])
def test_people_gone_through_give_the_sorted_list(
    diary: World, monkeypatch: pytest.MonkeyPatch, name: str, filters: dict[str, str]
) -> None:
    client = diary.client(diary.sam)
    query = {**DAYS, **filters, "ordering": name, "page_size": "3"}
    expected, numbered = pages(client, query), client.get(APPOINTMENTS, {**query, "page": "1"}).json()
    monkeypatch.setattr(name_order, "MAX_SORTED_VISITS", 0)
    assert pages(client, query) == expected
    assert client.get(APPOINTMENTS, {**query, "page": "1"}).json()["results"] == numbered["results"]
    visits = [row_id for page in expected for row_id in page]
    assert len(visits) == len(set(visits)) == {"all": 12, "active": 11}.get(filters.get("scope", ""), 1)


def test_page_far_behind_is_sorted(diary: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_order, "MAX_SORTED_VISITS", 0)
    monkeypatch.setattr(name_order, "MAX_WALKED", 8)
    client = diary.client(diary.sam)
    query = {**DAYS, "scope": "all", "ordering": "patient_name", "page_size": "3"}
    by_number = [
        [row["id"] for row in client.get(APPOINTMENTS, {**query, "page": n}).json()["results"]] for n in (1, 4)
    ]
    assert by_number == [pages(client, query)[0], pages(client, query)[3]]
