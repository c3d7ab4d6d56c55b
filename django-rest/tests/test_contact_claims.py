"""Addresses that nobody has verified: they are claims, which stop nobody else and tell nothing."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from clinic.accounts.contacts import (
    MAILS_BY_ADDRESS,
    MAX_CLAIMS_PER_VALUE,
    UNDO_HOLDS_FOR,
    VERIFICATION_HOLDS_FOR,
    send_requested_verifications,
    undo_contact_change,
    verify_email,
)
from clinic.accounts.link_tokens import LinkNotValid
from clinic.accounts.models import ContactChange, ContactClaim, Role, User
from clinic.accounts.passwords import send_requested_links
from clinic.accounts.phones import Phone
from clinic.outbox.models import Message
from clinic.people.models import Patient
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from testkit.clinic.answers import APPOINTMENTS, attr_of, refusal
from testkit.clinic.concurrency import at_once
from testkit.clinic.times import At
from testkit.clinic.world import NEW_PASSWORD, PASSWORD, World, fresh

SIGN_UP = "/api/v1/auth/patient/signup"
PROVE = "/api/v1/auth/email/prove"
UNDO = "/api/v1/auth/contact/undo"
ME = "/api/v1/users/me"
EMAIL = "nora@x.example"
PHONE = "+491707654321"
STRANGERS_PASSWORD = "a password of somebody else"


def post(path: str, **body: object) -> Any:
    return APIClient().post(path, body)


def sign_up(email: str = EMAIL, password: str = PASSWORD, *, name: str = "Nora", **more: str) -> Any:
    given = {"name": name, "email": email, "phone": PHONE, "password": password, "clinic": "riverside"}
    return post(SIGN_UP, **given | more)


def account(email: str = EMAIL, password: str = PASSWORD, **more: str) -> User:
    answer = sign_up(email, password, **more)
    assert answer.status_code == 201
    return User.objects.get(pk=answer.json()["user"]["id"])


def sign_in(username: str | None, password: str = PASSWORD) -> Any:
    return post("/api/token", username=username, password=password)


def signed_in(username: str | None, password: str = PASSWORD) -> int | None:
    """The id of the account that signs in by this name; None: none does."""
    answer = sign_in(username, password)
    if answer.status_code != 200:
        return None
    me = APIClient().get(ME, headers={"Authorization": f"Bearer {answer.json()['access']}"})
    return int(me.json()["id"])


def mailed(recipient: str, template: str = "email_verification") -> str:
    """The token of the newest such mail."""
    send_requested_verifications(now=datetime.now(UTC))
    body = Message.objects.filter(recipient=recipient, template=template).latest("pk").body
    return "".join(re.findall(r"^[\w-]{43}$", body, re.MULTILINE))


def test_phone_is_optional(world: World) -> None:
    answer = sign_up(phone="")
    assert (answer.status_code, answer.json()["user"]["phone"]) == (201, None)
    assert signed_in(EMAIL) == answer.json()["user"]["id"]
    assert refusal(sign_up("other@x.example", phone="", phone_code="123456")) == (400, "not_a_phone")
    assert refusal(sign_up("third@x.example", phone="", phone_extension="44")) == (400, "invalid")


def tokens_of(user: User) -> str:
    """Of the mail to the account's claim."""
    send_requested_verifications(now=datetime.now(UTC))
    body = Message.objects.filter(user=user, template="email_verification").latest("pk").body
    return "".join(re.findall(r"^[\w-]{43}$", body, re.MULTILINE))


def verified(user: User) -> User:
    assert post(PROVE, token=tokens_of(user)).status_code == 200
    return fresh(user)


def change_email(world: World, user: User, email: str) -> str:
    """To a verified one. Returns the token of the mail to the former address."""
    former = str(user.email)
    assert world.client(user).patch(ME, {"email": email, "password": PASSWORD}).status_code == 200
    verified(user)
    return mailed(former, "email_changed")


# Sign-up


@pytest.mark.parametrize("first", [(EMAIL, "030 1234567"), ("other@x.example", PHONE)], ids=["email", "phone"])
def test_sign_up_with_anothers_address_does_not_stop_its_owner(world: World, first: tuple[str, str]) -> None:
    email, phone = first
    stranger = account(email, STRANGERS_PASSWORD, phone=phone)
    owner = account()
    assert signed_in(EMAIL) == owner.pk
    assert verified(owner).email == EMAIL
    assert fresh(stranger).email is None


