"""An access token becomes a viewer.

A token is believed for its signature (algorithm pinned), issuer, audience, expiry and type; a refresh token is signed
with the same key and is refused. What it says of the user must still be so: see `viewers`.
"""

from typing import Any, Literal, get_args

import jwt
from shared_config import ACCESS_AUDIENCE, StreamSettings

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
    try:
        claims = jwt.decode(
            token,
            settings.jwt_verifying_key,
            algorithms=[settings.jwt_algorithm],
            audience=ACCESS_AUDIENCE,
            issuer=settings.jwt_issuer,
            # `iat` only informs (RFC 7519): another machine's clock may be a little ahead.
            options={"require": REQUIRED_CLAIMS, "verify_iat": False},
        )
        return _viewer(claims)
    except (jwt.InvalidTokenError, _WrongClaimError) as error:
        raise errors.token_not_valid() from error


class _WrongClaimError(Exception):
    pass


def _viewer(claims: dict[str, Any]) -> Viewer:
    if claims.get("token_type") != "access" or claims["aud"] != ACCESS_AUDIENCE or claims.get("role") not in ROLES:
        raise _WrongClaimError
    return Viewer(
        user_id=_whole_number(claims, "user_id"),
        role=claims["role"],
        clinic_id=_whole_number_or_none(claims, "clinic_id"),
        practitioner_id=_whole_number_or_none(claims, "practitioner_id"),
        patient_id=_whole_number_or_none(claims, "patient_id"),
        token_version=_whole_number(claims, "ver"),
        expires_at=int(claims["exp"]),
    )


def _whole_number(claims: dict[str, Any], name: str) -> int:
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _WrongClaimError(name)
    return value


def _whole_number_or_none(claims: dict[str, Any], name: str) -> int | None:
    return None if claims.get(name) is None else _whole_number(claims, name)
