import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from clinic.accounts.contacts import MAX_CLAIMS_PER_VALUE
from clinic.accounts.models import RefreshFamily, Role, User
from clinic.accounts.services import issue_tokens
from clinic.people.models import Patient
from clinic.scheduling.models import Practitioner
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.contrib.auth.hashers import make_password
from rest_framework.test import APIClient
from shared_config import STREAM_AUDIENCE

from testkit.clinic.answers import attr_of, refusal
from testkit.clinic.concurrency import at_once
from testkit.clinic.world import NEW_PASSWORD, PASSWORD, World, fresh
from tools.token_keys import fresh_token_keys, from_one_line, on_one_line

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = ROOT / "shared-config" / "contract" / "access_token.json"
ME = "/api/v1/users/me"


def post(path: str, **body: object) -> Any:
    return APIClient().post(path, body)


def with_token(token: str, path: str = ME) -> Any:
    return APIClient().get(path, headers={"Authorization": f"Bearer {token}"})


def sign_in(user: User) -> dict[str, str]:
    pair: dict[str, str] = post("/api/token/", username=user.email, password=PASSWORD).json()
    return pair


@pytest.mark.parametrize("path", ["/api/token/", "/api/token", "/api/v1/token", "/api/v1/token/"])
def test_a_name_and_a_password_give_two_tokens(world: World, path: str) -> None:
    response = post(path, username="sam@riverside.example", password=PASSWORD)
    assert response.status_code == 200
    assert set(response.json()) == {"access", "refresh"}
    assert with_token(response.json()["access"]).json()["email"] == "sam@riverside.example"


@pytest.mark.parametrize("username", ["SAM@Riverside.example", "  sam@riverside.example "])
def test_an_address_is_one_in_any_case(world: World, username: str) -> None:
    assert post("/api/token", username=username, password=PASSWORD).status_code == 200


def verify_phone(user: User, phone: str) -> None:
    User.objects.filter(pk=user.pk).update(phone=phone, phone_verified_at=datetime.now(UTC))


@pytest.mark.parametrize("field", ["username", "phone"])
@pytest.mark.parametrize("written", ["+491701234567", "+49 170 1234567", "+49 (170) 123-4567"])
def test_a_phone_is_a_name_too(world: World, written: str, field: str) -> None:
    verify_phone(world.paula, "+491701234567")
    response = post("/api/token", **{field: written}, password=PASSWORD)
    assert with_token(response.json()["access"]).json()["id"] == world.paula.pk


@pytest.mark.parametrize("written", ["0170 1234567", "(0170) 123-4567", "0049 170 1234567"])
def test_a_phone_without_its_country_code_is_as_dialled_at_the_clinic(world: World, written: str) -> None:
    verify_phone(world.paula, "+491701234567")
    response = post("/api/token", username=written, password=PASSWORD)
    assert with_token(response.json()["access"]).json()["id"] == world.paula.pk


def test_the_same_digits_of_two_countries_need_the_country_code(world: World) -> None:
    verify_phone(world.paula, "+492071234567")
    assert post("/api/token", username="020 7123 4567", password=PASSWORD).status_code == 200
    verify_phone(world.otto, "+442071234567")
    assert post("/api/token", username="020 7123 4567", password=PASSWORD).status_code == 401
    assert post("/api/token", username="+44 20 7123 4567", password=PASSWORD).status_code == 200


def test_an_email_may_be_called_email(world: World) -> None:
    assert post("/api/token", email=world.sam.email, password=PASSWORD).status_code == 200


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("sam@riverside.example", "wrong"),
        ("sam@riverside.example", f" {PASSWORD}"),
        ("nobody@riverside.example", PASSWORD),
        ("+491700000000", PASSWORD),
        ("sam", PASSWORD),
        ("x" * 10_000, PASSWORD),
    ],
)
def test_a_wrong_name_and_a_wrong_password_are_answered_alike(world: World, username: str, password: str) -> None:
    response = post("/api/token", username=username, password=password)
    assert refusal(response) == (401, "no_active_account")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("missing", ["username", "password"])
