"""Active sign-ins of an account: refresh families of programs, and sessions of our own pages.

A page's session is a family without tokens: its scripts get access tokens while the session lives. So both are listed
together and end alike: the family is revoked, its open streams end, and the session is gone.
"""

from datetime import datetime, timedelta
from uuid import uuid4

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Q, QuerySet

from clinic.accounts.models import RefreshFamily, User
from clinic.accounts.refresh_families import lifetime, revoke
from clinic.common.errors import NotFound
from clinic.common.transactions import in_one_transaction
from clinic.outbox.push_subscriptions import forget_browsers

# Written at most this often, however often a sign-in is used.
SEEN_EVERY = timedelta(minutes=1)


def sign_ins_of(user: User, *, now: datetime) -> QuerySet[RefreshFamily]:
    """Those that still lead somewhere, the last seen first."""
    pages = Session.objects.filter(expire_date__gt=now).values("session_key")
    unused_since = now - timedelta(days=settings.SHARED.jwt_refresh_token_lifetime)
    living = Q(session_key__in=pages) | Q(session_key=None, seen_at__gt=unused_since)
    families = RefreshFamily.objects.filter(living, user=user, token_version=user.token_version)
    return families.filter(revoked_at=None, ends_at__gt=now).order_by("-seen_at", "pk")


@in_one_transaction
def end_sign_in(*, user: User, sign_in: str, now: datetime) -> None:
    """No token of it is renewed any more, its open streams end, and so does the session of a page. Raises NotFound."""
    if not sign_ins_of(user, now=now).filter(pk=sign_in).exists():
        raise NotFound("There is no such sign-in.")
    _end(RefreshFamily.objects.select_for_update().get(pk=sign_in), now=now)


@in_one_transaction
def begin_page_sign_in(*, user: User, session_key: str, device: str, now: datetime) -> str:
    """The sign-in of a page's session; the same again for the same session."""
    family, _ = RefreshFamily.objects.get_or_create(
        session_key=session_key,
        defaults={
            "pk": uuid4().hex,
            "user": user,
            "created_at": now,
            "seen_at": now,
            "ends_at": now + lifetime(),
            "device": device,
            "token_version": user.token_version,
        },
    )
    return family.pk


@in_one_transaction
def end_page_sign_in(*, session_key: str, now: datetime) -> None:
    """With a page's own sign-out."""
    for family in RefreshFamily.objects.select_for_update().filter(session_key=session_key, revoked_at=None):
        _end(family, now=now)


def note_seen(sign_in: str, *, now: datetime) -> None:
    """One statement; at most once a minute it writes."""
    RefreshFamily.objects.filter(pk=sign_in, seen_at__lt=now - SEEN_EVERY).update(seen_at=now)


def _end(family: RefreshFamily, *, now: datetime) -> None:
    revoke(family, now=now)
    forget_browsers(sign_in=family.pk)
    if family.session_key is not None:
        Session.objects.filter(session_key=family.session_key).delete()
