"""A clinic whose row names an unknown time zone: a clear answer, the other clinics served, and a way out."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import time
from html import unescape
from typing import Any

import pytest
from clinic.accounts.models import Role, User
from clinic.appointments.models import Appointment
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic, Practitioner, WorkingBlock
from clinic.waitlist.models import WaitlistEntry, WaitlistOffer
from clinic.worker.jobs import run_jobs
from clinic.worker.models import JobRun
from django.contrib import admin
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from rest_framework.test import APIClient

from testkit.clinic.admin_pages import APPOINTMENTS, CLINICS, HOME, PRACTITIONERS, Page, act, errors_of, sign_in
from testkit.clinic.answers import code_of, refusal
from testkit.clinic.monitoring import health, metric
from testkit.clinic.pages import form_of
from testkit.clinic.sign_ins import SignedIn
from testkit.clinic.times import in_days
from testkit.clinic.work_due import NOON, make_everything_due, make_everything_prunable
from testkit.clinic.world import World

from .test_permission_matrix import EXPECTED, PAGES, Route, body_of, every_route, url_of
from .test_permission_matrix import appointment as appointment  # fixtures
from .test_permission_matrix import usual_visit as usual_visit
from .test_permission_matrix import world as world


def lose_zone(world: World) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(timezone="US/Gone")


@pytest.fixture
def lost(world: World) -> World:
    """A zone that a newer `tzdata` has dropped, or that was written by SQL. One appointment is ahead."""
    world.book(in_days(3)(9))
    lose_zone(world)
    world.olga.refresh_from_db()
    return world


def one_route_of_each_view() -> list[Route]:
    """Older names of a path lead to the same view."""
    views, first = every_route(), dict[tuple[str, Any], Route]()
    for method, path in EXPECTED:
        view = views[method, path if path.startswith("/") else f"/api/v1/{path}"]
        first.setdefault((method, view), (method, path))
    return list(first.values())


def assert_no_500(response: Any) -> None:
    """Refused with the one code, or answered: what needs no zone still works."""
    if getattr(response, "streaming", False):
        b"".join(response.streaming_content)
    if response.status_code >= 500:
        assert response.status_code == 503
        assert "The clinic's time zone is unknown" in unescape(response.content.decode())
        if response.headers["Content-Type"].startswith("application/json"):
            assert code_of(response) == "time_zone_unknown"


@pytest.mark.parametrize("route", one_route_of_each_view(), ids=" ".join)
def test_no_route_is_500_in_an_unknown_zone(
    world: World, signed_in: SignedIn, appointment: Appointment, route: Route
) -> None:
    url, body = url_of(world, appointment, route), None if route[0] == "GET" else body_of(world, route)
    lose_zone(world)
    for name in ("olga", "petra", "paula", "nobody"):
        with transaction.atomic():  # Each from the same state.
            client: Any = signed_in.browser(name) if route[1] in PAGES else signed_in.client(name)
            client.raise_request_exception = False
            assert_no_500(getattr(client, route[0].lower())(url, body))
            transaction.set_rollback(True)


@pytest.fixture
def root(world: World) -> User:
    return User.objects.create_superuser("root@example.org")


def admin_pages(client: Client) -> Iterator[tuple[str, Any]]:
    """The first page, each list with all that there is, and of each the form to add and three rows."""
    yield "/admin/", client.get("/admin/")
    for model in admin.site._registry:
        url = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        rows = [f"{url}{pk}/change/" for pk in model._default_manager.values_list("pk", flat=True)[:3]]
        for each in (f"{url}?when=all", f"{url}add/", *rows):
            yield each, client.get(each)


@pytest.fixture
def busy(world: World) -> World:
    """With rows in every list of the admin, and an appointment of today; then the zone is lost."""
    make_everything_due(world)
    make_everything_prunable(world)
    world.book_now(practitioner=world.quentin)
    run_jobs(now=NOON)
    lose_zone(world)
    return world


def test_admin_of_a_clinic_in_an_unknown_zone_is_never_500(busy: World) -> None:
    client = sign_in(busy.olga)
    client.raise_request_exception = False
    for _, response in admin_pages(client):
        assert_no_500(response)


def test_admin_form_sent_and_action_taken_in_an_unknown_zone_are_refused_and_never_500(world: World) -> None:
    requested, client = world.book(in_days(3)(9), by=world.paula), sign_in(world.olga)
    urls = (f"{APPOINTMENTS}{requested.pk}/change/", f"{PRACTITIONERS}{world.petra.practitioner.pk}/change/")
    pages = [Page.open(client, url) for url in urls]
    lose_zone(world)
    client.raise_request_exception = False
    assert_no_500(act(client, APPOINTMENTS, "approve", requested.pk))
    assert_no_500(client.post(f"{APPOINTMENTS}{requested.pk}/approve/now/"))
    for page in pages:
        assert_no_500(page.save("appointments_appointment_approve"))
    assert Appointment.objects.get(pk=requested.pk).status == "pending"


def test_superuser_still_sees_every_list_and_decides_for_other_clinics(busy: World, root: User) -> None:
    client = sign_in(root)
    client.raise_request_exception = False
    refused = {url for url, response in admin_pages(client) if response.status_code not in (200, 302, 403)}
    # Those that offer steps by the clinic's date.
    assert {url.split("/")[3] for url in refused} == {"appointment", "practitioner"}
    assert all(url.endswith("/change/") for url in refused)
    assert "UTC" in client.get("/admin/appointments/appointment/?when=all").content.decode()


def test_owner_is_led_from_the_admin_to_the_settings_and_sets_another_zone(lost: World) -> None:
    owner = sign_in(lost.olga)
    settings = f"{CLINICS}{lost.clinic.pk}/change/"
    assert settings in owner.get(HOME).content.decode()
    assert errors_of(Page.open(owner, settings).save(timezone="Europe/Berlin")) == ""
    assert owner.get(APPOINTMENTS).status_code == 200


def test_owner_sets_another_zone_in_the_settings(lost: World) -> None:
    owner, petra, settings = sign_in(lost.olga), sign_in(lost.petra), "/settings/clinic"
    owner.raise_request_exception = petra.raise_request_exception = False
    refused = owner.get("/board")
    assert refused.status_code == 503
    assert f'href="{settings}"' in refused.content.decode()
    assert f'href="{settings}"' not in petra.get("/board").content.decode()
    owner.post(settings, form_of(owner, settings, timezone="Europe/Berlin"))
    assert Clinic.objects.get(pk=lost.clinic.pk).timezone == "Europe/Berlin"
    assert owner.get("/board").status_code == 200


def test_health_and_metrics_name_clinics_in_an_unknown_zone_and_traffic_still_comes(world: World) -> None:
    assert health(world)["time_zones"] == {"unknown": 0, "clinics": []}
    assert metric("chairside_clinics_in_unknown_time_zones") == 0
    lose_zone(world)
    assert health(world)["time_zones"] == {"unknown": 1, "clinics": [{"id": world.clinic.pk, "slug": "riverside"}]}
    assert metric("chairside_clinics_in_unknown_time_zones") == 1
    assert APIClient().get("/readyz").status_code == 200
    assert APIClient().get("/health").json()["status"] == "ok"


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