def test_name_and_password_are_both_needed(world: World, missing: str) -> None:
    given = {"username": world.sam.email, "password": PASSWORD}
    del given[missing]
    response = post("/api/token", **given)
    assert (refusal(response), attr_of(response)) == ((400, "required"), missing)


def test_inactive_user_does_not_sign_in(world: World) -> None:
    User.objects.filter(pk=world.sam.pk).update(is_active=False)
    assert refusal(post("/api/token", username=world.sam.email, password=PASSWORD)) == (401, "no_active_account")


@pytest.mark.parametrize(("page", "own_kind"), [("patient", {"paula"}), ("doctor", {"olga", "sam", "petra"})])
def test_each_sign_in_page_takes_its_own_kind_of_account(world: World, page: str, own_kind: set[str]) -> None:
    for name in ("olga", "sam", "petra", "paula"):
        user: User = getattr(world, name)
        response = post(f"/api/v1/auth/{page}/login", username=user.email, password=PASSWORD)
        if name in own_kind:
            assert response.status_code == 200
        else:
            assert refusal(response) == (403, "wrong_account_kind")


def test_a_wrong_password_does_not_tell_the_kind_of_account(world: World) -> None:
    response = post("/api/v1/auth/patient/login", username=world.sam.email, password="wrong")
    assert refusal(response) == (401, "no_active_account")


# Refresh tokens


@pytest.mark.parametrize("path", ["/api/token/refresh/", "/api/v1/auth/refresh"])
def test_a_refresh_token_rotates(world: World, path: str) -> None:
    first = sign_in(world.sam)
    second = post(path, refresh=first["refresh"])
    assert second.status_code == 200
    assert second.json()["refresh"] != first["refresh"]
    assert with_token(second.json()["access"]).status_code == 200
    assert post(path, refresh=second.json()["refresh"]).status_code == 200


def test_a_refreshed_token_has_todays_claims(world: World) -> None:
    first = sign_in(world.sam)
    User.objects.filter(pk=world.sam.pk).update(role=Role.OWNER)
    second = post("/api/token/refresh", refresh=first["refresh"]).json()
    assert claims_of(second["access"])["role"] == "owner"


@pytest.mark.race
def test_many_uses_of_one_refresh_token_at_once_each_get_a_pair_of_one_family(committed_world: World) -> None:
    """As several tabs do."""
    refresh = issue_tokens(user=fresh(committed_world.sam)).refresh
    answers = at_once([lambda: post("/api/token/refresh", refresh=refresh)] * 8)
    assert [answer.status_code for answer in answers] == [200] * 8
    assert len({answer.json()["refresh"] for answer in answers}) == 8
    assert RefreshFamily.objects.count() == 1


@pytest.mark.parametrize("path", ["/api/token/blacklist/", "/api/v1/auth/logout"])
def test_signing_out_ends_the_refresh_token(world: World, path: str) -> None:
    refresh = sign_in(world.sam)["refresh"]
    assert post(path, refresh=refresh).status_code == 200
    assert refusal(post("/api/token/refresh", refresh=refresh)) == (401, "token_not_valid")
    assert refusal(post(path, refresh=refresh)) == (401, "token_not_valid")


def test_a_living_token_of_either_kind_is_verified(world: World) -> None:
    pair = sign_in(world.sam)
    assert post("/api/token/verify", token=pair["access"]).status_code == 200
    assert post("/api/token/verify/", token=pair["refresh"]).status_code == 200
    post("/api/token/blacklist", refresh=pair["refresh"])
    assert refusal(post("/api/token/verify", token=pair["refresh"])) == (401, "token_not_valid")
    assert refusal(post("/api/token/verify", token="nonsense")) == (401, "token_not_valid")


@pytest.mark.parametrize("path", ["token/refresh", "token/blacklist", "auth/refresh", "auth/logout"])
@pytest.mark.parametrize("refresh", ["", "nonsense", "a.b.c", "\u00e9"])
def test_other_token_is_no_refresh_token(world: World, path: str, refresh: str) -> None:
    response = post(f"/api/v1/{path}", refresh=refresh)
    assert response.status_code == (401 if refresh else 400)


