import hmac
import json
import secrets
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from clinic_stream.audiences import RecordScope
from clinic_stream.auth import read_bearer, read_ticket, read_token
from clinic_stream.errors import Problem
from clinic_stream.viewers import DeviceViewer, Session, Sessions, Subject, Viewer, VisitViewer
from clinic_stream.visit_topic import hash_of
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jwt.utils import base64url_encode
from shared_config import StreamSettings

from testkit.stream.service import sign

KEY = secrets.token_hex(32)
HS256 = {"jwt_algorithm": "HS256", "jwt_secret_key": KEY}
CONTRACT = Path(__file__).parents[3] / "shared-config" / "contract"
CLAIMS = json.loads((CONTRACT / "access_token.json").read_text())
TICKETS = json.loads((CONTRACT / "stream_ticket.json").read_text())
APPOINTMENT = json.loads((CONTRACT / "appointment.json").read_text())
PATIENT = CLAIMS["patient"]


def settings(**changed: Any) -> StreamSettings:
    return StreamSettings(_env_file=None, sse_db_password=secrets.token_hex(32), **{**HS256, **changed})


def claims_of(person: dict[str, Any]) -> dict[str, Any]:
    """Without its times, which have passed."""
    return {name: value for name, value in person.items() if name not in {"exp", "iat"}}


def assert_refused(token: str, **changed: Any) -> None:
    with pytest.raises(Problem) as caught:
        read_token(token, settings(**changed))
    assert (caught.value.status, caught.value.code) == (401, "token_not_valid")


PRIVATE = ec.generate_private_key(ec.SECP256R1())
PRIVATE_PEM = PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC_PEM = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
ES256 = {"jwt_algorithm": "ES256", "jwt_public_key": PUBLIC_PEM, "jwt_secret_key": None}
# How a token is signed, and what the stream's settings say of it.
BOTH_ALGORITHMS = pytest.mark.parametrize(
    ("signing", "checking"),
    [({"key": KEY}, HS256), ({"key": PRIVATE_PEM, "algorithm": "ES256"}, ES256)],
    ids=["HS256", "ES256"],
)


@BOTH_ALGORITHMS
@pytest.mark.parametrize("role", sorted(CLAIMS))
def test_documented_claims_make_a_viewer(role: str, signing: dict[str, Any], checking: dict[str, Any]) -> None:
    viewer = read_token(sign(claims_of(CLAIMS[role]), **signing), settings(**checking))
    assert viewer.role == role
    assert viewer.user_id == CLAIMS[role]["user_id"]
    assert viewer.clinic_id == CLAIMS[role]["clinic_id"]
    assert viewer.token_version == CLAIMS[role]["ver"]


@BOTH_ALGORITHMS
@pytest.mark.parametrize("role", sorted(set(TICKETS) & set(CLAIMS)))
def test_documented_ticket_makes_the_same_viewer_for_as_long_as_the_token_behind_it(
    role: str, signing: dict[str, Any], checking: dict[str, Any]
) -> None:
    ends = 2**40
    stream = settings(**checking)
    viewer = read_ticket(sign({**claims_of(TICKETS[role]), "session_exp": ends}, **signing), stream).viewer
    assert viewer.has_the_rights_of(read_token(sign(claims_of(CLAIMS[role]), **signing), stream))
    assert viewer.expires_at == ends


@BOTH_ALGORITHMS
def test_documented_ticket_of_a_visit_makes_its_viewer(signing: dict[str, Any], checking: dict[str, Any]) -> None:
    ends, documented = 2**40, claims_of(TICKETS["visit"])
    ticket = sign({**documented, "session_exp": ends}, **signing)
    viewer = read_ticket(ticket, settings(**checking)).viewer
    assert viewer == VisitViewer(512, 3, hash_of(APPOINTMENT["row"]["reference"]), ends)
    assert documented["reference_hash"] == hash_of(APPOINTMENT["row"]["reference"])


@BOTH_ALGORITHMS
def test_documented_ticket_of_a_device_makes_its_viewer(signing: dict[str, Any], checking: dict[str, Any]) -> None:
    ticket = sign({**claims_of(TICKETS["device"]), "session_exp": 2**40}, **signing)
    assert read_ticket(ticket, settings(**checking)).viewer == DeviceViewer(7, 3, 1, 2**40)


def test_scope_follows_the_role() -> None:
    scopes = {
        role: read_token(sign(claims_of(CLAIMS[role]), key=KEY), settings()).scope()
        for role in ("owner", "staff", "practitioner", "patient")
    }
    assert scopes == {
        "owner": RecordScope(3),
        "staff": RecordScope(3),
        "practitioner": RecordScope(3, "practitioner", 12),
        "patient": RecordScope(3, "patient", 77),
    }


def test_administrator_without_clinic_has_no_scope() -> None:
    viewer = read_token(sign(claims_of(CLAIMS["admin"]), key=KEY), settings())
    with pytest.raises(Problem) as caught:
        viewer.scope()
    assert (caught.value.status, caught.value.code) == (403, "no_clinic")


