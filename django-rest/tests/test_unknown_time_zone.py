"""A clinic whose row names an unknown time zone: a clear answer, the other clinics served, and a way out."""

import pytest
from clinic.scheduling.models import Clinic
from django.core.management import CommandError, call_command

from .conftest import World, in_days, refusal


@pytest.fixture
def lost(world: World) -> World:
    """A zone that a newer `tzdata` has dropped, or that was written by SQL. One appointment is ahead."""
    world.book(in_days(3)(9))
    Clinic.objects.filter(pk=world.clinic.pk).update(timezone="US/Gone")
    world.olga.refresh_from_db()
    return world


@pytest.mark.parametrize("path", ["appointments", "appointments/statistics", "time/now", "clinic", "practitioners"])
def test_clinic_in_unknown_zone_is_told_so_and_never_500(lost: World, path: str) -> None:
    client = lost.client(lost.olga)
    client.raise_request_exception = False
    response = client.get(f"/api/v1/{path}")
    assert response.status_code < 500 or refusal(response) == (503, "time_zone_unknown")


def test_owner_sets_a_known_zone_although_appointments_are_ahead(lost: World) -> None:
    client = lost.client(lost.olga)
    client.raise_request_exception = False
    assert refusal(client.get("/api/v1/appointments")) == (503, "time_zone_unknown")
    assert client.patch("/api/v1/clinic", {"timezone": "US/Gone"}).status_code == 400
    assert client.patch("/api/v1/clinic", {"timezone": "Europe/Berlin"}).status_code == 200
    assert client.get("/api/v1/appointments").status_code == 200


def test_other_clinics_are_served(lost: World) -> None:
    assert lost.client(lost.otto).get("/api/v1/appointments").status_code == 200


def test_demo_in_unknown_zone_is_refused() -> None:
    with pytest.raises(CommandError, match="not an IANA time zone"):
        call_command("seed_demo", "--timezone", "US/Gone")