def test_an_access_token_does_not_refresh(world: World) -> None:
    access = sign_in(world.sam)["access"]
    assert refusal(post("/api/token/refresh", refresh=access)) == (401, "token_not_valid")


# The end of a session


def test_signing_out_everywhere_ends_every_token(world: World) -> None:
    phone, desk = sign_in(world.sam), sign_in(world.sam)
    other = sign_in(world.petra)
    client = APIClient(headers={"Authorization": f"Bearer {desk['access']}"})
    assert client.post("/api/v1/auth/logout-everywhere").status_code == 200
    for pair in (phone, desk):
        assert refusal(with_token(pair["access"])) == (401, "token_not_valid")
        assert refusal(post("/api/token/refresh", refresh=pair["refresh"])) == (401, "token_not_valid")
        assert refusal(post("/api/token/verify", token=pair["access"])) == (401, "token_not_valid")
    assert with_token(other["access"]).status_code == 200
    assert with_token(sign_in(world.sam)["access"]).status_code == 200


def test_deactivated_user_is_out_at_once(world: World) -> None:
    pair = sign_in(world.sam)
    assert with_token(pair["access"]).status_code == 200
    User.objects.filter(pk=world.sam.pk).update(is_active=False)
    assert refusal(with_token(pair["access"])) == (401, "token_not_valid")
    assert refusal(post("/api/token/refresh", refresh=pair["refresh"])) == (401, "token_not_valid")


# Tokens that are none

Forge = Callable[..., str]


@pytest.fixture
def forge(world: World) -> Forge:
    """A token as ours, but for what is changed."""
    claims = claims_of(issue_tokens(user=fresh(world.sam)).access)

    def make(*, key: str = "", algorithm: str = "", without: str = "", **changes: object) -> str:
        changed = {name: value for name, value in {**claims, **changes}.items() if name != without}
        shared = settings.SHARED
        return jwt.encode(changed, key or shared.jwt_signing_key, algorithm or shared.jwt_algorithm)

    return make


def test_a_token_that_was_good_is_refused_once_it_has_expired(forge: Forge) -> None:
    ends = int(time.time()) + 4
    token = forge(exp=ends)
    assert with_token(token).status_code == 200
    time.sleep(max(0.0, ends - time.time()))
    assert refusal(with_token(token)) == (401, "token_not_valid")


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def test_the_forged_token_is_good_when_nothing_is_changed(forge: Forge) -> None:
    assert with_token(forge()).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"token_type": "refresh"},
        {"without": "token_type"},
        {"aud": "somebody-else"},
        {"aud": "chairside-stream"},
        {"without": "aud"},
        {"iss": "somebody-else"},
        {"without": "iss"},
        {"exp": 1_700_000_000},
        {"without": "exp"},
        {"without": "user_id"},
        {"user_id": "1"},
        {"user_id": 10**9},
        {"user_id": 10**30},
        {"without": "ver"},
        {"ver": 2},
        {"ver": "1"},
        {"without": "jti"},
        {"key": "another key, just as long as ours is, but not ours", "algorithm": "HS256"},
        {"key": "another key, just as long as ours is, but not ours, for the longer hash", "algorithm": "HS512"},
    ],
    ids=str,
)
def test_a_token_that_is_not_ours_is_refused(forge: Forge, changes: dict[str, Any]) -> None:
    response = with_token(forge(**changes))
    assert refusal(response) == (401, "token_not_valid")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert attr_of(response) is None


def test_a_token_of_another_key_pair_is_refused(forge: Forge) -> None:
    another = from_one_line(fresh_token_keys()["JWT_PRIVATE_KEY"])
    assert refusal(with_token(forge(key=another, algorithm="ES256"))) == (401, "token_not_valid")


