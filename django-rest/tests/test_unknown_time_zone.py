"""A clinic whose row names an unknown time zone: a clear answer, the other clinics served, and a way out."""

from dataclasses import replace
from datetime import time

import pytest
from clinic.accounts.models import Role, User
from clinic.appointments.models import Appointment, Patient
from clinic.ops.maintenance import run_jobs
from clinic.ops.models import JobRun
from clinic.scheduling.models import Clinic, Practitioner, WorkingBlock
from clinic.waitlist.models import WaitlistEntry, WaitlistOffer
from django.core.management import CommandError, call_command

from .conftest import World, in_days, refusal
from .work_due import NOON, make_everything_due


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


PER_CLINIC = {
    "missed appointments marked",
    "undecided requests expired",
    "reminders queued",
    "dead letters reported",
    "expired offers moved on",
    "waitlist entries lapsed",
}


@pytest.fixture
def hillside(world: World) -> World:
    """Harriet treats and Henry is a patient; Hillside comes after Riverside wherever clinics are gone through."""
    assert world.clinic.pk < world.hillside.pk
    people = {
        name: User.objects.create(email=f"{name}@hillside.example", name=name, role=role, clinic=world.hillside)
        for name, role in (("Harriet", Role.PRACTITIONER), ("Henry", Role.PATIENT), ("Hugo", Role.PATIENT))
    }
    harriet = Practitioner.objects.create(clinic=world.hillside, user=people["Harriet"], name="Dr Harriet")
    WorkingBlock.objects.bulk_create(
        WorkingBlock(practitioner=harriet, weekday=weekday, start_local=time(6), end_local=time(20))
        for weekday in range(7)
    )
    for name in ("Henry", "Hugo"):
        Patient.objects.create(clinic=world.hillside, user=people[name], name=name, phone="+442071234567")
    return replace(
        world,
        clinic=world.hillside,
        sam=world.otto,
        petra=people["Harriet"],
        paula=people["Henry"],
        pete=people["Hugo"],
    )


def test_jobs_of_other_clinics_go_on_and_health_names_the_jobs_that_left_one_out(world: World, hillside: World) -> None:
    make_everything_due(world)
    make_everything_due(hillside)
    Clinic.objects.filter(pk=world.clinic.pk).update(timezone="US/Gone")
    done = run_jobs(now=NOON)
    assert {name: done.get(name) for name in PER_CLINIC} == dict.fromkeys(PER_CLINIC, 1) | {"dead letters reported": 2}
    states = Appointment.objects.filter(clinic=hillside.clinic).order_by("starts_at").values_list("status", flat=True)
    assert list(states) == ["cancelled", "no_show", "confirmed", "cancelled"]
    entries = WaitlistEntry.objects.filter(clinic=hillside.clinic).order_by("pk").values_list("state", flat=True)
    assert list(entries) == ["waiting", "lapsed"]
    assert WaitlistOffer.objects.get(clinic=hillside.clinic).state == "expired"
    failed = set(JobRun.objects.exclude(error="").values_list("name", flat=True))
    assert failed == PER_CLINIC - {"dead letters reported"}
