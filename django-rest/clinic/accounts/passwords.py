"""Passwords that change: by who knows the old one, or by who reads the account's mail."""

from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import F

from clinic.accounts import lockout
from clinic.accounts.contacts import accept_email, mark_claims, open_claims
from clinic.accounts.link_tokens import LinkNotValid, hash_token, new_token
from clinic.accounts.lockout import Guess
from clinic.accounts.mails import end_password_links, mail_account
from clinic.accounts.models import ContactClaim, ContactKind, PasswordMailRequest, PasswordToken, User, normalise_email
from clinic.accounts.queries import find_user_by_sign_in
from clinic.accounts.services import TokenPair, check_password_strength, issue_tokens
from clinic.common import clock
from clinic.common.errors import InvalidRequest
from clinic.common.isolation import sum_isolated
from clinic.common.limits import Limit, is_exceeded
from clinic.common.transactions import in_one_statement, in_one_transaction
from clinic.outbox.push_subscriptions import forget_browsers

RESET_HOLDS_FOR = timedelta(hours=1)
INVITATION_HOLDS_FOR = timedelta(days=3)
# Enough for a mail that got lost; nobody's mailbox is filled.
MAX_REQUESTS_AT_ONCE = 200
MAILS_BY_ACCOUNT = Limit("reset-mail", 3, timedelta(hours=1))


class WrongPassword(InvalidRequest):
    code = "wrong_password"
    detail = "This is not your password."
    attr = "old_password"


def change_password(*, user: User, old_password: str, new_password: str, address: str, device: str = "") -> TokenPair:
    """New tokens for this session; every other one ends. Raises WrongPassword, Locked, InvalidRequest."""
    check_own_password(user=user, password=old_password, address=address)
    return _change(user, new_password, device)


def change_page_password(*, user: User, old_password: str, new_password: str, address: str) -> User:
    """Every session ends, that of the page too. Raises WrongPassword, Locked, InvalidRequest."""
    check_own_password(user=user, password=old_password, address=address)
    return set_password(user=user, password=new_password, attr="new_password")


def check_own_password(*, user: User, password: str, address: str, attr: str | None = None) -> None:
    """For a user who is signed in; counted like a sign-in. Call outside of any transaction.

    Raises WrongPassword, Locked.
    """
    guess, now = Guess(account=f"user {user.pk}", address=address), clock.now()
    lockout.begin(guess, now=now)
    if not user.check_password(password):
        raise WrongPassword(attr=attr)
    lockout.succeed(guess, now=now)


@in_one_transaction
def _change(user: User, password: str, device: str) -> TokenPair:
    user = set_password(user=user, password=password, attr="new_password")
    return issue_tokens(user=user, device=device)


@in_one_transaction
def set_password(*, user: User, password: str, attr: str = "password") -> User:
    """Every session, open stream and link in a mail ends, and the user is told. Raises InvalidRequest."""
    user = User.objects.select_related("clinic", "practitioner", "patient").get(pk=user.pk)
    check_password_strength(password, user=user, attr=attr)
    user.set_password(password)
    User.objects.filter(pk=user.pk).update(password=user.password, token_version=F("token_version") + 1)
    mark_claims(user, password)
    end_password_links(user)
    forget_browsers(user_id=user.pk)
    mail_account(user, "password_changed")
    user.refresh_from_db(fields=["token_version"])
    return user


def request_reset(*, email: str, now: datetime) -> None:
    """Have a link sent, if there is such an account. The same work and time whether or not there is."""
    email = normalise_email(email)
    if is_exceeded(MAILS_BY_ACCOUNT, email, now=now):
        return
    PasswordMailRequest.objects.create(email=email, created_at=now)


def send_requested_links(*, now: datetime) -> int:
    """The worker's part of `request_reset`. Returns the number of mails."""
    _forget_expired_requests(now=now)
    waiting = PasswordMailRequest.objects.order_by("pk").values_list("pk", flat=True)[:MAX_REQUESTS_AT_ONCE]
    return sum_isolated(list(waiting), partial(_send_requested, now=now))


@in_one_statement
def _forget_expired_requests(*, now: datetime) -> None:
    # By another index than `_send_requested` deletes: the two lock a row's entries in opposite orders.
    PasswordMailRequest.objects.filter(created_at__lte=now - RESET_HOLDS_FOR).delete()


@in_one_transaction
def _send_requested(request_id: int, *, now: datetime) -> bool:
    requested = PasswordMailRequest.objects.select_for_update(skip_locked=True).filter(pk=request_id).first()
    if requested is None:  # Another worker got there first.
        return False
    user = find_user_by_sign_in(requested.email) or _claimant_of(requested.email)
    requested.delete()
    if user is None or not user.is_active:
        return False
    send_password_link(user=user, template="password_reset", holds_for=RESET_HOLDS_FOR, now=now, email=requested.email)
    return True


def _claimant_of(email: str) -> User | None:
    """Of several that claim an address, whoever came last."""
    newest = open_claims(ContactKind.EMAIL, email).select_related("user").first()
    return None if newest is None else newest.user


@in_one_transaction
def send_password_link(
    *, user: User, template: str, holds_for: timedelta, now: datetime, email: str | None = None
) -> None:
    """A mail with a link that lets its reader set the account's password, once, and that verifies its address: the
    account's, unless `email` is one that it claims."""
    email = email or user.shown_email
    if not email:
        return
    token = new_token()
    expires_at = now + holds_for
    PasswordToken.objects.create(
        user=user, email=email, token_hash=hash_token(token), created_at=now, expires_at=expires_at
    )
    url = _page_for_links()
    context: dict[str, object] = {
        "token": token,
        "link": f"{url}?{urlencode({'token': token})}" if url else "",
        "hours": int(holds_for.total_seconds() // 3600),
    }
    mail_account(user, template, context, recipient=email, secret=True, expires_at=expires_at)


def _page_for_links() -> str:
    """The front end's; without one our own, where the outside's address of it is known."""
    shared = settings.SHARED
    if shared.password_url:
        return str(shared.password_url)
    return f"{shared.public_url}/password" if shared.public_url else ""


def confirm_reset(*, token: str, password: str, address: str) -> User:
    """The address of the mail is verified by it. Whoever reads the account's mail is known at this address from now on.
    Raises LinkNotValid, InvalidRequest."""
    user = _use(token, password)
    now = clock.now()
    lockout.succeed(Guess(account=f"user {user.pk}", address=address), now=now)
    return user


@in_one_transaction
def _use(token: str, password: str) -> User:
    # Locked: of two that use one link at once, the second finds it used.
    sent = PasswordToken.objects.select_for_update().filter(token_hash=hash_token(token)).first()
    if sent is None or sent.used_at is not None or sent.expires_at <= clock.now() or not sent.user.is_active:
        raise LinkNotValid
    user = User.objects.select_for_update().get(pk=sent.user_id)
    if sent.email and user.email != sent.email:
        if not ContactClaim.objects.filter(user=user, kind=ContactKind.EMAIL, value=sent.email).exists():
            raise LinkNotValid  # Another account has verified the address, or this one names another.
        accept_email(user, sent.email, now=clock.now())
    return set_password(user=user, password=password)


@in_one_statement
def prune_password_tokens(*, older_than: datetime) -> int:
    return PasswordToken.objects.filter(expires_at__lt=older_than).delete()[0]