def test_sign_up_is_answered_alike_for_known_and_unknown_addresses(world: World) -> None:
    account("claimed@x.example", STRANGERS_PASSWORD)

    def work(email: str) -> tuple[set[str], dict[str, Any], list[str]]:
        with CaptureQueriesContext(connection) as asked:
            answer = sign_up(email)
        assert answer.status_code == 201
        sql = [re.sub(r"'[^']*'|\b\d+\b|sp_\w+|s\d+_x\d+|\(NULL\)", "?", query["sql"]) for query in asked]
        user = {name: value for name, value in answer.json()["user"].items() if name not in ("id", "patient", "email")}
        return set(answer.json()), user, sql

    known, unknown = work(str(world.paula.email)), work("unknown@x.example")
    assert known[:2] == unknown[:2]
    assert len(known[2]) == len(unknown[2])
    assert not Message.objects.exists(), "nothing is looked up or rendered while somebody waits"


@pytest.mark.parametrize("email", [EMAIL, "paula@riverside.example"], ids=["unknown", "anothers"])
def test_account_with_claims_signs_in_at_once(world: World, email: str) -> None:
    own = account(email, NEW_PASSWORD)
    assert signed_in(email, NEW_PASSWORD) == own.pk
    assert signed_in(world.paula.email) == world.paula.pk
    assert signed_in(email, "wrong") is None


def test_two_claims_with_one_password_sign_nobody_in(world: World) -> None:
    account(), account()
    assert signed_in(EMAIL) is None


