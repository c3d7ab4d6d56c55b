"""Neither answer, nor work, nor time tells who has an account. Work is counted: statements, and runs of the hasher."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from clinic.accounts.models import PasswordMailRequest, User
from clinic.accounts.passwords import RESET_HOLDS_FOR, send_requested_links
from clinic.outbox.models import Message
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from .conftest import PASSWORD, World, at_once

UNKNOWN = "nobody@riverside.example"
RESET = "/api/v1/auth/password/reset"


def statements_of(client: Any, path: str, body: dict[str, str]) -> list[str]:
    """Statements sent to the database, without their values."""
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert client.post(path, body).status_code in (200, 202, 401)
    without_values = (re.sub(r"'[^']*'|\b\d+\b|sp_\w+|s\d+_x\d+", "?", query["sql"]) for query in asked)
    return [sql for sql in without_values if "django_session" not in sql]


@pytest.mark.parametrize(("client", "path"), [(APIClient, RESET), (Client, "/password/forgotten")], ids=["api", "page"])
def test_password_mail_takes_the_same_work_for_known_and_unknown_addresses(
    world: World, client: type[Any], path: str
) -> None:
    known = statements_of(client(), path, {"email": world.sam.email})
    unknown = statements_of(client(), path, {"email": UNKNOWN})
    assert known == unknown
    assert len(known) > 1
    assert not Message.objects.exists(), "nothing is looked up or rendered while somebody waits"


def test_worker_mails_a_known_address_alone(world: World) -> None:
    User.objects.filter(pk=world.pete.pk).update(is_active=False)
    for email in (UNKNOWN, world.pete.email, world.sam.email):
        APIClient().post(RESET, {"email": email})
    assert send_requested_links(now=datetime.now(UTC)) == 1
    assert Message.objects.get().recipient == world.sam.email
    assert not PasswordMailRequest.objects.exists()


def test_password_mail_asked_for_an_hour_ago_is_not_sent_any_more(world: World) -> None:
    APIClient().post(RESET, {"email": world.sam.email})
    assert send_requested_links(now=datetime.now(UTC) + RESET_HOLDS_FOR + timedelta(seconds=1)) == 0
    assert not PasswordMailRequest.objects.exists()


@pytest.mark.race
def test_workers_side_by_side_send_one_password_mail(committed_world: World) -> None:
    APIClient().post(RESET, {"email": committed_world.sam.email})
    sent = at_once([lambda: send_requested_links(now=datetime.now(UTC))] * 6)
    assert sum(sent) == 1
    assert Message.objects.count() == 1


class CountingHasher(Argon2PasswordHasher):
    time_cost = 1
    memory_cost = 8
    parallelism = 1
    runs: ClassVar[list[str]] = []

    def encode(self, password: str, salt: str) -> str:
        self.runs.append("encode")
        return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        self.runs.append("verify")
        return super().verify(password, encoded)


def prepare(kind: str, world: World) -> str:
    """The name to sign in with."""
    user = world.sam
    user.set_password(PASSWORD)
    if kind == "deactivated":
        user.is_active = False
    if kind == "invited, without a password yet":
        user.set_unusable_password()
    user.save()
    return {"unknown": UNKNOWN, "unknown phone": "+491700000000"}.get(kind, user.email)


@pytest.mark.parametrize(
    "kind", ["known", "unknown", "unknown phone", "deactivated", "invited, without a password yet"]
)
@pytest.mark.parametrize("path", ["/api/token", "/sign-in", "/admin/login/"])
def test_wrong_password_runs_the_hasher_once_whoever_is_meant(
    world: World, settings: Settings, kind: str, path: str
) -> None:
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    name = prepare(kind, world)
    CountingHasher.runs.clear()
    client = APIClient() if path.startswith("/api") else Client()
    assert client.post(path, {"username": name, "password": "wrong"}).status_code in (200, 401)
    assert len(CountingHasher.runs) == 1
