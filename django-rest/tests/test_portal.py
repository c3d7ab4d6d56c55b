"""The pages: signing in, what ends a session, and what a page may be told."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from clinic.accounts.lockout import FROM_HERE
from clinic.accounts.models import Role, User
from clinic.accounts.passwords import send_requested_links, set_password
from clinic.accounts.services import sign_out_everywhere
from clinic.accounts.tokens import claims_of
from clinic.accounts.views import SIGN_INS
from clinic.appointments.lifecycle import TRANSITIONS, Action, Facts, Party, Status, allowed_actions
from clinic.common.limits import Limit
from clinic.outbox.models import Message
from clinic.portal import forms
from clinic.portal.board import buttons
from clinic.portal.import_map import import_map, script_source
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings
from shared_config import ACCESS_AUDIENCE

from testkit.clinic.answers import refusal
from testkit.clinic.world import NEW_PASSWORD, PASSWORD, World

BOARD, SIGN_IN, SIGN_OUT, TOKEN = "/board", "/sign-in", "/sign-out", "/board/token"
HOME = "/home"
FORGOTTEN, SET = "/password/forgotten", "/password"


def enter(name: str, password: str = PASSWORD, *, client: Client | None = None, query: str = "") -> Any:
    return (client or Client()).post(SIGN_IN + query, {"username": name, "password": password})


def signed_in(user: User) -> Client:
    client = Client()
    assert enter(str(user.email), client=client).status_code == 302
    return client


def is_signed_in(client: Client) -> bool:
    return client.post(TOKEN).status_code == 200


# Signing in


@pytest.mark.parametrize("name", ["olga@riverside.example", "OLGA@riverside.example", "+49 170 1112222"])
def test_sign_in_by_e_mail_or_phone_leads_home(world: World, name: str) -> None:
    User.objects.filter(pk=world.olga.pk).update(phone="+491701112222", phone_verified_at=timezone.now())
    client = Client()
    assert enter(name, client=client).headers["Location"] == HOME
    assert client.get(BOARD).status_code == 200


def test_sign_in_redirects_to_no_foreign_address(world: World) -> None:
    led = Client().get(f"{BOARD}?date=2026-11-20")
    assert (led.status_code, led.headers["Location"]) == (302, "/sign-in?next=/board%3Fdate%3D2026-11-20")
    assert enter(str(world.sam.email), query="?next=/board%3Fdate%3D2026-11-20").headers["Location"] == (
        "/board?date=2026-11-20"
    )


@pytest.mark.parametrize("target", ["https://evil.example/board", "//evil.example", "javascript:alert(1)"])
def test_signing_in_leads_nowhere_else(world: World, target: str) -> None:
    assert enter(str(world.sam.email), query=f"?next={target}").headers["Location"] == HOME


@pytest.mark.parametrize("name", ["sam@riverside.example", "nobody@riverside.example"])
def test_a_wrong_password_and_an_unknown_name_are_told_alike(world: World, name: str) -> None:
    page = enter(name, "wrong")
    assert page.status_code == 200
    assert "No active account has this name and password." in page.content.decode()


def test_an_inactive_account_does_not_get_in(world: World) -> None:
    User.objects.filter(pk=world.sam.pk).update(is_active=False)
    assert "No active account" in enter(str(world.sam.email)).content.decode()


def test_wrong_guesses_lock_out_and_tell_for_how_long(world: World) -> None:
    for _ in range(FROM_HERE.most):
        enter(str(world.sam.email), "wrong")
    page = enter(str(world.sam.email))
    assert page.status_code == 200
    assert "Too many wrong passwords. Try again in 15 minutes." in page.content.decode()


def test_an_address_signs_in_so_often(world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "SIGN_INS", Limit("test-sign-in", 2, SIGN_INS.within))
    for _ in range(2):
        enter(str(world.sam.email))
    assert "Too many people sign in from here. Try again in a minute." in enter(str(world.sam.email)).content.decode()


def test_missing_value_is_named_at_its_field(world: World) -> None:
    page = enter("", "").content.decode()
    assert "Type your e-mail or phone number." in page
    assert "Type your password." in page


def test_signed_in_user_goes_on(world: World) -> None:
    assert signed_in(world.sam).get(SIGN_IN).headers["Location"] == HOME


def test_signing_in_takes_a_csrf_token(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    assert enter(str(world.sam.email), client=client).status_code == 403
    token = client.get(SIGN_IN).context["csrf_token"]
    form = {"username": world.sam.email, "password": PASSWORD, "csrfmiddlewaretoken": str(token)}
    assert client.post(SIGN_IN, form).status_code == 302


@pytest.mark.parametrize("is_secure", [False, True])
def test_cookies_go_by_https_alone_where_the_page_came_by_it(world: World, is_secure: bool) -> None:
    client = Client()
    form = {"username": world.sam.email, "password": PASSWORD}
    cookies = client.post(SIGN_IN, form, secure=is_secure).cookies
    assert {"sessionid", "csrftoken"} <= set(cookies)
    for cookie in cookies.values():
        assert (bool(cookie["secure"]), bool(cookie["httponly"]), cookie["samesite"]) == (is_secure, True, "Lax")


# Passwords


def sent_token(email: str) -> str:
    page = Client().post(FORGOTTEN, {"email": email})
    assert "a mail is on its way" in page.content.decode()
    send_requested_links(now=datetime.now(UTC))
    found = re.search(r"^[\w-]{43}$", Message.objects.get(recipient=email).body, re.MULTILINE)
    assert found is not None
    return found[0]


def test_forgotten_password_is_replaced_by_mail(world: World) -> None:
    token = sent_token(str(world.sam.email))
    shown = Client().get(f"{SET}?token={token}").content.decode()
    assert f'type="hidden" name="token" value="{token}"' in shown
    done = Client().post(f"{SET}?token={token}", {"token": token, "password": NEW_PASSWORD}).content.decode()
    assert "Your password is set" in done
    assert 'href="/sign-in"' in done
    assert enter(str(world.sam.email), NEW_PASSWORD).status_code == 302
    again = Client().post(SET, {"token": token, "password": PASSWORD}).content.decode()
    assert "This link has been used or has expired." in again
    assert enter(str(world.sam.email), NEW_PASSWORD).status_code == 302


def test_a_patient_is_not_led_to_the_clinics_board(world: World) -> None:
    token = sent_token(str(world.paula.email))
    done = Client().post(SET, {"token": token, "password": NEW_PASSWORD}).content.decode()
    assert "Your password is set" in done
    assert 'href="/board"' not in done
    assert 'href="/sign-in"' in done


def test_the_page_does_not_tell_who_has_an_account(world: World) -> None:
    pages = [Client().post(FORGOTTEN, {"email": email}) for email in (world.sam.email, "nobody@riverside.example")]
    secret = re.compile(r'name="csrfmiddlewaretoken" value="[^"]*"')
    known, unknown = (secret.sub("", page.content.decode()) for page in pages)
    assert known == unknown
    assert send_requested_links(now=datetime.now(UTC)) == 1
    assert Message.objects.count() == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"token": "made up", "password": NEW_PASSWORD}, "This link has been used or has expired."),
        ({"token": "", "password": NEW_PASSWORD}, "Type the code from the mail."),
        ({"token": "made up", "password": ""}, "Type a password."),
    ],
)
def test_missing_or_wrong_value_is_named(world: World, given: dict[str, str], said: str) -> None:
    assert said in Client().post(SET, given).content.decode()


def test_a_weak_password_is_refused_and_the_link_still_works(world: World) -> None:
    token = sent_token(str(world.sam.email))
    assert "This password is too short." in Client().post(SET, {"token": token, "password": "short"}).content.decode()
    assert "Your password is set" in Client().post(SET, {"token": token, "password": NEW_PASSWORD}).content.decode()


@pytest.mark.parametrize(
    ("name", "path", "given"),
    [
        ("PASSWORD_MAILS", FORGOTTEN, {"email": "nobody@riverside.example"}),
        ("PASSWORD_LINKS", SET, {"token": "made up", "password": NEW_PASSWORD}),
    ],
)
def test_attempts_end(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str, path: str, given: dict[str, str]
) -> None:
    monkeypatch.setattr(forms, name, Limit(f"test-{name}", 2, timedelta(minutes=1)))
    said = [Client().post(path, given).content.decode() for _ in range(3)]
    assert ["Too many attempts from here." in page for page in said] == [False, False, True]


# End of a session


def test_signing_out(world: World) -> None:
    client = signed_in(world.sam)
    assert client.get(SIGN_OUT).status_code == 405
    assert client.post(SIGN_OUT).headers["Location"] == SIGN_IN
    assert not is_signed_in(client)
    assert client.get(BOARD).status_code == 302


def _deactivate(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def _change_role(user: User) -> None:
    User.objects.filter(pk=user.pk).update(role=Role.PRACTITIONER)


def _change_clinic(user: User) -> None:
    User.objects.filter(pk=user.pk).update(clinic=User.objects.get(name="Otto").clinic)


def _sign_out_everywhere(user: User) -> None:
    sign_out_everywhere(user=user)


def _change_password(user: User) -> None:
    set_password(user=user, password=NEW_PASSWORD)


@pytest.mark.parametrize("end", [_deactivate, _change_role, _change_clinic, _sign_out_everywhere, _change_password])
@pytest.mark.parametrize("page", [BOARD, "/admin/"])
def test_end_of_a_token_ends_its_session(world: World, page: str, end: Any) -> None:
    User.objects.filter(pk=world.sam.pk).update(is_staff=True)
    client = signed_in(world.sam)
    assert client.get(page).status_code == 200
    end(world.sam)
    assert client.get(page).status_code == 302
    assert refusal(client.post(TOKEN)) == (401, "not_authenticated")


# The token


def claims_in(answer: Any) -> dict[str, Any]:
    key, algorithm = settings.SHARED.jwt_verifying_key, settings.SHARED.jwt_algorithm
    claims: dict[str, Any] = jwt.decode(answer["access"], key, [algorithm], audience=ACCESS_AUDIENCE)
    return claims


@pytest.mark.parametrize("name", ["olga", "sam", "petra"])
def test_a_page_gets_an_access_token_and_never_a_refresh_token(world: World, name: str) -> None:
    user = getattr(world, name)
    response = signed_in(user).post(TOKEN)
    assert set(response.json()) == {"access", "expires_in"}
    assert "no-store" in response.headers["Cache-Control"]
    claims = claims_in(response.json())
    assert claims_of(User.objects.select_related("practitioner").get(pk=user.pk)).items() <= claims.items()
    assert claims["token_type"] == "access"
    assert claims["exp"] - claims["iat"] == response.json()["expires_in"]


def test_a_token_takes_the_pages_csrf_token(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.sam)
    assert refusal(client.post(TOKEN, headers={"Accept": "application/json"})) == (403, "csrf_failed")
    client.get(BOARD)
    token = client.cookies["csrftoken"].value
    assert client.post(TOKEN, headers={"X-CSRFToken": token}).status_code == 200


def test_a_screen_that_asks_for_tokens_stays_signed_in(world: World) -> None:
    client = signed_in(world.sam)
    soon = timezone.now() + timedelta(hours=1)
    Session.objects.update(expire_date=soon)
    client.post(TOKEN)
    assert Session.objects.get().expire_date > soon + timedelta(days=7)


def test_a_token_is_no_way_in_to_a_page(world: World) -> None:
    assert world.client(world.sam).get(BOARD).status_code == 302
    assert world.client(world.sam).post(TOKEN).status_code == 401


# The language


def language_of(page: Any) -> str:
    found = re.search(r'<html lang="(\w+)"', page.content.decode())
    assert found is not None
    return found[1]


def test_language_is_the_browsers_until_a_person_chooses(world: World) -> None:
    client = Client(headers={"Accept-Language": "fr, de-AT;q=0.8, en;q=0.5"})
    assert language_of(client.get(SIGN_IN)) == "de"
    assert client.post("/language", {"language": "en", "next": SIGN_IN}).headers["Location"] == SIGN_IN
    assert language_of(client.get(SIGN_IN)) == "en"


def test_language_follows_the_user_to_another_browser(world: World) -> None:
    assert signed_in(world.sam).post("/language", {"language": "de"}).status_code == 302
    page = Client(headers={"Accept-Language": "en"})
    page.force_login(User.objects.get(pk=world.sam.pk))
    shown = page.get(BOARD)
    assert language_of(shown) == "de"
    assert shown.headers["Content-Language"] == "de"


def test_language_is_the_clinics_where_the_browser_names_none(world: World) -> None:
    world.clinic.language = "de"
    world.clinic.save()
    assert language_of(signed_in(world.sam).get(BOARD)) == "de"


def test_unknown_language_is_not_found(world: World) -> None:
    assert Client().post("/language", {"language": "tlh"}).status_code == 404
    assert Client().get("/words/tlh-1.js").status_code == 404


@pytest.mark.parametrize("target", ["https://evil.example/board", "//evil.example", "javascript:alert(1)"])
def test_choice_of_a_language_leads_nowhere_else(world: World, target: str) -> None:
    assert Client().post("/language", {"language": "de", "next": target}).headers["Location"] == "/"


def test_words_of_scripts_are_kept_under_their_version_alone(world: World) -> None:
    found = re.search(r'src="(/words/en-[0-9a-f]+\.js)"', Client().get(SIGN_IN).content.decode())
    assert found is not None
    assert "immutable" in Client().get(found[1]).headers["Cache-Control"]
    assert Client().get("/words/en-0.js").headers["Cache-Control"] == "no-store"


def test_refusals_of_the_api_come_in_the_language_that_is_accepted(world: World) -> None:
    booking = {
        "patient": world.paula.patient.pk,
        "practitioner": world.petra.practitioner.pk,
        "start": "2020-01-01T09:00:00Z",
    }
    answers = {
        language: world.client(world.sam).post("/api/v1/appointments", booking, headers={"Accept-Language": language})
        for language in ("de", "en", "fr")
    }
    codes = {answer.json()["errors"][0]["code"] for answer in answers.values()}
    details = {language: answer.json()["errors"][0]["detail"] for language, answer in answers.items()}
    assert len(codes) == 1
    assert details["en"] == details["fr"] != details["de"]


# The frame


def test_navigation_leads_where_the_role_may_go(world: World) -> None:
    for user in (world.olga, world.sam, world.petra):
        page = signed_in(user).get(BOARD)
        for entry in page.context["navigation"]:
            assert signed_in(user).get(entry.href, follow=True).status_code == 200


def test_booking_is_for_the_desk(world: World) -> None:
    assert 'id="book-open"' in signed_in(world.sam).get(BOARD).content.decode()
    assert 'id="book-open"' not in signed_in(world.petra).get(BOARD).content.decode()


def test_signing_in_leads_a_patient_to_the_own_page(world: World) -> None:
    client = Client()
    assert enter(str(world.paula.email), client=client).headers["Location"] == "/me"
    assert client.get("/").headers["Location"] == "/me"
    assert "Hello, Paula" in client.get("/me").content.decode()


# Rights


def board_of(user: User) -> dict[str, Any]:
    board: dict[str, Any] = signed_in(user).get(BOARD).context["board"]
    return board


def test_the_desk_sees_every_column_a_practitioner_the_own(world: World) -> None:
    assert [one["name"] for one in board_of(world.sam)["practitioners"]] == ["Dr Petra", "Dr Quentin"]
    assert [one["name"] for one in board_of(world.petra)["practitioners"]] == ["Dr Petra"]
    assert board_of(world.otto)["practitioners"] == []


def test_a_patient_is_told_that_the_page_is_for_the_clinic(world: World) -> None:
    page = signed_in(world.paula).get(BOARD)
    assert page.status_code == 403
    assert "This page is for the clinic" in page.content.decode()
    assert refusal(signed_in(world.paula).post(TOKEN)) == (403, "permission_denied")


def test_a_superuser_is_shown_the_admin(world: World) -> None:
    page = signed_in(User.objects.create_superuser("ada@example.org", PASSWORD)).get(BOARD)
    assert page.status_code == 403
    assert 'href="/admin/"' in page.content.decode()


def test_admin_users_find_it_in_the_pages_and_the_board_in_it(world: World) -> None:
    User.objects.filter(pk=world.sam.pk).update(is_staff=True)
    sams = signed_in(world.sam)
    assert 'href="/admin/"' in sams.get(BOARD).content.decode()
    assert 'href="/board"' in sams.get("/admin/").content.decode()
    assert 'href="/admin/"' not in signed_in(world.petra).get(BOARD).content.decode()


def test_names_do_not_become_markup(world: World) -> None:
    world.clinic.name = "</script><script>alert(1)</script>"
    world.clinic.save()
    assert "<script>alert" not in signed_in(world.sam).get(BOARD).content.decode()


def test_the_page_takes_few_queries(world: World, django_assert_max_num_queries: Any) -> None:
    client = signed_in(world.sam)
    with django_assert_max_num_queries(4):
        client.get(BOARD)


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("hours", [-25, -1, 1, 25])
def test_the_buttons_moments_are_the_lifecycles(status: Status, hours: int) -> None:
    """The board's own half of this is tests-integration/test_the_board.py."""
    now = timezone.now().replace(hour=12)
    starts_at = now + timedelta(hours=hours)
    facts = Facts(status, starts_at, starts_at.date())
    moments = {"any": True, "ahead": hours > 0, "on the day": starts_at.date() == now.date(), "begun": hours < 0}
    offered = {
        action
        for action, button in buttons().items()
        if status in TRANSITIONS[action].sources and moments[button.moment]
    }
    notice = timedelta(hours=24)
    allowed = allowed_actions(
        facts, party=Party.STAFF, now=now, today=now.date(), cancellation_notice=notice, no_show_after=notice
    )
    assert offered == set(allowed) - {Action.EXPIRE}


