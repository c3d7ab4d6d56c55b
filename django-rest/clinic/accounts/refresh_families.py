"""Refresh tokens rotate: each is used once, and all that came of one sign-in are a family with an absolute end.

A token that comes back within 30 seconds of its use gets a sibling pair: its answer was lost, or two tabs asked at
once. One that comes back later was copied, and a thief looks like the owner: the whole family is revoked. Access tokens
already issued live out their minutes.

The family's row is locked during a rotation, so that two uses of one token are decided one after the other.
"""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.utils import datetime_from_epoch

from clinic.accounts.models import RefreshFamily, User
from clinic.accounts.queries import get_session_user
from clinic.accounts.tokens import FAMILY_CLAIM, FamilyToken, refresh_token_for
from clinic.common.transactions import in_one_statement, in_one_transaction

REUSE_ACCEPTED_FOR = timedelta(seconds=30)

logger = logging.getLogger(__name__)


@in_one_transaction
def start_family(*, user: User, now: datetime, device: str = "") -> FamilyToken:
    """The first refresh token of a sign-in. Two INSERTs."""
    ends_at = now + lifetime()
    token = refresh_token_for(user, family=None, ends_at=ends_at)
    RefreshFamily.objects.create(
        pk=token.family,
        user=user,
        created_at=now,
        seen_at=now,
        ends_at=ends_at,
        device=device,
        token_version=user.token_version,
    )
    _record(token, user)
    return token


@in_one_transaction
def rotate(token: FamilyToken, *, now: datetime) -> tuple[User, FamilyToken] | None:
    """The next token of the family; None if the token is worth nothing. Reuse revokes the family: committed here."""
    family = _locked_family(token, now=now)
    if family is None or family.revoked_at is not None or family.ends_at <= now:
        return None
    used_at = _use(token, now=now)
    if used_at is not None and now - used_at > REUSE_ACCEPTED_FOR:
        revoke(family, now=now)
        logger.warning("A used refresh token came back: revoked the sign-in of user %d", family.user_id)
        return None
    user = get_session_user(user_id=token["user_id"], token_version=token["ver"])
    if user is None:
        return None
    following = refresh_token_for(user, family=family.pk, ends_at=family.ends_at)
    RefreshFamily.objects.filter(pk=family.pk).update(seen_at=now)
    _record(following, user)
    return user, following


@in_one_transaction
def end_family(token: FamilyToken, *, now: datetime) -> bool:
    """Sign out: no token of the family is worth anything from here on. False if that was so already.

    A token that was just rotated, by another tab for example, ends the family as well as its newest one.
    """
    if FAMILY_CLAIM not in token and not is_living(token, now=now):
        return False
    family = _locked_family(token, now=now)
    if family is None or family.revoked_at is not None or family.ends_at <= now:
        return False
    _use(token, now=now)
    revoke(family, now=now)
    return True


def is_living(token: FamilyToken, *, now: datetime) -> bool:
    """Neither used nor revoked."""
    family = RefreshFamily.objects.filter(pk=token.family).first()
    has_ended = FAMILY_CLAIM in token if family is None else family.revoked_at is not None or family.ends_at <= now
    return not has_ended and not BlacklistedToken.objects.filter(token__jti=token["jti"]).exists()


@in_one_statement
def prune_families(*, now: datetime) -> int:
    return RefreshFamily.objects.filter(ends_at__lte=now).delete()[0]


def lifetime() -> timedelta:
    return timedelta(days=settings.SHARED.jwt_session_lifetime)


def _locked_family(token: FamilyToken, *, now: datetime) -> RefreshFamily | None:
    families = RefreshFamily.objects.select_for_update()
    if FAMILY_CLAIM in token:
        return families.filter(pk=token.family).first()
    # Issued before there were families: it begins one.
    user = User.objects.filter(pk=token["user_id"]).first()
    if user is None:
        return None
    fresh = {"user": user, "created_at": now, "ends_at": now + lifetime(), "token_version": token["ver"]}
    return families.get_or_create(pk=token.family, defaults=fresh)[0]


def _use(token: FamilyToken, *, now: datetime) -> datetime | None:
    """When the token was used before; None if never. Requires: row lock on the family."""
    outstanding, _ = OutstandingToken.objects.get_or_create(
        jti=token["jti"], defaults={"token": "", "expires_at": datetime_from_epoch(token["exp"])}
    )
    used, is_first_use = BlacklistedToken.objects.get_or_create(token=outstanding)
    if not is_first_use:
        return used.blacklisted_at
    BlacklistedToken.objects.filter(pk=used.pk).update(blacklisted_at=now)  # Django would take the process's clock.
    return None


def revoke(family: RefreshFamily, *, now: datetime) -> None:
    """Its open streams end as well. Requires: row lock."""
    family.revoked_at = now
    family.save(update_fields=["revoked_at"])


def _record(token: FamilyToken, user: User) -> None:
    """Issued tokens are on record, without their text: whoever reads the database can use none."""
    OutstandingToken.objects.create(
        user=user,
        jti=token["jti"],
        token="",
        created_at=token.current_time,
        expires_at=datetime_from_epoch(token["exp"]),
    )
