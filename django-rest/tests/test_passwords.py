import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from clinic.accounts.contacts import send_requested_verifications
from clinic.accounts.lockout import FROM_ANYWHERE, FROM_HERE, Guess, begin
from clinic.accounts.models import PasswordToken, User
from clinic.accounts.passwords import MAILS_BY_ACCOUNT, RESET_HOLDS_FOR, prune_password_tokens, send_requested_links
from clinic.outbox.delivery import deliver_due
from clinic.outbox.models import Message
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic
from django.core import mail
from pydantic import HttpUrl
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from testkit.clinic.answers import attr_of, refusal
from testkit.clinic.concurrency import at_once
from testkit.clinic.world import NEW_PASSWORD, PASSWORD, World, fresh

CHANGE = "/api/v1/auth/password/change"
RESET = "/api/v1/auth/password/reset"
CONFIRM = "/api/v1/auth/password/reset/confirm"
ME = "/api/v1/users/me"


def post(path: str, **body: object) -> Any:
    answer = APIClient().post(path, body)
    if path == RESET:
        send_requested_links(now=datetime.now(UTC))  # As the worker does.
    return answer


def sign_in(user: User, password: str = PASSWORD) -> Any:
    return post("/api/token", username=user.email, password=password)


def with_token(token: str) -> int:
    return APIClient().get(ME, headers={"Authorization": f"Bearer {token}"}).status_code


# Changing it


def change(world: World, old: str = PASSWORD, new: str = NEW_PASSWORD) -> Any:
    return world.client(world.sam).post(CHANGE, {"old_password": old, "new_password": new})


def test_a_password_changes_and_every_other_session_ends(world: World) -> None:
    elsewhere = sign_in(world.sam).json()
    response = change(world)
    assert response.status_code == 200
    assert with_token(response.json()["access"]) == 200
    assert with_token(elsewhere["access"]) == 401
    assert refusal(post("/api/token/refresh", refresh=elsewhere["refresh"])) == (401, "token_not_valid")
    assert post("/api/token/refresh", refresh=response.json()["refresh"]).status_code == 200
    assert sign_in(world.sam).status_code == 401
    assert sign_in(world.sam, NEW_PASSWORD).status_code == 200


def test_mails_of_an_account_are_in_its_owners_language(world: World) -> None:
    Clinic.objects.update(language="de")
    post(RESET, email=world.sam.email)
    Patient.objects.filter(user=world.paula).update(language="en")
    post(RESET, email=world.paula.email)
    subjects = dict(Message.objects.values_list("recipient", "subject"))
    assert subjects == {
        world.sam.email: "Neues Passwort für Riverside",
        world.paula.email: "Set a new password for Riverside",
    }
    assert "innerhalb einer Stunde" in Message.objects.get(recipient=world.sam.email).body


def test_the_user_is_told_that_it_changed(world: World) -> None:
    change(world)
    message = Message.objects.get()
    assert (message.template, message.recipient, message.user) == ("password_changed", world.sam.email, world.sam)
    assert "Riverside" in message.subject
    assert "Hello Sam" in message.body


# Another address


def test_reader_of_the_former_address_is_told_of_the_new(world: World) -> None:
    former = world.sam.email
    post(RESET, email=former)
    token = PasswordToken.objects.get()
    given = {"email": "sam@elsewhere.example", "password": PASSWORD}
    assert world.client(world.sam).patch(ME, given).status_code == 200
    assert not Message.objects.filter(template="email_changed").exists()
    send_requested_verifications(now=datetime.now(UTC))
    sent = Message.objects.get(template="email_verification")
    assert sent.recipient == "sam@elsewhere.example"
    [sent_token] = re.findall(r"^[\w-]{43}$", sent.body, re.MULTILINE)
    assert post("/api/v1/auth/email/prove", token=sent_token).status_code == 200
    told = Message.objects.get(template="email_changed")
    assert (told.recipient, told.user) == (former, world.sam)
    assert "Riverside" in told.subject
    assert "sam@elsewhere.example" not in told.body
    token.refresh_from_db()
    assert token.used_at is not None


