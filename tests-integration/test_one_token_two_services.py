import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from jwt.utils import base64url_encode

from testkit.live.people import SignedIn
from testkit.live.stack import LiveStack
from tools.token_keys import fresh_token_keys, from_one_line

Claims = dict[str, Any]


def answers(stack: LiveStack, token: str) -> list[tuple[int, str]]:
    """Status and code of both services for a token."""
    headers = {"Authorization": f"Bearer {token}"}
    found = []
    for url in (f"{stack.api_url}/api/v1/users/me", f"{stack.stream_url}/api/v1/auth/test"):
        response = httpx.get(url, headers=headers)
        code = "" if response.is_success else response.json()["errors"][0]["code"]
        found.append((response.status_code, code))
    return found


def signed(stack: LiveStack, claims: Claims, *, key: str | None = None, algorithm: str = "ES256") -> str:
    return jwt.encode(claims, key or from_one_line(stack.environment["JWT_PRIVATE_KEY"]), algorithm=algorithm)


@pytest.fixture
def claims(stack: LiveStack) -> Claims:
    with SignedIn(stack, "staff") as staff:
        return dict(jwt.decode(staff.token, options={"verify_signature": False}))


def test_a_valid_token_opens_both(stack: LiveStack) -> None:
    with SignedIn(stack, "staff") as staff:
        assert answers(stack, staff.token) == [(200, ""), (200, "")]


def test_a_token_made_of_the_same_claims_opens_both(stack: LiveStack, claims: Claims) -> None:
    """So that the refusals below are for what each of them changes, and for nothing else."""
    assert answers(stack, signed(stack, claims)) == [(200, ""), (200, "")]


WRONG: dict[str, Claims] = {
    "expired": {"exp": int((datetime.now(UTC) - timedelta(seconds=1)).timestamp())},
    "for another audience": {"aud": "another-product"},
    "by another issuer": {"iss": "somebody-else"},
    "a refresh token": {"token_type": "refresh"},
    "of no type": {"token_type": None},
    "of an older version": {"ver": 0},
    "of nobody": {"user_id": 999_999_999},
    "without a version": {"ver": None},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_token_opens_neither(stack: LiveStack, claims: Claims, change: Claims) -> None:
    token = signed(stack, {name: value for name, value in (claims | change).items() if value is not None})
    assert answers(stack, token) == [(401, "token_not_valid")] * 2


def test_a_tampered_token_opens_neither(stack: LiveStack, claims: Claims) -> None:
    header, _, signature = signed(stack, claims).split(".")
    _, payload, _ = signed(stack, claims | {"role": "owner"}).split(".")
    assert answers(stack, f"{header}.{payload}.{signature}") == [(401, "token_not_valid")] * 2
    assert answers(stack, "nonsense") == [(401, "token_not_valid")] * 2


def test_a_token_of_another_key_or_without_a_signature_opens_neither(stack: LiveStack, claims: Claims) -> None:
    another = from_one_line(fresh_token_keys()["JWT_PRIVATE_KEY"])
    assert answers(stack, signed(stack, claims, key=another)) == [(401, "token_not_valid")] * 2
    assert answers(stack, signed(stack, claims, key="k" * 40, algorithm="HS256")) == [(401, "token_not_valid")] * 2
    unsigned = jwt.encode(claims, None, algorithm="none")  # type: ignore[arg-type]  # as a forger would
    assert answers(stack, unsigned) == [(401, "token_not_valid")] * 2


def test_the_real_refresh_token_opens_neither(stack: LiveStack) -> None:
    with SignedIn(stack, "staff") as staff:
        assert answers(stack, staff.refresh) == [(401, "token_not_valid")] * 2


def test_without_a_token_both_ask_for_one(stack: LiveStack) -> None:
    for url in (f"{stack.api_url}/api/v1/users/me", f"{stack.stream_url}/api/v1/sse/appointments"):
        response = httpx.get(url)
        assert (response.status_code, response.json()["errors"][0]["code"]) == (401, "not_authenticated")
        assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_signing_out_everywhere_ends_the_token_in_both_and_the_open_stream(stack: LiveStack) -> None:
    with SignedIn(stack, "practitioner", 1) as practitioner, practitioner.watch() as chair:
        chair.next()
        assert practitioner.post("/api/v1/auth/logout-everywhere").status_code == 200
        assert [block.event for block in chair.reader.wait_for_end(3) if block.is_event][-1] == "revoked"
        assert answers(stack, practitioner.token) == [(401, "token_not_valid")] * 2


def test_public_key_as_a_shared_secret_opens_neither(stack: LiveStack, claims: Claims) -> None:
    """The classic confusion of algorithms: everybody may know the public key."""
    public = from_one_line(stack.environment["JWT_PUBLIC_KEY"])
    header, body = ({"alg": "HS256", "typ": "JWT"}, claims)
    text = ".".join(base64url_encode(json.dumps(part).encode()).decode() for part in (header, body))
    signature = base64url_encode(hmac.digest(public.encode(), text.encode(), "sha256")).decode()
    assert answers(stack, f"{text}.{signature}") == [(401, "token_not_valid")] * 2
