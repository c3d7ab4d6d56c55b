"""The claims of a token: written here, read by the stream, held together by shared-config/contract/access_token.json.

Access and refresh tokens are signed with the same key, so readers must check `token_type`. `ver` is the user's
`token_version` at signing: raising it ends every session at once.
"""

from typing import Any

from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from clinic.accounts.models import User


def claims_of(user: User) -> dict[str, Any]:
    claims: dict[str, Any] = {
        "user_id": user.pk,
        "role": user.role,
        "clinic_id": user.clinic_id,
        "ver": user.token_version,
    }
    if (practitioner := getattr(user, "practitioner", None)) is not None and practitioner.active:
        claims["practitioner_id"] = practitioner.pk
    if (patient := getattr(user, "patient", None)) is not None:
        claims["patient_id"] = patient.pk
    return claims


def refresh_token_for(user: User) -> RefreshToken:
    """A new refresh token; its `access_token` carries the same claims. One INSERT: issued tokens are on record."""
    token = RefreshToken()
    for claim, value in claims_of(user).items():
        token[claim] = value
    token.outstand()
    return token


def read_access_token(text: str) -> AccessToken:
    return _read(AccessToken, text)  # type: ignore[return-value]


def read_refresh_token(text: str) -> RefreshToken:
    """Raises TokenError, also for one that was used or signed out."""
    return _read(RefreshToken, text)  # type: ignore[return-value]


def _read(kind: type[AccessToken] | type[RefreshToken], text: str) -> AccessToken | RefreshToken:
    token = kind(text)  # type: ignore[arg-type]
    if not isinstance(token.get("user_id"), int) or not isinstance(token.get("ver"), int):
        raise TokenError("Token has no user")
    return token
