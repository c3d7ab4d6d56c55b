"""The claims of a token: written here, read by the stream, held together by shared-config/contract/access_token.json.

Access and refresh tokens are signed with the same key, so readers must check `token_type`. `ver` is the user's
`token_version` at signing: raising it ends every session at once.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token
from rest_framework_simplejwt.utils import aware_utcnow
from shared_config import STREAM_AUDIENCE

from clinic.accounts.models import User

# Some two kilobytes each.
REMEMBERED_TOKENS = 2000
FAMILY_CLAIM = "family"


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


def access_token_for(user: User) -> AccessToken:
    """For a page, whose session stands in for the refresh token."""
    token = AccessToken()
    for claim, value in claims_of(user).items():
        token[claim] = value
    return token


class FamilyToken(RefreshToken):
    """A refresh token that names its family. Reading one does not look at the list of used tokens."""

    no_copy_claims = (*RefreshToken.no_copy_claims, FAMILY_CLAIM)  # type: ignore[assignment]  # A tuple of five there.

    def check_blacklist(self) -> None: ...

    @property
    def family(self) -> str:
        """Tokens from before there were families are the first of their own."""
        return str(self.get(FAMILY_CLAIM) or self["jti"])


def refresh_token_for(user: User, *, family: str | None, ends_at: datetime) -> FamilyToken:
    """A refresh token for the family, the first of a new one with None; expires by `ends_at` at the latest.

    Its `access_token` carries the same claims. Writes no row.
    """
    token = FamilyToken()
    for claim, value in claims_of(user).items():
        token[claim] = value
    token[FAMILY_CLAIM] = family or token["jti"]
    token["exp"] = min(token["exp"], int(ends_at.timestamp()))
    return token


class StreamTicket(Token):
    """For a browser's native EventSource, which cannot send a header: good for one minute, and for the stream alone."""

    token_type = "stream_ticket"  # noqa: S105 - no password
    lifetime = timedelta(minutes=1)
    _token_backend = TokenBackend(
        api_settings.ALGORITHM,
        api_settings.SIGNING_KEY,
        api_settings.VERIFYING_KEY,
        STREAM_AUDIENCE,
        api_settings.ISSUER,
    )


def stream_ticket_for(user: User, *, session_ends: int) -> StreamTicket:
    """`session_ends`, the expiry of the access token that asks, is how long a stream opened with it may live."""
    ticket = StreamTicket()
    for claim, value in claims_of(user).items():
        ticket[claim] = value
    ticket["session_exp"] = session_ends
    return ticket


def read_access_token(text: str) -> AccessToken:
    """Raises TokenError. Not to be changed: a token is verified once, and each time asked whether it has expired."""
    token = _verified_access_token(text)
    token.check_exp(current_time=aware_utcnow())
    return token


@lru_cache(maxsize=REMEMBERED_TOKENS)
def _verified_access_token(text: str) -> AccessToken:
    return _read(AccessToken, text)  # type: ignore[return-value]


def read_refresh_token(text: str) -> FamilyToken:
    """Raises TokenError. Whether it was used or revoked is for `refresh_families` to say."""
    return _read(FamilyToken, text)  # type: ignore[return-value]


def _read(kind: type[AccessToken] | type[FamilyToken], text: str) -> AccessToken | FamilyToken:
    token = kind(text)  # type: ignore[arg-type]
    if not isinstance(token.get("user_id"), int) or not isinstance(token.get("ver"), int):
        raise TokenError("Token has no user")
    return token