def test_changed_password_of_a_claiming_account_signs_in(world: World) -> None:
    own = account()
    given = {"old_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert world.client(own).post("/api/v1/auth/password/change", given).status_code == 200
    assert (signed_in(EMAIL, NEW_PASSWORD), signed_in(EMAIL)) == (own.pk, None)


def test_claiming_account_does_not_forgive_wrong_passwords_for_the_owner(world: World) -> None:
    email = str(world.paula.email)
    account(email, STRANGERS_PASSWORD)
    codes = []
    for _ in range(7):
        codes.append(sign_in(email, "wrong").status_code)
        sign_in(email, STRANGERS_PASSWORD)
    assert codes == [401] * 5 + [429] * 2


class CountingHasher(Argon2PasswordHasher):
    time_cost, memory_cost, parallelism = 1, 8, 1
    runs = 0

    def encode(self, password: str, salt: str) -> str:
        type(self).runs += 1
        return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        type(self).runs += 1
        return super().verify(password, encoded)


@pytest.mark.parametrize("others", [0, 1, 4])
def test_wrong_password_costs_the_same_however_many_claim_the_address(
    world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch, others: int
) -> None:
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    for index in range(others):
        account(EMAIL, f"{PASSWORD} {index}")
    # One mark in 256 agrees by chance.
    ContactClaim.objects.update(password_mark=None)
    CountingHasher.runs = 0
    assert signed_in(EMAIL, "wrong") is None
    assert CountingHasher.runs == 1


# Claims stop nobody


def test_claim_of_a_dentists_future_address_does_not_stop_the_invitation(world: World) -> None:
    email = "tara@riverside.example"
    stranger = account(email, STRANGERS_PASSWORD)
    fields = {"name": "Tara", "email": email, "role": "staff"}
    made = world.client(world.olga).post("/api/v1/staff", fields)
    assert made.status_code == 201
    token = mailed(email, "invitation")
    confirm = {"token": token, "password": NEW_PASSWORD}
    assert post("/api/v1/auth/password/reset/confirm", **confirm).status_code == 200
    assert User.objects.get(email=email).pk == made.json()["id"]
    assert not ContactClaim.objects.filter(user=stranger, kind="email").exists()
    assert signed_in(email, STRANGERS_PASSWORD) is None


def test_sixth_claim_ends_the_oldest(world: World) -> None:
    accounts = [account(password=f"{PASSWORD} {index}", name=f"N{chr(97 + index)}ra") for index in range(6)]
    open_ones = ContactClaim.objects.filter(kind="email", value=EMAIL).order_by("pk")
    assert [claim.user_id for claim in open_ones] == [user.pk for user in accounts[1:]]
    assert len(open_ones) == MAX_CLAIMS_PER_VALUE
    assert signed_in(EMAIL, f"{PASSWORD} 0") is None
    assert signed_in(EMAIL, f"{PASSWORD} 5") == accounts[5].pk


def test_claim_that_comes_between_two_statements_of_another_stays(world: World) -> None:
    for index in range(MAX_CLAIMS_PER_VALUE):
        account(password=f"{PASSWORD} {index}", name=f"N{chr(97 + index)}ra")
    meanwhile: list[ContactClaim] = []

    def claim_before_the_oldest_ends(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if sql.startswith("DELETE") and "`value`" in sql and not meanwhile:
            user = User.objects.create(role=Role.PATIENT, name="Nina", clinic=world.clinic)
            claim = ContactClaim(user=user, kind="email", value=EMAIL, created_at=datetime.now(UTC))
            meanwhile.append(claim)
            claim.save()
        return execute(sql, *rest)

    with connection.execute_wrapper(claim_before_the_oldest_ends):
        account(name="Nadja")
    assert ContactClaim.objects.filter(pk=meanwhile[0].pk).exists()


def test_claim_reads_nothing_of_the_owners(world: World, tomorrow_at: At) -> None:
    world.book(tomorrow_at(9))
    own = account(str(world.paula.email), NEW_PASSWORD)
    assert world.client(own).get(APPOINTMENTS).json()["results"] == []
    assert Patient.objects.get(user=world.paula).pk != own.patient.pk


# Rights of an account with claims only


def test_account_with_claims_only_asks_as_a_guest_does(world: World, tomorrow_at: At) -> None:
    world.clinic.auto_confirm = True
    world.clinic.save()
    own = account()
    booking = {"practitioner": world.petra.practitioner.pk, "start": tomorrow_at(9).isoformat()}
    asked = world.client(own).post(APPOINTMENTS, booking)
    assert (asked.status_code, asked.json()["status"]) == (201, "pending")
    move = {"start": tomorrow_at(10).isoformat()}
    path = f"{APPOINTMENTS}/{asked.json()['id']}"
    assert refusal(world.client(own).patch(path, move)) == (403, "contact_not_verified")
    assert refusal(world.client(own).post(f"{ME}/family", {"name": "Mia"})) == (403, "contact_not_verified")
    day = tomorrow_at(9).date().isoformat()
    wish = {"first_date": day, "last_date": day}
    assert refusal(world.client(own).post("/api/v1/waitlist", wish)) == (403, "contact_not_verified")

    verified(own)
    later = {**booking, "start": tomorrow_at(11).isoformat()}
    assert world.client(own).post(APPOINTMENTS, later).json()["status"] == "confirmed"
    assert world.client(own).post(f"{ME}/family", {"name": "Mia"}).status_code == 201


def test_clinic_that_has_guests_verify_their_phone_has_claiming_accounts_verify_something(
    world: World, tomorrow_at: At
) -> None:
    world.clinic.guests_verify_phone = True
    world.clinic.save()
    own = account()
    booking = {"practitioner": world.petra.practitioner.pk, "start": tomorrow_at(9).isoformat()}
    assert refusal(world.client(own).post(APPOINTMENTS, booking)) == (403, "phone_not_proven")
    verified(own)
    assert world.client(own).post(APPOINTMENTS, booking).status_code == 201


# Verifying


def test_verified_email_ends_other_claims_and_every_other_session(world: World) -> None:
    stranger = account(password=STRANGERS_PASSWORD)
    own_session = sign_up().json()
    own = User.objects.get(pk=own_session["user"]["id"])
    answer = post(PROVE, token=tokens_of(own))
    assert answer.status_code == 200
    assert (fresh(own).email, fresh(own).claimed) == (EMAIL, {"phone": PHONE})
    assert fresh(stranger).claimed == {"phone": PHONE}
    assert signed_in(EMAIL, STRANGERS_PASSWORD) is None
    for access, status in ((own_session["access"], 401), (answer.json()["access"], 200)):
        assert APIClient().get(ME, headers={"Authorization": f"Bearer {access}"}).status_code == status


def test_link_works_once_and_not_for_ever(world: World) -> None:
    own = account()
    token, now = tokens_of(own), datetime.now(UTC)
    assert ContactClaim.objects.get(user=own, kind="email").token_hash != token
    with pytest.raises(LinkNotValid):
        verify_email(token=token, now=now + VERIFICATION_HOLDS_FOR + timedelta(minutes=1))
    assert verify_email(token=token, now=now).email == EMAIL
    refused = post(PROVE, token=token)
    assert (refusal(refused), attr_of(refused)) == ((400, "link_not_valid"), "token")


def test_password_reset_verifies_the_address_and_ends_other_claims(world: World) -> None:
    stranger = account(password=STRANGERS_PASSWORD)
    own = account()
    post("/api/v1/auth/password/reset", email=EMAIL)
    send_requested_links(now=datetime.now(UTC))
    confirm = {"token": mailed(EMAIL, "password_reset"), "password": NEW_PASSWORD}
    assert post("/api/v1/auth/password/reset/confirm", **confirm).status_code == 200
    assert fresh(own).email == EMAIL
    assert "email" not in fresh(stranger).claimed
    assert signed_in(EMAIL, NEW_PASSWORD) == own.pk


def test_verified_phone_ends_no_other_claim(world: World) -> None:
    other, own = account(), account("own@x.example")
    asked = post("/api/v1/public/phone-codes", phone=PHONE, clinic="riverside")
    assert asked.status_code == 202
    code = "".join(re.findall(r"\b\d{6}\b", Message.objects.filter(recipient=PHONE).latest("pk").body))
    client = world.client(own)
    assert client.patch(ME, {"phone": PHONE, "phone_code": code}).json()["phone_verified"] is True
    assert client.get(ME).status_code == 200
    assert fresh(other).claimed["phone"] == PHONE


def test_mails_to_one_address_are_limited(world: World) -> None:
    for index in range(MAILS_BY_ADDRESS.most + 2):
        account(password=f"{PASSWORD} {index}")
    send_requested_verifications(now=datetime.now(UTC))
    assert Message.objects.filter(recipient=EMAIL).count() == MAILS_BY_ADDRESS.most


def test_mail_is_sent_again_three_times_an_hour(world: World) -> None:
    client = world.client(account())
    answers = [client.post("/api/v1/auth/email/resend").status_code for _ in range(4)]
    assert answers == [202, 202, 202, 429]


@pytest.mark.race
def test_two_accounts_that_verify_one_address_at_once_exactly_one_wins(committed_world: World) -> None:
    accounts = [account(password=f"{PASSWORD} {index}") for index in range(3)]
    tokens = [tokens_of(user) for user in accounts]
    answers = at_once([lambda token=token: post(PROVE, token=token) for token in tokens])  # type: ignore[misc]
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400]
    [owner] = User.objects.filter(email=EMAIL)
    assert owner.pk == accounts[[answer.status_code for answer in answers].index(200)].pk
    assert not ContactClaim.objects.filter(kind="email", value=EMAIL).exists()


# Changing


@pytest.mark.parametrize("change", [{"email": "new@x.example"}, {"phone": "0170 5550000"}])
def test_another_address_takes_the_password(world: World, change: dict[str, str]) -> None:
    client = world.client(world.paula)
    for more, code in (({}, "invalid"), ({"password": "wrong"}, "wrong_password")):
        refused = client.patch(ME, {**change, **more})
        assert (refusal(refused), attr_of(refused)) == ((400, code), "password")
    [name] = change
    assert client.patch(ME, {**change, "password": PASSWORD}).status_code == 200
    assert name in fresh(world.paula).claimed
    assert client.patch(ME, {**change, "name": "Paula"}).status_code == 200, "a claim is named again"


def test_changed_email_takes_effect_when_verified_and_the_former_address_takes_it_back(world: World) -> None:
    paula, former = world.paula, world.paula.email
    token = change_email(world, paula, "thief@x.example")
    assert (fresh(paula).email, Patient.objects.get(user=paula).email) == ("thief@x.example", "thief@x.example")
    session = sign_in("thief@x.example").json()["access"]
    again = change_email(world, fresh(paula), "thief2@x.example")

    assert post(UNDO, token=token).status_code == 200
    assert (fresh(paula).email, Patient.objects.get(user=paula).email) == (former, former)
    assert APIClient().get(ME, headers={"Authorization": f"Bearer {session}"}).status_code == 401
    for used in (token, again):
        assert refusal(post(UNDO, token=used)) == (400, "link_not_valid")
    assert not ContactChange.objects.filter(token_hash=token).exists(), "the token is hashed"


def test_change_is_taken_back_within_a_week(world: World) -> None:
    token = change_email(world, world.paula, "new@x.example")
    with pytest.raises(LinkNotValid):
        undo_contact_change(token=token, now=datetime.now(UTC) + UNDO_HOLDS_FOR + timedelta(minutes=1))
    assert undo_contact_change(token=token, now=datetime.now(UTC) + UNDO_HOLDS_FOR - timedelta(minutes=1))


def test_removed_phone_is_taken_back_by_mail(world: World) -> None:
    User.objects.filter(pk=world.paula.pk).update(phone=PHONE, phone_verified_at=datetime.now(UTC))
    client = world.client(world.paula)
    assert client.patch(ME, {"phone": None, "password": PASSWORD}).json()["phone"] is None
    assert post(UNDO, token=mailed(str(world.paula.email), "phone_changed")).status_code == 200
    assert fresh(world.paula).verified_phone == PHONE


# Messages and pages


def test_nothing_but_the_verification_is_mailed_to_a_claim(world: World) -> None:
    own = account()
    world.client(own).post("/api/v1/auth/password/change", {"old_password": PASSWORD, "new_password": NEW_PASSWORD})
    send_requested_verifications(now=datetime.now(UTC))
    assert set(Message.objects.filter(user=own).values_list("template", flat=True)) == {"email_verification"}


@pytest.mark.parametrize("path", ["/email/verify", "/contact/undo"])
def test_page_of_a_link_acts_on_the_button_alone_and_is_stored_nowhere(world: World, path: str) -> None:
    paula, former = world.paula, world.paula.email
    undo = change_email(world, paula, "new@x.example")
    own = account()
    token = tokens_of(own) if path == "/email/verify" else undo
    page = Client().get(path, {"token": token})
    assert "no-store" in page.headers["Cache-Control"]
    assert (fresh(own).email, fresh(paula).email) == (None, "new@x.example")
    assert b"link has been used" in Client().post(path, {"token": "no such token"}).content
    done = Client().post(path, {"token": token})
    assert done.status_code == 200
    assert "no-store" in done.headers["Cache-Control"]
    assert (fresh(own).email == EMAIL) is (path == "/email/verify")
    assert (fresh(paula).email == former) is (path == "/contact/undo")


def test_practitioners_account_is_a_claim_until_verified(world: World) -> None:
    fields = {"name": "Dr Tara", "account": {"email": EMAIL, "password": NEW_PASSWORD}}
    stranger = account(password=STRANGERS_PASSWORD)
    assert world.client(world.olga).post("/api/v1/practitioners", fields).status_code == 201
    tara = User.objects.get(name="Dr Tara", role=Role.PRACTITIONER)
    assert signed_in(EMAIL, NEW_PASSWORD) == tara.pk
    assert verified(tara).email == EMAIL
    assert "email" not in fresh(stranger).claimed


# From before


def test_migration_keeps_emails_and_makes_unverified_phones_claims(world: World) -> None:
    at = datetime.now(UTC)
    office = {"phone": "+49301234567", "phone_extension": "12"}
    User.objects.filter(pk=world.paula.pk).update(phone=PHONE, phone_verified_at=at)
    User.objects.filter(pk=world.pete.pk).update(phone=PHONE)
    User.objects.filter(pk=world.sam.pk).update(**office, phone_verified_at=at)
    migration = import_module("clinic.accounts.migrations.0008_contact_claims")
    with connection.cursor() as cursor:
        cursor.execute(migration.CLAIM_PHONES)
        cursor.execute(migration.FORGET_PHONES)
    assert fresh(world.paula).verified_phone == PHONE
    assert (fresh(world.pete).phone, fresh(world.pete).claimed) == (None, {"phone": PHONE})
    assert (fresh(world.sam).phone, fresh(world.sam).shown_phone) == (None, Phone("+49301234567", "12"))
    assert fresh(world.pete).email == world.pete.email
    assert ContactClaim.objects.count() == 2
