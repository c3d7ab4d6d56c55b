"""Names at every entry point: one rule for people, one for clinics, services and practitioners."""

from collections.abc import Iterator
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.common.names import validate_label, validate_person_name
from clinic.people.models import Patient
from django.apps import apps
from django.db import models

from testkit.clinic.admin_pages import CLINICS, PATIENTS, PRACTITIONERS, SERVICES, USERS, Page, errors_of, sign_in
from testkit.clinic.answers import attr_of, refusal
from testkit.clinic.times import At
from testkit.clinic.world import PASSWORD, World

# Of a job, a process and a table: no person types them.
TECHNICAL = {"JobRun.name", "PruningMark.name", "WorkerProcess.name"}
FAULTS = [
    "Anna\nBcc: x",
    "Anna\x07",
    "Anna\u202ecilA",
    "Anna\u2066",
    "An\u200bna",
    "\u3164",
    "\u2800",
    "\u0301",
    "An\u2028na",
]


def name_fields() -> Iterator[tuple[str, Any]]:
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            is_ours = model.__module__.startswith("clinic.") and isinstance(field, models.CharField)
            if is_ours and field.name in ("name", "specialisation"):
                yield f"{model.__name__}.{field.name}", field


def test_every_name_in_the_database_has_one_of_two_rules() -> None:
    found = dict(name_fields())
    assert {"User.name", "Patient.name", "Clinic.name", "Service.name", "Practitioner.name"} <= found.keys()
    for name, field in found.items():
        rules = [rule for rule in field.validators if rule in (validate_person_name, validate_label)]
        assert len(rules) == (0 if name in TECHNICAL else 1), name
    people = {name for name, field in found.items() if validate_person_name in field.validators}
    assert people == {"User.name", "Patient.name"}


def entry_points(world: World, tomorrow_at: At) -> dict[str, tuple[Any, str, str, dict[str, Any]]]:
    """Every route that takes a name: who, method, path, and the other fields."""
    signup = {"email": "a@x.example", "phone": "030 1234567", "password": PASSWORD, "clinic": "riverside"}
    guest = {"clinic": "riverside", "phone": "0171 2345678", "start": tomorrow_at(9).isoformat()}
    member = {"email": "b@x.example", "role": "staff"}
    petra = world.petra.practitioner.pk
    return {
        "the desk": (world.sam, "post", "patients", {}),
        "the desk, editing": (world.sam, "patch", f"patients/{world.paula.patient.pk}", {}),
        "a guest": (None, "post", "public/bookings", {**guest, "practitioner": petra}),
        "a sign-up": (None, "post", "auth/patient/signup", signup),
        "a profile": (world.paula, "patch", "users/me", {}),
        "an older profile": (world.paula, "put", "profiles/me", {}),
        "an invitation": (world.olga, "post", "staff", member),
        "staff, editing": (world.olga, "patch", f"staff/{world.sam.pk}", {}),
        "a practitioner": (world.olga, "post", "practitioners", {}),
        "a practitioner, editing": (world.olga, "patch", f"practitioners/{petra}", {}),
        "a service": (world.olga, "post", "services", {"duration_minutes": 30}),
        "a service, editing": (world.olga, "patch", f"services/{world.check_up.pk}", {}),
        "the clinic": (world.olga, "patch", "clinic", {}),
    }


def test_names_that_cannot_be_seen_are_refused_at_every_route(world: World, tomorrow_at: At) -> None:
    accepted = []
    for who, (user, method, path, fields) in entry_points(world, tomorrow_at).items():
        send = getattr(world.client(user), method)
        for name in FAULTS:
            response = send(f"/api/v1/{path}", {**fields, "name": name})
            if (*refusal(response), attr_of(response)) != (400, "not_a_name", "name"):
                accepted.append((who, name, response.status_code))
        assert send(f"/api/v1/{path}", {**fields, "name": "  "}).status_code == 400
    assert accepted == []


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        (PATIENTS, {}),
        (USERS, {"email": "c@x.example", "role": "staff"}),
        (SERVICES, {"duration_minutes": 30}),
        (PRACTITIONERS, {}),
        (CLINICS, {"slug": "third", "timezone": "UTC"}),
    ],
)
def test_names_that_cannot_be_seen_are_refused_in_the_admin(world: World, path: str, fields: dict[str, Any]) -> None:
    client = sign_in(User.objects.create_superuser("root@example.org") if path == CLINICS else world.olga)
    for name in FAULTS:
        page = Page.open(client, f"{path}add/")
        assert "A name has" in errors_of(page.save(**fields, name=name)), name


def test_name_from_before_the_rules_does_not_block_other_changes(world: World) -> None:
    Patient.objects.filter(pk=world.paula.patient.pk).update(name="Paula!")
    page = Page.open(sign_in(world.sam), f"{PATIENTS}{world.paula.patient.pk}/change/")
    assert errors_of(page.save(phone="0170 555 0001")) == ""
    assert "A name has" in errors_of(page.save(name="Paula!!"))


def test_service_may_be_named_with_all_that_can_be_seen(world: World) -> None:
    response = world.client(world.olga).post(
        "/api/v1/services", {"name": "Kids: 1st visit (€ 40) ❤️", "duration_minutes": 30}
    )
    assert response.status_code == 201
