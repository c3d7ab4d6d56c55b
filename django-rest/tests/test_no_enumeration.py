"""Neither answer, nor work, nor time tells who has an account. Work is counted: statements, and runs of the hasher."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from clinic.accounts.models import PasswordMailRequest, User
from clinic.accounts.passwords import RESET_HOLDS_FOR, send_requested_links
from clinic.common.models import AttemptCount
from clinic.outbox.models import Message
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from testkit.clinic.answers import refusal
from testkit.clinic.concurrency import at_once
from testkit.clinic.world import PASSWORD, World

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
    known = statements_of(client(), path, {"email": str(world.sam.email)})
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
    return {"unknown": UNKNOWN, "unknown phone": "+491700000000"}.get(kind, str(user.email))


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


CODES, LINKS, TIMES = "phone code tries", "visit-link", "hold"
VISITS = {"phone": "+49 170 1234567", "code": "000000", "clinic": "riverside"}
TRIES: list[tuple[str, str, str, dict[str, str]]] = [
    (LINKS, "get", "/api/v1/waitlist/offers/" + "x" * 43, {}),
    (LINKS, "post", f"/api/v1/waitlist/offers/{'x' * 43}/accept", {}),
    (LINKS, "post", f"/api/v1/waitlist/offers/{'x' * 43}/decline", {}),
    (LINKS, "post", "/api/v1/chat/release", {"hold": "x" * 43}),
    (CODES, "post", "/api/v1/chat/visits", VISITS),
    (CODES, "get", "/api/v1/appointments/by_phone", VISITS),
    (TIMES, "post", "/api/v1/chat/hold", {"clinic": "riverside", "start": "2026-01-01T09:00:00+01:00"}),
    (TIMES, "post", "/api/v1/holds", {"clinic": "riverside", "start": "2026-01-01T09:00:00+01:00"}),
]


@pytest.mark.parametrize(("scope", "method", "path", "body"), TRIES, ids=[path for *_, path, _ in TRIES])
def test_tries_from_one_address_are_counted(
    world: World, settings: Settings, scope: str, method: str, path: str, body: dict[str, str]
) -> None:
    settings.SHARED = settings.SHARED.model_copy(update={"enable_rate_limits": True})
    tried = getattr(APIClient(), method)
    assert tried(path, body).status_code in (400, 403, 404)
    AttemptCount.objects.filter(scope=scope).update(attempts=1000)
    refused = tried(path, body)
    assert refusal(refused) == (429, "throttled")
    assert int(refused.headers["Retry-After"]) > 0


def test_codes_tried_on_the_page_are_counted(world: World, settings: Settings) -> None:
    settings.SHARED = settings.SHARED.model_copy(update={"enable_rate_limits": True})
    page = Client()
    page.post("/status?clinic=riverside", VISITS)
    AttemptCount.objects.filter(scope=CODES).update(attempts=1000)
    assert "Too many" in page.post("/status?clinic=riverside", VISITS).content.decode()