def test_other_changes_of_a_profile_are_not_told(world: World) -> None:
    assert world.client(world.sam).patch(ME, {"name": "Sammy", "email": world.sam.email}).status_code == 200
    assert not Message.objects.exists()


def test_claim_of_an_address_that_is_taken_is_told_to_its_owner(world: World) -> None:
    assert world.client(world.sam).patch(ME, {"email": world.olga.email, "password": PASSWORD}).status_code == 200
    send_requested_verifications(now=datetime.now(UTC))
    told = Message.objects.get()
    assert (told.template, told.recipient, told.user) == ("email_known", world.olga.email, world.olga)
    assert "Sam" not in told.body


@pytest.mark.parametrize(
    ("old", "new", "code", "attr"),
    [
        ("wrong", NEW_PASSWORD, "wrong_password", "old_password"),
        ("", NEW_PASSWORD, "blank", "old_password"),
        (PASSWORD, "short", "invalid", "new_password"),
        (PASSWORD, "password123", "invalid", "new_password"),
        (PASSWORD, "sam@riverside.example", "invalid", "new_password"),
        (PASSWORD, "x" * 257, "max_length", "new_password"),
    ],
)
def test_a_change_that_is_refused_changes_nothing(world: World, old: str, new: str, code: str, attr: str) -> None:
    elsewhere = sign_in(world.sam).json()
    response = change(world, old, new)
    assert (refusal(response), attr_of(response)) == ((400, code), attr)
    assert with_token(elsewhere["access"]) == 200
    assert sign_in(world.sam).status_code == 200
    assert not Message.objects.exists()


def test_a_stolen_session_cannot_guess_the_password(world: World) -> None:
    for _ in range(FROM_HERE.most):
        assert refusal(change(world, "wrong")) == (400, "wrong_password")
    assert refusal(change(world)) == (429, "locked")


# Setting a new one by mail


@pytest.fixture
def asked(world: World) -> Callable[..., str]:
    """Have a mail sent; the token in it."""

    def ask(user: User | None = None, *, after: timedelta = timedelta()) -> str:
        assert post(RESET, email=(user or world.sam).email).status_code == 202
        message = Message.objects.filter(template="password_reset").latest("pk")
        (token,) = re.findall(r"^[\w-]{43}$", message.body, re.MULTILINE)
        if after:
            PasswordToken.objects.update(expires_at=datetime.now(UTC) + RESET_HOLDS_FOR - after)
        return str(token)

    return ask


Ask = Callable[..., str]


def test_a_mail_sets_a_new_password_and_ends_every_session(world: World, asked: Ask) -> None:
    elsewhere = sign_in(world.sam).json()
    token = asked()
    assert post(CONFIRM, token=token, password=NEW_PASSWORD).status_code == 200
    assert with_token(elsewhere["access"]) == 401
    assert sign_in(world.sam).status_code == 401
    assert sign_in(world.sam, NEW_PASSWORD).status_code == 200


def test_a_token_works_once(world: World, asked: Ask) -> None:
    token = asked()
    assert post(CONFIRM, token=token, password=NEW_PASSWORD).status_code == 200
    again = post(CONFIRM, token=token, password=PASSWORD)
    assert (refusal(again), attr_of(again)) == ((400, "link_not_valid"), "token")
    assert sign_in(world.sam, NEW_PASSWORD).status_code == 200


def test_a_new_password_ends_every_other_link(world: World, asked: Ask) -> None:
    first, second = asked(), asked()
    assert post(CONFIRM, token=second, password=NEW_PASSWORD).status_code == 200
    assert refusal(post(CONFIRM, token=first, password=PASSWORD)) == (400, "link_not_valid")


def test_a_weak_password_does_not_use_the_token_up(world: World, asked: Ask) -> None:
    token = asked()
    weak = post(CONFIRM, token=token, password="short")
    assert (refusal(weak), attr_of(weak)) == ((400, "invalid"), "password")
    assert post(CONFIRM, token=token, password=NEW_PASSWORD).status_code == 200


def test_a_token_holds_for_an_hour(world: World, asked: Ask) -> None:
    token = asked(after=RESET_HOLDS_FOR)
    assert refusal(post(CONFIRM, token=token, password=NEW_PASSWORD)) == (400, "link_not_valid")
    token = asked(after=RESET_HOLDS_FOR - timedelta(minutes=1))
    assert post(CONFIRM, token=token, password=NEW_PASSWORD).status_code == 200


