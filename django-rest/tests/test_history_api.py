"""History lines name patient, practitioner and service, and can be filtered."""

from datetime import timedelta
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.models import AppointmentEvent
from clinic.people.models import Patient
from django.db import connection
from django.test.utils import CaptureQueriesContext

from testkit.clinic.answers import APPOINTMENTS, attr_of
from testkit.clinic.times import At
from testkit.clinic.world import World

HISTORY = "/api/v1/history"


def lines(world: World, by: User | None = None, **query: Any) -> list[dict[str, Any]]:
    response = world.client(by or world.sam).get(HISTORY, query)
    assert response.status_code == 200, response.json()
    found: list[dict[str, Any]] = response.json()["results"]
    return found


def test_line_names_patient_practitioner_and_service(world: World, tomorrow_at: At) -> None:
    visit = world.book(tomorrow_at(9), service=world.check_up)
    Patient.objects.filter(pk=world.paula.patient.pk).update(name="Paula Renamed")
    for path in (HISTORY, f"{APPOINTMENTS}/{visit.pk}/history"):
        [line] = world.client(world.sam).get(path).json()["results"]
        assert (line["patient"], line["patient_name"]) == (world.paula.patient.pk, "Paula Renamed")
        assert (line["practitioner"], line["practitioner_name"]) == (world.petra.practitioner.pk, "Dr Petra")
        assert (line["service"], line["service_name"]) == (world.check_up.pk, "Check-up")


def test_line_of_a_deleted_visit_without_a_service_still_names_its_people(world: World, tomorrow_at: At) -> None:
    visit = world.book(tomorrow_at(9))
    assert world.client(world.sam).delete(f"{APPOINTMENTS}/{visit.pk}").status_code == 204
    line = lines(world)[0]
    assert (line["action"], line["patient_name"], line["practitioner_name"]) == ("delete", "Paula", "Dr Petra")
    assert (line["service"], line["service_name"]) == (None, None)


def test_filters_choose_lines(world: World, tomorrow_at: At) -> None:
    paulas = world.book(tomorrow_at(9))
    petes = world.book(tomorrow_at(9), patient=world.pete, practitioner=world.quentin)
    world.client(world.sam).post(f"{APPOINTMENTS}/{petes.pk}/cancel")

    def chosen(**query: Any) -> list[tuple[int, str]]:
        return [(line["appointment"], line["action"]) for line in lines(world, **query)]

    booked = AppointmentEvent.objects.filter(appointment=paulas).get().action
    of_pete = [(petes.pk, "cancel"), (petes.pk, booked)]
    assert chosen(patient=world.pete.patient.pk) == of_pete
    assert chosen(practitioner=world.quentin.practitioner.pk) == of_pete
    assert chosen(appointment=petes.pk) == of_pete
    assert chosen(action="cancel") == of_pete[:1]
    assert chosen(patient=world.pete.patient.pk, action=booked) == of_pete[1:]
    assert chosen(patient=world.pete.patient.pk, practitioner=world.petra.practitioner.pk) == []


@pytest.mark.parametrize(("name", "index"), [("patient", "patient"), ("practitioner", "pract")])
def test_filter_by_person_is_answered_by_an_index(world: World, tomorrow_at: At, name: str, index: str) -> None:
    visit = world.book(tomorrow_at(9))
    with CaptureQueriesContext(connection) as captured:
        assert len(lines(world, **{name: getattr(visit, f"{name}_id")})) == 1
    [query] = [query["sql"] for query in captured if "FROM `appointment_event` FORCE INDEX" in query["sql"]]
    assert "JSON_EXTRACT" not in query
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {query}")
        columns = [column[0] for column in cursor.description]
        usable = {row[columns.index("possible_keys")] for row in cursor.fetchall()}
    assert any(f"appointment_event_{index}" in str(keys) for keys in usable)


def test_from_and_to_are_days_of_the_clinic_both_included(world: World, tomorrow_at: At) -> None:
    visit = world.book(tomorrow_at(9))
    changed_at = tomorrow_at(0) - timedelta(days=10)  # Midnight in Berlin: the day before in UTC.
    AppointmentEvent.objects.filter(appointment=visit).update(at=changed_at)
    day = changed_at.date()
    before, after = (day - timedelta(days=1)).isoformat(), (day + timedelta(days=1)).isoformat()
    that_day: dict[str, Any] = {"from": day.isoformat(), "to": day.isoformat()}
    since_the_next: dict[str, Any] = {"from": after}
    assert len(lines(world, **that_day)) == 1
    assert lines(world, to=before) == []
    assert lines(world, **since_the_next) == []


@pytest.mark.parametrize(
    ("query", "attr"),
    [({"patient": "x"}, "patient"), ({"from": "today"}, "from"), ({"from": "2026-02-02", "to": "2026-02-01"}, "to")],
)
def test_wrong_filter_is_refused_by_name(world: World, query: dict[str, str], attr: str) -> None:
    response = world.client(world.sam).get(HISTORY, query)
    assert (response.status_code, attr_of(response)) == (400, attr)


def test_filter_shows_a_patient_nothing_of_others(world: World, tomorrow_at: At) -> None:
    world.book(tomorrow_at(9), patient=world.pete)
    assert lines(world, by=world.paula, patient=world.pete.patient.pk) == []


def test_names_cost_three_queries_for_any_number_of_lines(world: World, tomorrow_at: At) -> None:
    client = world.client(world.sam)

    def cost() -> int:
        with CaptureQueriesContext(connection) as seen:
            client.get(HISTORY)
        return len(seen)

    world.book(tomorrow_at(9), service=world.check_up)
    cost()
    few = cost()
    for hour in (10, 11, 12):
        world.book(tomorrow_at(hour), patient=world.pete, service=world.check_up)
    assert cost() <= few