def test_a_token_without_a_signature_is_refused(forge: Forge) -> None:
    unsigned = jwt.encode(claims_of(forge()), None, "none")  # type: ignore[arg-type]  # as a forger would
    assert refusal(with_token(unsigned)) == (401, "token_not_valid")


def test_a_token_that_was_tampered_with_is_refused(forge: Forge) -> None:
    head, _, signature = forge().split(".")
    _, body, _ = forge(role="owner").split(".")
    assert refusal(with_token(f"{head}.{body}.{signature}")) == (401, "token_not_valid")


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer nonsense", "bearer a.b.c", "Bearer a b", "Bearer \u00e9"]
)
def test_a_malformed_header_is_refused(world: World, header: str) -> None:
    assert refusal(APIClient().get(ME, headers={"Authorization": header})) == (401, "token_not_valid")


@pytest.mark.parametrize("header", ["", "Basic c2FtOng=", "Token abc"])
def test_no_token_at_all_is_not_authenticated(world: World, header: str) -> None:
    response = APIClient().get(ME, headers={"Authorization": header})
    assert refusal(response) == (401, "not_authenticated")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_refresh_token_is_no_access_token(world: World) -> None:
    assert refusal(with_token(sign_in(world.sam)["refresh"])) == (401, "token_not_valid")


def test_a_bad_token_is_refused_even_where_none_is_needed(world: World) -> None:
    assert refusal(with_token("nonsense", "/api/v1/clinic?clinic=riverside")) == (401, "token_not_valid")


def test_a_bad_token_does_not_keep_anybody_from_signing_in(world: World) -> None:
    client = APIClient(headers={"Authorization": "Bearer nonsense"})
    assert client.post("/api/token", {"username": world.sam.email, "password": PASSWORD}).status_code == 200


# Claims


@pytest.mark.parametrize(
    ("name", "kind"),
    [("olga", "owner"), ("sam", "staff"), ("petra", "practitioner"), ("paula", "patient"), ("ada", "admin")],
)
def test_the_claims_are_the_contracts(world: World, name: str, kind: str) -> None:
    example = json.loads(CONTRACT.read_text())[kind]
    user: User = User.objects.create_superuser("ada@example.org", PASSWORD) if name == "ada" else getattr(world, name)
    claims = claims_of(issue_tokens(user=fresh(user)).access)
    assert set(claims) == set(example)
    assert {name: type(value) for name, value in claims.items()} == {
        name: type(value) for name, value in example.items()
    }
    assert {name: claims[name] for name in ("iss", "aud", "token_type", "role")} == {
        name: example[name] for name in ("iss", "aud", "token_type", "role")
    }
    assert (claims["user_id"], claims["clinic_id"], claims["ver"]) == (user.pk, user.clinic_id, user.token_version)


def test_the_claims_name_the_practitioner_or_the_patient(world: World) -> None:
    assert claims_of(sign_in(world.petra)["access"])["practitioner_id"] == world.petra.practitioner.pk
    assert claims_of(sign_in(world.paula)["access"])["patient_id"] == world.paula.patient.pk


def test_a_token_lives_as_long_as_the_settings_say(world: World) -> None:
    pair = sign_in(world.sam)
    access, refresh = claims_of(pair["access"]), claims_of(pair["refresh"])
    # Of the pair, the access token is written a moment later, and its life counted from the refresh token's.
    assert settings.SHARED.jwt_access_token_lifetime * 60 - (access["exp"] - access["iat"]) in (0, 1, 2)
    assert refresh["exp"] - refresh["iat"] == settings.SHARED.jwt_refresh_token_lifetime * 24 * 3600


SIGN_AND_READ = """
import django
django.setup()
import jwt
from django.conf import settings
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken
from clinic.accounts.tokens import read_access_token
token = AccessToken()
token["user_id"], token["ver"] = 7, 1
assert read_access_token(str(token))["user_id"] == 7
shared = settings.SHARED
if shared.jwt_algorithm == "HS256":
    claims = jwt.decode(str(token), options={"verify_signature": False})
    try:
        read_access_token(jwt.encode(claims, shared.jwt_signing_key, "HS512"))
    except TokenError:
        pass
    else:
        raise AssertionError("HS512 was accepted")
print(token)
"""


