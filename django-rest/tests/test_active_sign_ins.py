"""The active sign-ins of an account: listed, and ended one by one."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest
from clinic.accounts.models import RefreshFamily, User
from clinic.accounts.services import issue_tokens, rotate_tokens, sign_out
from django.db import connection
from django.test import Client
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.test import APIClient

from testkit.clinic.answers import refusal
from testkit.clinic.world import NEW_PASSWORD, PASSWORD, World, fresh

SESSIONS = "/api/v1/users/me/sessions"
PHONE = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36"
)


def signed_in(user: User, agent: str = "curl/8.5.0") -> tuple[APIClient, str]:
    client = APIClient(headers={"User-Agent": agent})
    pair = client.post("/api/token", {"username": user.email, "password": PASSWORD}).json()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {pair['access']}")
    return client, pair["refresh"]


def page_of(user: User, agent: str = PHONE) -> Client:
    page = Client(headers={"User-Agent": agent})
    page.post("/sign-in", {"username": user.email, "password": PASSWORD})
    return page


def claims_of(token: str) -> dict[str, str]:
    claims: dict[str, str] = jwt.decode(token, options={"verify_signature": False})
    return claims


def test_list_names_each_device_and_marks_the_one_that_asks(world: World) -> None:
    page_of(world.paula)
    signed_in(world.pete)
    client, _ = signed_in(world.paula)
    listed = client.get(SESSIONS).json()["results"]
    assert [(one["device"], one["is_current"]) for one in listed] == [("curl", True), ("Chrome · Android", False)]
    assert all(one["created_at"] <= one["last_seen_at"] for one in listed)


def test_ended_sign_in_renews_no_token_and_leaves_the_others(world: World) -> None:
    client, own = signed_in(world.paula)
    _, other = signed_in(world.paula, PHONE)
    (theirs,) = [one for one in client.get(SESSIONS).json()["results"] if not one["is_current"]]
    assert client.delete(f"{SESSIONS}/{theirs['id']}").status_code == 204
    with pytest.raises(AuthenticationFailed):
        rotate_tokens(refresh=other, now=datetime.now(UTC))
    assert rotate_tokens(refresh=own, now=datetime.now(UTC)).access
    assert refusal(client.delete(f"{SESSIONS}/{theirs['id']}")) == (404, "not_found")


def test_ended_page_is_signed_out_at_once(world: World) -> None:
    page, (client, _) = page_of(world.paula), signed_in(world.paula)
    assert page.post("/me/token").status_code == 200
    (theirs,) = [one for one in client.get(SESSIONS).json()["results"] if not one["is_current"]]
    client.delete(f"{SESSIONS}/{theirs['id']}")
    assert page.post("/me/token").status_code == 401
    assert page.get("/me").status_code == 302


def test_page_and_its_tokens_are_one_sign_in(world: World) -> None:
    page = page_of(world.paula)
    claims = claims_of(page.post("/me/token").json()["access"])
    assert claims["sign_in"] == RefreshFamily.objects.get(user=world.paula).pk
    assert claims_of(page.post("/me/token").json()["access"])["sign_in"] == claims["sign_in"]


def test_sign_out_of_a_page_ends_its_sign_in(world: World) -> None:
    page, (client, _) = page_of(world.paula), signed_in(world.paula)
    page.post("/sign-out")
    assert [one["device"] for one in client.get(SESSIONS).json()["results"]] == ["curl"]


def test_sign_ins_that_lead_nowhere_are_not_listed(world: World) -> None:
    _, refresh = signed_in(world.paula)
    sign_out(refresh=refresh, now=datetime.now(UTC))
    signed_in(world.paula)
    RefreshFamily.objects.filter(user=world.paula).update(seen_at=datetime.now(UTC) - timedelta(days=2))
    page_of(world.paula)
    client, _ = signed_in(world.paula)
    client.post(
        "/api/v1/auth/password/change", {"old_password": PASSWORD, "new_password": NEW_PASSWORD}
    )  # Raises the account's version.
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(user=fresh(world.paula)).access}")
    assert len(client.get(SESSIONS).json()["results"]) == 2


def test_renewed_token_counts_as_seen(world: World) -> None:
    pair, later = issue_tokens(user=fresh(world.paula)), datetime.now(UTC) + timedelta(hours=1)
    rotate_tokens(refresh=pair.refresh, now=later)
    assert RefreshFamily.objects.get(user=world.paula).seen_at == later


def test_end_of_a_sign_in_is_an_event_of_its_account_and_published(world: World) -> None:
    client, _ = signed_in(world.paula)
    (own,) = client.get(SESSIONS).json()["results"]
    client.delete(f"{SESSIONS}/{own['id']}")
    with connection.cursor() as cursor:
        cursor.execute("SELECT user_id, sign_in FROM live_ended_sign_in")
        assert cursor.fetchall() == ((world.paula.pk, own["id"]),)
        cursor.execute("SELECT entity_id FROM live_event WHERE clinic_id = 0 ORDER BY seq DESC LIMIT 1")
        assert cursor.fetchone() == (world.paula.pk,)