def test_user_deactivated_meanwhile_stays_out(world: World, asked: Ask) -> None:
    token = asked()
    User.objects.filter(pk=world.sam.pk).update(is_active=False)
    assert refusal(post(CONFIRM, token=token, password=NEW_PASSWORD)) == (400, "link_not_valid")


@pytest.mark.race
def test_of_many_uses_of_one_token_at_once_one_succeeds(committed_world: World) -> None:
    post(RESET, email=committed_world.sam.email)
    (token,) = re.findall(r"^[\w-]{43}$", Message.objects.get().body, re.MULTILINE)
    jobs = [lambda index=index: post(CONFIRM, token=token, password=f"{NEW_PASSWORD} {index}") for index in range(5)]
    assert sorted(answer.status_code for answer in at_once(jobs)) == [200] + [400] * 4


def test_only_a_hash_of_the_token_is_kept_once_the_mail_is_out(world: World, asked: Ask, settings: Settings) -> None:
    settings.EMAIL_IS_CONFIGURED = True
    token = asked()
    assert PasswordToken.objects.get().token_hash != token
    deliver_due(now=datetime.now(UTC) + timedelta(seconds=1))
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == ([world.sam.email], "Set a new password for Riverside")
    assert token in sent.body
    assert Message.objects.get().body == ""


def test_the_mail_links_to_the_front_end(world: World, settings: Settings) -> None:
    settings.SHARED = settings.SHARED.model_copy(update={"password_url": HttpUrl("https://clinic.example/set")})
    post(RESET, email=world.sam.email)
    (token,) = re.findall(r"^https://clinic.example/set\?token=([\w-]{43})$", Message.objects.get().body, re.MULTILINE)
    assert post(CONFIRM, token=token, password=NEW_PASSWORD).status_code == 200


def test_without_a_front_end_the_mail_links_to_our_own_page(world: World, settings: Settings) -> None:
    settings.SHARED = settings.SHARED.model_copy(update={"public_url": "https://clinic.example"})
    post(RESET, email=world.sam.email)
    assert re.search(r"^https://clinic.example/password\?token=[\w-]{43}$", Message.objects.get().body, re.MULTILINE)


def test_the_answer_does_not_tell_who_has_an_account(world: World) -> None:
    User.objects.filter(pk=world.pete.pk).update(is_active=False)
    known = post(RESET, email="SAM@riverside.example")
    for email in ("nobody@riverside.example", world.pete.email):
        answer = post(RESET, email=email)
        assert (answer.status_code, answer.content) == (known.status_code, known.content) == (202, b"{}")
    assert Message.objects.count() == 1


def test_nobodys_mailbox_is_filled(world: World) -> None:
    for _ in range(MAILS_BY_ACCOUNT.most + 3):
        assert post(RESET, email=world.sam.email).status_code == 202
    assert Message.objects.count() == MAILS_BY_ACCOUNT.most


def test_a_mail_lets_the_owner_in_while_a_stranger_guesses(world: World, asked: Ask) -> None:
    for index in range(FROM_ANYWHERE.most):
        begin(Guess(f"user {world.sam.pk}", f"192.0.2.{index}"), now=datetime.now(UTC))
    assert refusal(sign_in(world.sam)) == (429, "locked")
    post(CONFIRM, token=asked(), password=NEW_PASSWORD)
    assert sign_in(world.sam, NEW_PASSWORD).status_code == 200


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "\0", "ü" * 43, "x" * 101])
def test_a_token_that_is_none_is_refused(world: World, token: str) -> None:
    response = post(CONFIRM, token=token, password=NEW_PASSWORD)
    assert (response.status_code, attr_of(response)) == (400, "token")


def test_old_tokens_are_pruned(world: World, asked: Ask) -> None:
    asked()
    now = datetime.now(UTC)
    assert prune_password_tokens(older_than=now) == 0
    assert prune_password_tokens(older_than=now + timedelta(hours=2)) == 1
    assert fresh(world.sam).is_active
