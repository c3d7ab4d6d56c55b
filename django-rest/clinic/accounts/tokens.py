"""The claims of a token: written here, read by the stream, held together by shared-config/contract/access_token.json.

Access and refresh tokens are signed with the same key, so readers must check `token_type`. `ver` is the user's
`token_version` at signing: raising it ends every session at once.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
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
# How long a stream of a visit may stay. It ends before when the visit gets another reference.
VISIT_STREAM = timedelta(hours=12)
DEVICE_STREAM = timedelta(hours=12)
# Of access tokens and tickets: the family they came of.
SIGN_IN_CLAIM = "sign_in"


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


def access_token_for(user: User, *, sign_in: str = "") -> AccessToken:
    """For a page, whose session stands in for the refresh token; or, without a sign-in, for a command."""
    token = AccessToken()
    for claim, value in claims_of(user).items():
        token[claim] = value
    if sign_in:
        token[SIGN_IN_CLAIM] = sign_in
    return token


class FamilyToken(RefreshToken):
    """A refresh token that names its family. Reading one does not look at the list of used tokens."""

    no_copy_claims = (*RefreshToken.no_copy_claims, FAMILY_CLAIM)  # type: ignore[assignment]  # A tuple of five there.

    def check_blacklist(self) -> None: ...

    @property
    def family(self) -> str:
        """Tokens from before there were families are the first of their own."""
        return str(self.get(FAMILY_CLAIM) or self["jti"])

    @property
    def access_token(self) -> AccessToken:
        token: AccessToken = super().access_token
        token[SIGN_IN_CLAIM] = self.family
        return token


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


def stream_ticket_for(user: User, *, session_ends: int, sign_in: str = "") -> StreamTicket:
    """`session_ends`, the expiry of the access token that asks, is how long a stream opened with it may live."""
    ticket = _ticket_about("user", session_ends=session_ends)
    for claim, value in claims_of(user).items():
        ticket[claim] = value
    if sign_in:
        ticket[SIGN_IN_CLAIM] = sign_in
    return ticket


def visit_ticket_for(*, visit_id: int, clinic_id: int, reference: str, now: datetime) -> StreamTicket:
    """For whoever has the reference. The stream ends when the visit gets another one: of that the ticket has a hash."""
    ticket = _ticket_about("visit", session_ends=int((now + VISIT_STREAM).timestamp()))
    ticket["sub"] = str(visit_id)
    ticket["clinic_id"] = clinic_id
    ticket["reference_hash"] = sha256(f"visit {reference}".encode()).hexdigest()
    return ticket


def device_ticket_for(*, device_id: int, clinic_id: int, version: int, now: datetime) -> StreamTicket:
    """For a wall. Its stream ends when the wall is revoked."""
    ticket = _ticket_about("device", session_ends=int((now + DEVICE_STREAM).timestamp()))
    ticket["sub"] = str(device_id)
    ticket["clinic_id"] = clinic_id
    ticket["ver"] = version
    return ticket


def _ticket_about(kind: str, *, session_ends: int) -> StreamTicket:
    ticket = StreamTicket()
    ticket["sub_kind"] = kind
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