def rsa_keys() -> dict[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return {"JWT_PRIVATE_KEY": on_one_line(private), "JWT_PUBLIC_KEY": on_one_line(public)}


KEYS: dict[str, Callable[[], dict[str, str]]] = {
    "HS256": lambda: {"JWT_SECRET_KEY": "kR7-tokens-of-everybody-Qx2-" + "0123456789" * 4},
    "ES256": fresh_token_keys,
    "RS256": rsa_keys,
}


@pytest.mark.parametrize("algorithm", KEYS)
def test_tokens_are_signed_by_the_algorithm_of_the_settings(algorithm: str) -> None:
    keys = KEYS[algorithm]()
    run = subprocess.run(
        [sys.executable, "-c", SIGN_AND_READ],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "JWT_ALGORITHM": algorithm,
            **keys,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    token = run.stdout.strip()
    assert jwt.get_unverified_header(token)["alg"] == algorithm
    key = from_one_line(keys.get("JWT_PUBLIC_KEY") or keys["JWT_SECRET_KEY"])
    assert jwt.decode(token, key, [algorithm], audience="chairside")["user_id"] == 7


# Tickets for the stream


def ticket_of(world: World, name: str) -> dict[str, Any]:
    user: User = getattr(world, name)
    answer = world.client(user).post("/api/v1/auth/stream-ticket").json()
    assert answer["expires_in"] == 60
    key, algorithm = settings.SHARED.jwt_verifying_key, settings.SHARED.jwt_algorithm
    claims: dict[str, Any] = jwt.decode(answer["ticket"], key, [algorithm], audience=STREAM_AUDIENCE)
    return claims | {"ticket": answer["ticket"]}


@pytest.mark.parametrize("name", ["olga", "sam", "petra", "paula"])
def test_a_ticket_is_as_the_contract_says(world: World, name: str) -> None:
    user: User = getattr(world, name)
    claims = ticket_of(world, name)
    example = json.loads((CONTRACT.parent / "stream_ticket.json").read_text())[user.role]
    assert {claim: type(value) for claim, value in claims.items() if claim != "ticket"} == {
        claim: type(value) for claim, value in example.items()
    }
    assert {claim: claims[claim] for claim in ("iss", "aud", "token_type", "role")} == {
        claim: example[claim] for claim in ("iss", "aud", "token_type", "role")
    }
    assert (claims["user_id"], claims["ver"]) == (user.pk, user.token_version)


def test_a_ticket_is_good_for_a_minute_and_its_stream_for_as_long_as_the_token(world: World) -> None:
    pair = sign_in(world.sam)
    client = APIClient(headers={"Authorization": f"Bearer {pair['access']}"})
    claims = claims_of(client.post("/api/v1/auth/stream-ticket").json()["ticket"])
    assert claims["exp"] - claims["iat"] == 60
    assert claims["session_exp"] == claims_of(pair["access"])["exp"]


def test_a_ticket_opens_nothing_here(world: World) -> None:
    ticket = ticket_of(world, "sam")["ticket"]
    assert refusal(with_token(ticket)) == (401, "token_not_valid")
    assert refusal(post("/api/token/refresh", refresh=ticket)) == (401, "token_not_valid")
    assert refusal(post("/api/token/verify", token=ticket)) == (401, "token_not_valid")


# Signing up


def sign_up(**changes: object) -> Any:
    given = {
        "name": "Nora",
        "email": "nora@example.org",
        "phone": "030 1234567",
        "password": PASSWORD,
        "clinic": "riverside",
    }
    return post("/api/v1/auth/patient/signup", **given | changes)


def test_a_new_patient_signs_up_and_is_signed_in(world: World) -> None:
    response = sign_up(email="Nora@Example.org")
    assert response.status_code == 201
    body = response.json()
    assert set(body) == {"user", "access", "refresh"}
    user = User.objects.get(pk=body["user"]["id"])
    assert body["user"] == {
        "id": user.pk,
        "email": "nora@example.org",
        "email_proven": False,
        "pending_email": None,
        "phone": "+49301234567",
        "phone_extension": "",
        "phone_verified": False,
        "pending_phone": None,
        "name": "Nora",
        "photo": None,
        "role": "patient",
        "clinic": world.clinic.pk,
        "practitioner": None,
        "patient": user.patient.pk,
        "version": 1,
    }
    wishes = {"language": "", "wants_sms": True, "wants_email": True, "wants_reminders": True}
    assert with_token(body["access"]).json() == {**body["user"], "preferences": wishes}
    assert claims_of(body["access"])["patient_id"] == user.patient.pk
    patient = Patient.objects.get(user=user)
    assert (patient.clinic, patient.name, patient.phone) == (world.clinic, "Nora", "+49301234567")
    assert post("/api/v1/auth/patient/login", email="nora@example.org", password=PASSWORD).status_code == 200
    # Typed by anybody: it signs nobody in before a code sent to it was given back.
    assert post("/api/v1/auth/patient/login", phone="+49 30 1234567", password=PASSWORD).status_code == 401


@pytest.mark.parametrize(
    ("changes", "attr"),
    [
        ({"email": "no address"}, "email"),
        ({"email": f"{'n' * 60}@{'.'.join(['x' * 60] * 4)}.org"}, "email"),
        ({"phone": "call me"}, "phone"),
        ({"password": "12345678"}, "password"),
        ({"password": "nora@example.org"}, "password"),
        ({"password": "short"}, "password"),
        ({"password": "password"}, "password"),
        ({"password": "x" * 257}, "password"),
        ({"name": ""}, "name"),
        ({"name": "x" * 121}, "name"),
    ],
    ids=str,
)
def test_a_sign_up_is_refused_by_name_and_leaves_nothing(world: World, changes: dict[str, str], attr: str) -> None:
    before = User.objects.count(), Patient.objects.count()
    response = sign_up(**changes)
    assert (response.status_code, attr_of(response)) == (400, attr), response.json()
    assert (User.objects.count(), Patient.objects.count()) == before


def test_a_sign_up_names_its_clinic_where_there_are_several(world: World) -> None:
    response = sign_up(clinic=None)
    assert (response.status_code, attr_of(response)) == (400, "clinic")
    given = {"name": "Nora", "email": "nora@example.org", "phone": "030 1234567", "password": PASSWORD}
    unnamed = post("/api/v1/auth/patient/signup", **given)
    assert (unnamed.status_code, attr_of(unnamed)) == (400, "clinic")
    assert refusal(sign_up(clinic="nowhere")) == (404, "not_found")


def test_a_sign_up_cannot_make_itself_an_owner(world: World) -> None:
    for privilege in ({"role": "owner"}, {"is_staff": True}, {"is_superuser": True}):
        assert refusal(sign_up(**privilege)) == (400, "unknown_field")
    assert sign_up().json()["user"]["role"] == "patient"


@pytest.mark.race
@pytest.mark.parametrize("same", ["email", "phone"])
def test_many_sign_ups_at_once_may_claim_one_address(committed_world: World, same: str) -> None:
    def apply(index: int) -> Callable[[], Any]:
        own = {"email": f"nora{index}@example.org", "phone": f"+49 30 12345{index}0"}
        del own[same]
        return lambda: sign_up(**own)

    # With one more, the oldest claim ends, perhaps before its own answer shows it.
    answers = at_once([apply(index) for index in range(MAX_CLAIMS_PER_VALUE)])
    assert [answer.status_code for answer in answers] == [201] * MAX_CLAIMS_PER_VALUE
    assert all(answer.json()["user"][same] == answers[0].json()["user"][same] for answer in answers)


def test_passwords_are_hashed_with_argon2(production_hashing: None, world: World) -> None:
    sign_up()
    assert User.objects.get(name="Nora").password.startswith("argon2$argon2id$")


def test_argon2_password_signs_in(production_hashing: None, world: World) -> None:
    assert world.sam.password.startswith("argon2$argon2id$")
    assert post("/api/token", username=world.sam.email, password=PASSWORD).status_code == 200
    assert post("/api/token", username=world.sam.email, password=NEW_PASSWORD).status_code == 401


def test_pbkdf2_password_signs_in_and_is_hashed_anew_with_argon2(production_hashing: None, world: World) -> None:
    User.objects.filter(pk=world.sam.pk).update(password=make_password(PASSWORD, hasher="pbkdf2_sha256"))
    assert post("/api/token", username=world.sam.email, password=PASSWORD).status_code == 200
    assert fresh(world.sam).password.startswith("argon2$argon2id$")


# The own profile


@pytest.mark.parametrize("path", [ME, "/api/v1/profiles/me", "/api/users/me/"])
def test_the_own_profile(world: World, path: str) -> None:
    shown = world.client(world.petra).get(path).json()
    assert shown == {
        "id": world.petra.pk,
        "email": "petra@riverside.example",
        "email_proven": True,
        "pending_email": None,
        "phone": None,
        "phone_extension": "",
        "phone_verified": False,
        "pending_phone": None,
        "name": "Petra",
        "photo": None,
        "role": "practitioner",
        "clinic": world.clinic.pk,
        "practitioner": Practitioner.objects.get(user=world.petra).pk,
        "patient": None,
        "preferences": None,
        "version": 1,
    }


@pytest.mark.parametrize("path", [ME, "/api/v1/profiles/me"])
def test_the_patient_record_follows_the_profile(world: World, path: str) -> None:
    client = world.client(world.paula)
    response = client.patch(path, {"name": "Paula Neumann", "phone": "0170 7654321", "password": PASSWORD})
    assert (response.status_code, response.json()["phone"]) == (200, "+491707654321")
    assert response.json()["patient"] == world.paula.patient.pk
    patient = Patient.objects.get(user=world.paula)
    assert (patient.name, patient.phone, patient.email) == ("Paula Neumann", "+491707654321", world.paula.email)
    changed = client.patch(path, {"email": "Paula@New.example", "password": PASSWORD}).json()
    assert (changed["email"], changed["pending_email"]) == (world.paula.email, "paula@new.example")
    assert Patient.objects.get(user=world.paula).email == fresh(world.paula).email == world.paula.email
    assert client.patch(path, {"phone": None}).json()["phone"] is None
    assert Patient.objects.get(user=world.paula).phone == ""


def test_put_wants_the_whole_profile(world: World) -> None:
    client = world.client(world.paula)
    whole = {"name": "Paula Neumann", "email": "paula@new.example", "phone": "+49 170 7654321", "password": PASSWORD}
    assert client.put(ME, whole).json()["name"] == "Paula Neumann"
    del whole["email"]
    refused = client.put(ME, whole)
    assert (refusal(refused), attr_of(refused)) == ((400, "required"), "email")


def test_a_profile_claims_the_address_of_another_account_and_gets_nothing(world: World) -> None:
    given = {"email": world.pete.email, "password": PASSWORD}
    answers = [
        world.client(world.paula).patch(ME, given | {"email": email}) for email in ("new@x.example", world.pete.email)
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert (fresh(world.paula).email, fresh(world.pete).email) == (world.paula.email, world.pete.email)


def test_a_profile_has_no_say_in_role_and_clinic(world: World) -> None:
    changes = {"role": "owner", "clinic": world.hillside.pk, "is_staff": True, "id": 1, "token_version": 9}
    for name, value in changes.items():
        assert world.client(world.paula).patch(ME, {name: value}).status_code == 400
    user = fresh(world.paula)
    assert (user.role, user.clinic, user.is_staff, user.token_version) == ("patient", world.clinic, False, 1)


def test_a_token_issued_before_the_last_second_still_counts(world: World) -> None:
    # Nothing but its version and its expiry ends an access token.
    claims = claims_of(sign_in(world.sam)["access"])
    assert claims["exp"] > (datetime.now(UTC) + timedelta(seconds=30)).timestamp()
