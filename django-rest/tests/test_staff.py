"""The owner manages who works at the clinic."""

import re
from typing import Any

import pytest
from clinic.accounts.models import Role, User
from clinic.accounts.services import issue_tokens
from clinic.changefeed.models import RealtimeEvent
from clinic.outbox.models import Message
from clinic.scheduling.models import Practitioner
from rest_framework.test import APIClient

from testkit.clinic.answers import attr_of, refusal
from testkit.clinic.concurrency import at_once
from testkit.clinic.world import NEW_PASSWORD, PASSWORD, World, fresh

STAFF = "/api/v1/staff"


def create(world: World, **given: Any) -> Any:
    tara = {"name": "Tara", "email": "tara@riverside.example", "role": "staff"}
    return world.client(world.olga).post(STAFF, tara | given)


def edit(world: World, user: User, **changes: Any) -> Any:
    return world.client(world.olga).patch(f"{STAFF}/{user.pk}", changes)


def sign_in(email: str, password: str) -> Any:
    return APIClient().post("/api/v1/auth/doctor/login", {"username": email, "password": password})


def session_events_of(user: User) -> int:
    return RealtimeEvent.objects.filter(clinic_id=0, entity="user", entity_id=user.pk, kind="session").count()


def test_the_owner_sees_who_works_at_the_clinic(world: World) -> None:
    User.objects.filter(pk=world.sam.pk).update(is_active=False)
    shown = world.client(world.olga).get(STAFF).json()["results"]
    assert [(person["name"], person["role"], person["active"]) for person in shown] == [
        ("Olga", "owner", True),
        ("Petra", "practitioner", True),
        ("Quentin", "practitioner", True),
        ("Sam", "staff", False),
    ]
    assert shown[1]["practitioner"] == world.petra.practitioner.pk


def test_the_list_costs_the_same_for_one_or_many(world: World, django_assert_max_num_queries: Any) -> None:
    client = world.client(world.olga)
    for index in range(10):
        create(world, email=f"tara{index}@riverside.example", password=PASSWORD)
    with django_assert_max_num_queries(4):
        assert client.get(STAFF).json()["count"] == 14


# Making accounts


def test_an_invitation_goes_out_by_mail(world: World) -> None:
    response = create(world)
    assert response.status_code == 201
    shown = response.json()
    assert (shown["role"], shown["active"], shown["invited"]) == ("staff", True, True)
    assert sign_in("tara@riverside.example", PASSWORD).status_code == 401
    message = Message.objects.get()
    assert (message.template, message.recipient, message.secret) == ("invitation", "tara@riverside.example", True)
    (token,) = re.findall(r"^[\w-]{43}$", message.body, re.MULTILINE)
    confirm = {"token": token, "password": NEW_PASSWORD}
    assert APIClient().post("/api/v1/auth/password/reset/confirm", confirm).status_code == 200
    assert sign_in("tara@riverside.example", NEW_PASSWORD).status_code == 200
    assert world.client(world.olga).get(f"{STAFF}/{shown['id']}").json()["invited"] is False


def test_an_account_may_begin_with_a_password(world: World) -> None:
    assert create(world, password=PASSWORD, phone="030 1112222").json()["phone"] == "+49301112222"
    assert sign_in("tara@riverside.example", PASSWORD).status_code == 200
    assert not Message.objects.exists()


def test_a_practitioner_gets_their_schedule(world: World) -> None:
    free = Practitioner.objects.create(clinic=world.clinic, name="Dr Tara")
    response = create(world, role="practitioner", practitioner=free.pk, password=PASSWORD)
    assert response.json()["practitioner"] == free.pk
    assert fresh(User.objects.get(name="Tara")).practitioner == free


@pytest.mark.parametrize(("role", "may"), [("owner", True), ("staff", True), ("practitioner", False)])
def test_the_desk_alone_uses_the_admin(world: World, role: str, may: bool) -> None:
    create(world, role=role)
    assert User.objects.get(name="Tara").is_staff is may


@pytest.mark.parametrize(
    ("given", "attr"),
    [
        ({"email": "sam@riverside.example"}, "email"),
        ({"email": "no address"}, "email"),
        ({"phone": "call me"}, "phone"),
        ({"role": "patient"}, "role"),
        ({"role": "admin"}, "role"),
        ({"password": "short"}, "password"),
        ({"name": ""}, "name"),
        ({"role": "practitioner", "practitioner": 10**6}, "practitioner"),
        ({"role": "practitioner", "practitioner": "petra's"}, "practitioner"),
        ({"role": "practitioner", "practitioner": "hillside's"}, "practitioner"),
        ({"role": "staff", "practitioner": "free"}, "practitioner"),
    ],
    ids=str,
)
def test_an_account_that_is_refused_leaves_nothing(world: World, given: dict[str, Any], attr: str) -> None:
    named = {
        "petra's": world.petra.practitioner,
        "hillside's": Practitioner.objects.create(clinic=world.hillside, name="Dr Hilda"),
        "free": Practitioner.objects.create(clinic=world.clinic, name="Dr Tara"),
    }
    if (practitioner := named.get(given.get("practitioner", ""))) is not None:
        given = {**given, "practitioner": practitioner.pk}
    before = User.objects.count()
    response = create(world, **given)
    assert (response.status_code, attr_of(response)) == (400, attr)
    assert (User.objects.count(), Message.objects.count()) == (before, 0)