# Headers


def policy_of(response: Any) -> dict[str, str]:
    directives = (directive.strip().partition(" ") for directive in response["Content-Security-Policy"].split(";"))
    return {name: sources for name, _, sources in directives}


@pytest.mark.parametrize("stream", [None, "https://stream.example.org"])
def test_scripts_come_from_here_and_from_the_stream_alone(world: World, settings: Settings, stream: str | None) -> None:
    settings.SHARED = settings.SHARED.model_copy(update={"stream_url": stream})
    sources = f"'self' {stream}" if stream else "'self'"
    for response in (Client().get(SIGN_IN), signed_in(world.sam).get(BOARD)):
        policy = policy_of(response)
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == f"{sources} {script_source()}"
        assert policy["connect-src"] == sources
        assert policy["style-src"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"


@pytest.mark.parametrize("url", [SIGN_IN, BOARD])
def test_pages_are_not_framed_kept_or_told_to_others(world: World, url: str) -> None:
    response = Client().get(url) if url == SIGN_IN else signed_in(world.sam).get(url)
    assert "no-store" in response["Cache-Control"]
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"


@pytest.mark.parametrize("url", [SIGN_IN, BOARD])
def test_a_page_has_no_script_or_style_of_its_own(world: World, url: str) -> None:
    page = (Client() if url == SIGN_IN else signed_in(world.sam)).get(url).content.decode()
    assert " style=" not in page
    assert "<style" not in page
    assert page.count(f'<script type="importmap">{import_map()}</script>') == 1
    assert page.count("<script") == 1 + page.count("<script src=") + page.count('type="module" src=') + page.count(
        'type="application/json"'
    )


# Errors


def test_browser_gets_a_page_for_an_address_that_leads_nowhere(world: World) -> None:
    page = Client(headers={"Accept": "text/html", "Accept-Language": "de"}).get("/no/such/page")
    assert page.status_code == 404
    assert page.headers["Content-Type"].startswith("text/html")
    assert '<html lang="de"' in page.content.decode()
    assert "Diese Seite gibt es nicht" in page.content.decode()


@pytest.mark.parametrize("path", ["/api/v1/nowhere", "/api/nowhere", "/health/nowhere"])
def test_program_gets_json_for_an_address_that_leads_nowhere(world: World, path: str) -> None:
    assert refusal(Client(headers={"Accept": "text/html"}).get(path)) == (404, "not_found")


def test_page_that_asks_for_json_gets_json(world: World) -> None:
    assert refusal(Client(headers={"Accept": "application/json"}).get("/no/such/page")) == (404, "not_found")


def test_form_of_a_page_that_is_out_of_date_says_so(world: World) -> None:
    page = Client(enforce_csrf_checks=True).post(SIGN_IN, {"username": "x", "password": "x"})
    assert page.status_code == 403
    assert "This page is out of date" in page.content.decode()


def test_mistake_of_the_server_is_a_page_without_its_cause(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ValueError("a secret of the server")

    client = signed_in(world.sam)
    client.raise_request_exception = False
    monkeypatch.setattr("clinic.portal.views.board.board_for", fail)
    page = client.get(BOARD)
    assert page.status_code == 500
    assert "Something went wrong" in page.content.decode()
    assert "secret" not in page.content.decode()
