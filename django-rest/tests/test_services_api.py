"""Services of a clinic: the owner writes, all read."""

from datetime import timedelta
from typing import Any

import pytest
from clinic.appointments.models import Appointment
from clinic.changefeed.models import RealtimeEvent
from clinic.scheduling.models import Practitioner, Service

from testkit.clinic.answers import APPOINTMENTS, attr_of, refusal
from testkit.clinic.times import in_days
from testkit.clinic.world import World, row_of

URL = "/api/v1/services"


def patch(world: World, service: Service, **body: object) -> Any:
    return world.client(world.olga).patch(f"{URL}/{service.pk}", body)


def refreshed(world: World) -> list[int]:
    events = RealtimeEvent.objects.filter(clinic_id=world.clinic.pk, entity="service", kind="refresh")
    return list(events.values_list("entity_id", flat=True))


def test_the_owner_adds_a_service(world: World) -> None:
    body = {
        "name": "Filling",
        "duration_minutes": 45,
        "buffer_before_minutes": 5,
        "buffer_after_minutes": 10,
        "color": "#ff8800",
        "practitioners": [world.petra.practitioner.pk],
    }
    response = world.client(world.olga).post(URL, body)
    assert response.status_code == 201
    row = Service.objects.get(name="Filling")
    assert response.json() == {"id": row.pk, **body, "active": True, "version": 1}
    assert row.clinic_id == world.clinic.pk
    shown = world.client().get(f"{URL}/{row.pk}", {"clinic": "riverside"})
    assert shown.json() == response.json()


def test_a_name_and_a_length_are_enough(world: World) -> None:
    shown = world.client(world.olga).post(URL, {"name": "Talk", "duration_minutes": 5}).json()
    assert (shown["buffer_before_minutes"], shown["color"], shown["practitioners"]) == (0, "#2563eb", [])


@pytest.mark.parametrize(
    ("body", "code", "attr"),
    [
        ({"name": None}, "null", "name"),
        ({"name": " "}, "blank", "name"),
        ({"duration_minutes": 0}, "min_value", "duration_minutes"),
        ({"duration_minutes": 485}, "max_value", "duration_minutes"),
        ({"duration_minutes": 31}, "off_grid", "duration_minutes"),
        ({"duration_minutes": None}, "null", "duration_minutes"),
        ({"buffer_before_minutes": 3}, "off_grid", "buffer_before_minutes"),
        ({"buffer_before_minutes": -5}, "min_value", "buffer_before_minutes"),
        ({"buffer_after_minutes": 245}, "max_value", "buffer_after_minutes"),
        ({"color": "red"}, "invalid", "color"),
        ({"color": "#12345g"}, "invalid", "color"),
        ({"practitioners": [10**9]}, "invalid", "practitioners"),
        ({"practitioners": "all"}, "not_a_list", "practitioners"),
        ({"practitioners": [0]}, "min_value", "practitioners.0"),
    ],
    ids=str,
)
def test_contradictory_input_is_refused_by_name(world: World, body: dict[str, object], code: str, attr: str) -> None:
    whole = {"name": "Filling", "duration_minutes": 45, **body}
    for response in (world.client(world.olga).post(URL, whole), patch(world, world.check_up, **body)):
        assert (refusal(response), attr_of(response)) == ((400, code), attr)
    assert Service.objects.count() == 1
    assert Service.objects.get().name == "Check-up"


def test_practitioners_of_another_clinic_cannot_offer_it(world: World) -> None:
    olive = Practitioner.objects.create(clinic=world.hillside, name="Dr Olive")
    assert attr_of(patch(world, world.check_up, practitioners=[olive.pk])) == "practitioners"


def test_practitioners_of_a_service_are_replaced(world: World) -> None:
    shown = patch(world, world.check_up, practitioners=[world.quentin.practitioner.pk]).json()
    assert shown["practitioners"] == [world.quentin.practitioner.pk]
    assert patch(world, world.check_up, name="Check").json()["practitioners"] == [world.quentin.practitioner.pk]