@pytest.mark.parametrize("role", ["practitioner", "patient"])
def test_account_without_its_record_has_no_scope(role: str) -> None:
    viewer = read_token(sign({**claims_of(CLAIMS[role]), f"{role}_id": None}, key=KEY), settings())
    with pytest.raises(Problem) as caught:
        viewer.scope()
    assert (caught.value.status, caught.value.code) == (403, "permission_denied")


@pytest.mark.parametrize(
    "changed",
    [
        {"token_type": "refresh"},
        {"token_type": None},
        {"aud": "chairside-stream"},
        {"aud": ["chairside", "other"]},
        {"aud": None},
        {"iss": "somebody-else"},
        {"iss": None},
        {"seconds": -1},
        {"exp": None},
        {"iat": None},
        {"jti": None},
        {"role": "superhero"},
        {"role": None},
        {"role": ["owner"]},
        {"user_id": "90"},
        {"user_id": None},
        {"user_id": True},
        {"clinic_id": "3"},
        {"patient_id": 77.5},
        {"ver": None},
        {"ver": "2"},
    ],
    ids=str,
)
def test_token_with_a_wrong_claim_is_refused(changed: dict[str, Any]) -> None:
    assert_refused(sign(claims_of(PATIENT), key=KEY, **changed))


def test_token_signed_with_another_key_is_refused() -> None:
    assert_refused(sign(claims_of(PATIENT), key="x" * 40))


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é.é.é", "..", sign(PATIENT, key=KEY)[:-2]])
def test_other_text_is_no_token(token: str) -> None:
    assert_refused(token)


def test_unsigned_token_is_refused() -> None:
    assert_refused(jwt.encode({**PATIENT, "exp": 2**40}, "", algorithm="none"))


def test_token_of_another_algorithm_is_refused_even_with_the_right_key() -> None:
    assert_refused(jwt.encode({**PATIENT, "exp": 2**40}, KEY * 2, algorithm="HS512"), jwt_secret_key=KEY * 2)


def test_public_key_is_enough_where_tokens_are_signed_with_a_private_one() -> None:
    token = sign(claims_of(PATIENT), key=PRIVATE_PEM, algorithm="ES256")
    assert read_token(token, settings(**ES256)).user_id == 90
    assert_refused(sign(claims_of(PATIENT), key=KEY), **ES256)
    assert_refused(token)


def test_public_key_as_a_shared_secret_is_refused() -> None:
    """The classic confusion of algorithms: everybody may know the public key."""
    header = base64url_encode(b'{"alg":"HS256","typ":"JWT"}')
    signed = header + b"." + base64url_encode(json.dumps({**PATIENT, "exp": 2**40}).encode())
    signature = base64url_encode(hmac.digest(PUBLIC_PEM.encode(), signed, "sha256"))
    assert_refused((signed + b"." + signature).decode(), **ES256)


@pytest.mark.parametrize("header", [None, "", "Basic abc", "Token abc", "abc.def.ghi"])
def test_no_bearer_header_is_no_credentials(header: str | None) -> None:
    with pytest.raises(Problem) as caught:
        read_bearer(header)
    assert (caught.value.status, caught.value.code) == (401, "not_authenticated")
    assert caught.value.headers == {"WWW-Authenticate": "Bearer"}


@pytest.mark.parametrize("header", ["Bearer abc", "bearer abc", "  BEARER   abc "])
def test_bearer_is_read_in_any_case(header: str) -> None:
    assert read_bearer(header) == "abc"


VIEWER = Viewer(90, "patient", 3, None, 77, 2, 2**40)
SESSION = Session(90, True, "patient", 3, 2, None, 77)


def test_session_that_agrees_admits() -> None:
    assert SESSION.admits(VIEWER)


@pytest.mark.parametrize(
    "session",
    [
        Session(90, False, "patient", 3, 2, None, 77),
        Session(90, True, "staff", 3, 2, None, 77),
        Session(90, True, "patient", 4, 2, None, 77),
        Session(90, True, "patient", 3, 3, None, 77),
        Session(90, True, "patient", 3, 2, 5, 77),
        Session(90, True, "patient", 3, 2, None, None),
    ],
    ids=["deactivated", "another role", "another clinic", "signed out everywhere", "practitioner now", "not a patient"],
)
def test_session_that_has_changed_does_not(session: Session) -> None:
    assert not session.admits(VIEWER)


def test_unknown_user_is_not_admitted() -> None:
    sessions = Sessions()
    assert not sessions.admit(VIEWER)
    sessions.put(Subject("user", 90), None)
    assert not sessions.admit(VIEWER)
    sessions.put(Subject("user", 90), SESSION)
    assert sessions.admit(VIEWER)


def test_signature_of_a_token_is_checked_once_and_its_expiry_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    token, known = sign(claims_of(PATIENT), key=KEY, seconds=60), settings()
    assert read_token(token, known) is read_token(token, known)
    assert_refused(token, jwt_secret_key=secrets.token_hex(32))
    later = time.time() + 61
    monkeypatch.setattr("clinic_stream.auth.time.time", lambda: later)
    assert_refused(token)
