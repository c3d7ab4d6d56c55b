"""An access token, or a ticket for the stream, becomes a viewer.

A token is believed for its signature (algorithm pinned), issuer, audience, expiry and type; a refresh token is signed
with the same key and is refused. What it says of the user must still be so: see `viewers`.

A ticket stands in an address, where a browser's EventSource can hold nothing else, so it opens streams for a minute
only. How long such a stream may then stay, and come back after an end that was none of its own, is its `session_exp`:
the expiry of the access token it was asked for with.
"""

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, get_args

import jwt
from shared_config import ACCESS_AUDIENCE, STREAM_AUDIENCE, StreamSettings

from clinic_stream import errors
from clinic_stream.viewers import Viewer

Role = Literal["owner", "staff", "practitioner", "patient", "admin"]
ROLES = get_args(Role)  # No set: a claim can be anything, also what has no hash.
REQUIRED_CLAIMS = ["exp", "iat", "iss", "aud", "jti"]


def read_bearer(header: str | None) -> str:
    """The token of an Authorization header."""
    scheme, _, token = (header or "").strip().partition(" ")
    if scheme.lower() != "bearer":
        raise errors.not_authenticated()
    return token.strip()


def read_token(token: str, settings: StreamSettings) -> Viewer:
    return _read(token, settings, ACCESS_AUDIENCE, "access")[0]


@dataclass(frozen=True, slots=True)
class Ticket:
    id: str
    expires_at: float
    viewer: Viewer
    comes_back: bool


def read_ticket(ticket: str, settings: StreamSettings, *, comes_back: bool = False) -> Ticket:
    """`comes_back`: EventSource knows no other address to come back to after a restart, and takes 401 for the end for
    ever."""
    viewer, claims = _read(ticket, settings, STREAM_AUDIENCE, "stream_ticket", comes_back=comes_back)
    return Ticket(str(claims["jti"]), float(claims["exp"]), viewer, comes_back)


class _WrongClaimError(Exception):
    pass


def _read(
    token: str, settings: StreamSettings, audience: str, token_type: str, *, comes_back: bool = False
) -> tuple[Viewer, dict[str, Any]]:
    try:
        claims = jwt.decode(
            token,
            _parsed_key(settings.jwt_algorithm, settings.jwt_verifying_key),
            algorithms=[settings.jwt_algorithm],
            audience=audience,
            issuer=settings.jwt_issuer,
            # `iat` only informs (RFC 7519): another machine's clock may be a little ahead.
            options={"require": REQUIRED_CLAIMS, "verify_iat": False, "verify_exp": not comes_back},
        )
        # The library is content with an audience that is one of several.
        if claims.get("token_type") != token_type or claims["aud"] != audience or claims.get("role") not in ROLES:
            raise _WrongClaimError
        viewer = _viewer(claims)
        if viewer.expires_at <= time.time():
            raise jwt.ExpiredSignatureError
        return viewer, claims
    except (jwt.InvalidTokenError, _WrongClaimError) as error:
        raise errors.token_not_valid(_reason(error)) from error


@lru_cache(maxsize=4)
def _parsed_key(algorithm: str, key: str) -> Any:
    """Parsed once: reading a PEM takes longer than checking a signature with it."""
    return jwt.PyJWS().get_algorithm_by_name(algorithm).prepare_key(key)


def _reason(error: Exception) -> str:
    """For the metrics alone: an answer never tells."""
    if isinstance(error, jwt.ExpiredSignatureError):
        return "expired"
    return "wrong_claim" if isinstance(error, _WrongClaimError | jwt.InvalidAudienceError) else "invalid"


def _viewer(claims: dict[str, Any]) -> Viewer:
    return Viewer(
        user_id=_whole_number(claims, "user_id"),
        role=claims["role"],
        clinic_id=_whole_number_or_none(claims, "clinic_id"),
        practitioner_id=_whole_number_or_none(claims, "practitioner_id"),
        patient_id=_whole_number_or_none(claims, "patient_id"),
        token_version=_whole_number(claims, "ver"),
        expires_at=_whole_number_or_none(claims, "session_exp") or int(claims["exp"]),
    )


def _whole_number(claims: dict[str, Any], name: str) -> int:
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _WrongClaimError(name)
    return value


def _whole_number_or_none(claims: dict[str, Any], name: str) -> int | None:
    return None if claims.get(name) is None else _whole_number(claims, name)