def test_the_same_key_makes_one_account(world: World) -> None:
    tara = {"name": "Tara", "email": "tara@riverside.example", "role": "staff"}
    client = world.client(world.olga)
    answers = [client.post(STAFF, tara, headers={"Idempotency-Key": "tara"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert Message.objects.count() == 1


# Changing them


def test_a_change_of_role_ends_the_sessions_and_their_streams(world: World) -> None:
    pair, before = issue_tokens(user=fresh(world.sam)), session_events_of(world.sam)
    assert edit(world, world.sam, role="practitioner").json()["role"] == "practitioner"
    assert APIClient().get("/api/v1/users/me", headers={"Authorization": f"Bearer {pair.access}"}).status_code == 401
    assert session_events_of(world.sam) > before
    assert not fresh(world.sam).is_staff


@pytest.mark.parametrize("way", ["delete", "patch"])
def test_deactivated_user_is_out_and_their_streams_close(world: World, way: str) -> None:
    pair, before = issue_tokens(user=fresh(world.sam)), session_events_of(world.sam)
    if way == "delete":
        assert world.client(world.olga).delete(f"{STAFF}/{world.sam.pk}").status_code == 204
    else:
        assert edit(world, world.sam, active=False).json()["active"] is False
    assert sign_in(str(world.sam.email), PASSWORD).status_code == 401
    assert session_events_of(world.sam) > before
    assert edit(world, world.sam, active=True).status_code == 200
    assert sign_in(str(world.sam.email), PASSWORD).status_code == 200
    assert APIClient().get("/api/v1/users/me", headers={"Authorization": f"Bearer {pair.access}"}).status_code == 401


def test_a_change_of_name_ends_nothing(world: World) -> None:
    pair = issue_tokens(user=fresh(world.sam))
    assert edit(world, world.sam, name="Samira", email="Samira@riverside.example").json()["name"] == "Samira"
    assert APIClient().get("/api/v1/users/me", headers={"Authorization": f"Bearer {pair.access}"}).status_code == 200
    assert fresh(world.sam).email == "sam@riverside.example"
    assert fresh(world.sam).claimed == {"email": "samira@riverside.example"}


def test_a_schedule_moves_to_another_account(world: World) -> None:
    practitioner = world.petra.practitioner
    refused = edit(world, world.quentin, practitioner=practitioner.pk)
    assert (refused.status_code, attr_of(refused)) == (400, "practitioner")
    assert edit(world, world.petra, practitioner=None).json()["practitioner"] is None
    assert edit(world, world.quentin, practitioner=practitioner.pk).json()["practitioner"] == practitioner.pk
    assert Practitioner.objects.filter(user=world.quentin).count() == 1


@pytest.mark.parametrize("change", [{"role": "staff"}, {"active": False}])
def test_a_clinic_keeps_an_owner(world: World, change: dict[str, Any]) -> None:
    assert refusal(edit(world, world.olga, name="Olga O.", **change)) == (409, "last_owner")
    assert (fresh(world.olga).role, fresh(world.olga).is_active, fresh(world.olga).name) == ("owner", True, "Olga")
    assert refusal(world.client(world.olga).delete(f"{STAFF}/{world.olga.pk}")) == (409, "last_owner")
    assert edit(world, world.sam, role="owner").status_code == 200
    assert edit(world, world.olga, **change).status_code == 200


def test_an_owner_who_may_not_sign_in_is_none(world: World) -> None:
    edit(world, world.sam, role="owner", active=False)
    assert refusal(edit(world, world.olga, role="staff")) == (409, "last_owner")


@pytest.mark.race
def test_two_owners_who_dismiss_each_other_do_not_both_succeed(committed_world: World) -> None:
    world = committed_world
    User.objects.filter(pk=world.sam.pk).update(role=Role.OWNER)
    clients = {user: world.client(user) for user in (world.olga, world.sam)}
    answers = at_once(
        [
            lambda: clients[world.olga].delete(f"{STAFF}/{world.sam.pk}"),
            lambda: clients[world.sam].delete(f"{STAFF}/{world.olga.pk}"),
        ]
    )
    assert User.objects.filter(clinic=world.clinic, role=Role.OWNER, is_active=True).count() == 1
    assert [answer.status_code for answer in answers].count(204) == 1


def test_a_patient_or_a_stranger_is_nobody_here(world: World) -> None:
    for user in (world.paula, world.otto):
        assert refusal(edit(world, user, name="X")) == (404, "not_found")
        assert refusal(world.client(world.olga).delete(f"{STAFF}/{user.pk}")) == (404, "not_found")