def test_a_new_length_counts_for_new_bookings_alone(world: World) -> None:
    booked = world.book(in_days(3)(9), service=world.check_up)
    patch(world, world.check_up, duration_minutes=60, buffer_after_minutes=15)
    stays = row_of(booked)
    assert (stays.ends_at, stays.blocked_until, stays.version) == (booked.ends_at, booked.blocked_until, 1)
    later = world.book(in_days(3)(10), service=world.check_up)
    assert later.ends_at - later.starts_at == timedelta(hours=1)


def test_a_booked_appointment_keeps_its_length_when_it_moves(world: World) -> None:
    booked = world.book(in_days(3)(9), service=world.check_up)
    patch(world, world.check_up, duration_minutes=60, buffer_after_minutes=15)
    client = world.client(world.sam)
    client.patch(f"{APPOINTMENTS}/{booked.pk}", {"start": in_days(3)(11).isoformat()})
    moved = row_of(booked)
    assert moved.starts_at == in_days(3)(11)
    assert (moved.ends_at - moved.starts_at, moved.blocked_until) == (timedelta(minutes=30), moved.ends_at)
    # Naming the service that it is anyway changes nothing.
    client.patch(f"{APPOINTMENTS}/{booked.pk}", {"service": world.check_up.pk})
    assert row_of(booked).ends_at == moved.ends_at


def test_a_service_no_longer_offered_is_hidden_and_cannot_be_booked(world: World) -> None:
    booked = world.book(in_days(3)(9), service=world.check_up)
    assert world.client(world.olga).delete(f"{URL}/{world.check_up.pk}").status_code == 204
    assert world.client(world.paula).get(URL).json()["results"] == []
    assert world.client(world.paula).get(f"{URL}/{world.check_up.pk}").status_code == 404
    refused = world.client(world.sam).post(
        APPOINTMENTS,
        {
            "patient": world.paula.patient.pk,
            "practitioner": world.petra.practitioner.pk,
            "service": world.check_up.pk,
            "start": in_days(3)(11).isoformat(),
        },
    )
    assert refusal(refused) == (404, "not_found")
    assert row_of(booked).status == "confirmed"
    moved = world.client(world.sam).patch(f"{APPOINTMENTS}/{booked.pk}", {"start": in_days(3)(12).isoformat()})
    assert (moved.status_code, moved.json()["service"]) == (200, world.check_up.pk)


def test_the_desk_can_list_what_is_no_longer_offered(world: World) -> None:
    patch(world, world.check_up, active=False)
    for user, active, count in [
        (world.olga, "all", 1),
        (world.sam, "false", 1),
        (world.olga, "true", 0),
        (world.paula, "all", 0),
        (world.petra, "false", 0),
    ]:
        assert world.client(user).get(URL, {"active": active}).json()["count"] == count
    assert refusal(world.client(world.olga).get(URL, {"active": "maybe"})) == (400, "invalid_choice")
    assert patch(world, world.check_up, active=True).json()["active"] is True


@pytest.mark.parametrize("change", [{"name": "Check"}, {"color": "#000000"}], ids=str)
def test_change_that_dashboards_show_refreshes_them(world: World, change: dict[str, str]) -> None:
    patch(world, world.check_up, **change)
    assert refreshed(world) == [world.check_up.pk]


def test_change_that_no_dashboard_shows_refreshes_none(world: World) -> None:
    patch(world, world.check_up, duration_minutes=60, practitioners=[], name="Check-up")
    assert refreshed(world) == []


def test_another_clinics_service_is_not_found(world: World) -> None:
    client = world.client(world.otto)
    for response in (client.patch(f"{URL}/{world.check_up.pk}", {}), client.delete(f"{URL}/{world.check_up.pk}")):
        assert refusal(response) == (404, "not_found")
    assert Appointment.objects.count() == 0
