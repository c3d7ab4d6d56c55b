"""An access token, or a ticket for the stream, becomes a viewer: of a user, one visit or a screen on a wall.

A token is believed for its signature (algorithm pinned), issuer, audience, expiry and type; a refresh token is signed
with the same key and is refused. What it says of the user must still be so: see `viewers`.

A ticket stands in an address, where a browser's EventSource can hold nothing else, so it opens streams for a minute
only. How long such a stream may then stay, and come back after an end that was none of its own, is its `session_exp`:
the expiry of the access token it was asked for with.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any, Literal, TypeVar, get_args

import jwt
from jwt.algorithms import HMACAlgorithm
from jwt.utils import base64url_encode, force_bytes
from shared_config import ACCESS_AUDIENCE, STREAM_AUDIENCE, StreamSettings

from clinic_stream import errors
from clinic_stream.viewers import AnyViewer, DeviceViewer, Viewer, VisitViewer

Role = Literal["owner", "staff", "practitioner", "patient", "admin"]
ROLES = get_args(Role)  # No set: a claim can be anything, also what has no hash.
Claims = dict[str, Any]
# Tokens whose signature was found to be good, by their hash.
MAX_VERIFIED = 10_000
_verified: dict[tuple[bytes, str, str, str], tuple[Viewer, float]] = {}
ViewerT = TypeVar("ViewerT", bound=AnyViewer)
REQUIRED_CLAIMS = ["exp", "iat", "iss", "aud", "jti"]


def read_bearer(header: str | None) -> str:
    """The token of an Authorization header."""
    scheme, _, token = (header or "").strip().partition(" ")
    if scheme.lower() != "bearer":
        raise errors.not_authenticated()
    return token.strip()


def read_token(token: str, settings: StreamSettings) -> Viewer:
    """A page opens several streams by one token, and comes back with it: its signature is checked once. Its expiry is
    each time, and so are the rights of its user, elsewhere."""
    key = sha256(token.encode()).digest(), settings.jwt_verifying_key, settings.jwt_algorithm, settings.jwt_issuer
    viewer, expires_at = _verified.get(key, (None, 0.0))
    if viewer is None or expires_at <= time.time():
        viewer, claims = _read(token, settings, ACCESS_AUDIENCE, "access", _user_in)
        if len(_verified) >= MAX_VERIFIED:
            del _verified[next(iter(_verified))]
        _verified[key] = viewer, float(claims["exp"])
    return viewer


@dataclass(frozen=True, slots=True)
class Ticket:
    id: str
    expires_at: float
    viewer: AnyViewer
    comes_back: bool


def read_ticket(ticket: str, settings: StreamSettings, *, comes_back: bool = False) -> Ticket:
    """`comes_back`: EventSource knows no other address to come back to after a restart, and takes 401 for the end for
    ever."""
    viewer, claims = _read(ticket, settings, STREAM_AUDIENCE, "stream_ticket", _subject_in, comes_back=comes_back)
    return Ticket(str(claims["jti"]), float(claims["exp"]), viewer, comes_back)


class _WrongClaimError(Exception):
    pass


def _read(
    token: str,
    settings: StreamSettings,
    audience: str,
    token_type: str,
    viewer_in: Callable[[Claims], ViewerT],
    *,
    comes_back: bool = False,
) -> tuple[ViewerT, Claims]:
    try:
        claims: Claims = jwt.decode(
            token,
            _parsed_key(settings.jwt_algorithm, settings.jwt_verifying_key),
            algorithms=[settings.jwt_algorithm],
            audience=audience,
            issuer=settings.jwt_issuer,
            # `iat` only informs (RFC 7519): another machine's clock may be a little ahead.
            options={"require": REQUIRED_CLAIMS, "verify_iat": False, "verify_exp": not comes_back},
        )
        # The library is content with an audience that is one of several.
        if claims.get("token_type") != token_type or claims["aud"] != audience:
            raise _WrongClaimError
        viewer = viewer_in(claims)
        if viewer.expires_at <= time.time():
            raise jwt.ExpiredSignatureError
        return viewer, claims
    except (jwt.InvalidTokenError, _WrongClaimError) as error:
        raise errors.token_not_valid(_reason(error)) from error


class _ExaminedSecret(HMACAlgorithm):
    """HMAC with a secret that `_parsed_key` has examined: by default each token pays for that again."""

    def prepare_key(self, key: str | bytes) -> bytes:
        return force_bytes(key)


@lru_cache(maxsize=4)
def _parsed_key(algorithm: str, key: str) -> Any:
    """Parsed once: reading a PEM, or finding that a secret is none, takes longer than checking a signature."""
    parsed = jwt.PyJWS().get_algorithm_by_name(algorithm).prepare_key(key)
    if algorithm != "HS256":
        return parsed
    secret = jwt.PyJWK({"kty": "oct", "k": base64url_encode(parsed).decode()}, algorithm)
    secret.Algorithm = _ExaminedSecret(HMACAlgorithm.SHA256)
    return secret


def _reason(error: Exception) -> str:
    """For the metrics alone: an answer never tells."""
    if isinstance(error, jwt.ExpiredSignatureError):
        return "expired"
    return "wrong_claim" if isinstance(error, _WrongClaimError | jwt.InvalidAudienceError) else "invalid"


def _subject_in(claims: Claims) -> AnyViewer:
    """Tickets of before there were several kinds of subject name a user."""
    kind = claims.get("sub_kind", "user")
    if kind == "user":
        return _user_in(claims)
    if kind == "visit":
        return VisitViewer(
            visit_id=_row_id(claims),
            clinic_id=_whole_number(claims, "clinic_id"),
            reference_hash=_text(claims, "reference_hash"),
            expires_at=_whole_number(claims, "session_exp"),
        )
    if kind == "device":
        return DeviceViewer(
            device_id=_row_id(claims),
            clinic_id=_whole_number(claims, "clinic_id"),
            version=_whole_number(claims, "ver"),
            expires_at=_whole_number(claims, "session_exp"),
        )
    raise _WrongClaimError("sub_kind")


def _user_in(claims: Claims) -> Viewer:
    if claims.get("role") not in ROLES:
        raise _WrongClaimError("role")
    return Viewer(
        user_id=_whole_number(claims, "user_id"),
        role=claims["role"],
        clinic_id=_whole_number_or_none(claims, "clinic_id"),
        practitioner_id=_whole_number_or_none(claims, "practitioner_id"),
        patient_id=_whole_number_or_none(claims, "patient_id"),
        token_version=_whole_number(claims, "ver"),
        expires_at=_whole_number_or_none(claims, "session_exp") or int(claims["exp"]),
        sign_in=_text_or_empty(claims, "sign_in"),
    )


def _row_id(claims: Claims) -> int:
    """RFC 7519 wants `sub` to be text."""
    text = claims.get("sub")
    if not isinstance(text, str) or not text.isascii() or not text.isdecimal():
        raise _WrongClaimError("sub")
    return int(text)


def _whole_number(claims: Claims, name: str) -> int:
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _WrongClaimError(name)
    return value


def _whole_number_or_none(claims: Claims, name: str) -> int | None:
    return None if claims.get(name) is None else _whole_number(claims, name)


def _text_or_empty(claims: Claims, name: str) -> str:
    return _text({name: "", **claims}, name)


def _text(claims: Claims, name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str):
        raise _WrongClaimError(name)
    return value
