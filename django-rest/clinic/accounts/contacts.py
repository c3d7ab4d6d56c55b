"""E-mail addresses and phones of accounts: claims until they are verified.

An account may name any address. Nothing follows from that for anybody else: it blocks no sign-up and no invitation, and
no answer tells of it. Whoever reads the address's mail verifies it, and then all other claims of it end. A changed
address can be taken back for a week by a mail to the former one.
"""

from datetime import datetime, timedelta
from functools import partial

from django.db import IntegrityError, connection
from django.db.models import F, QuerySet
from django.utils.crypto import salted_hmac

from clinic.accounts.link_tokens import LinkNotValid, hash_token, link_to, new_token
from clinic.accounts.mails import end_password_links, mail_account
from clinic.accounts.models import ContactChange, ContactClaim, ContactKind, User, claim_value_of
from clinic.accounts.phones import NO_PHONE, Phone
from clinic.common.errors import ChairsideError
from clinic.common.isolation import sum_isolated
from clinic.common.limits import Limit, is_exceeded, limit_user
from clinic.common.mysql.conditions import is_duplicate
from clinic.common.transactions import in_one_statement, in_one_transaction, savepoint
from clinic.common.versions import raise_versions, write_changes

EMAIL_KEY = "email"
MAX_CLAIMS_PER_VALUE = 5
VERIFICATION_HOLDS_FOR = timedelta(days=3)
UNDO_HOLDS_FOR = timedelta(days=7)
MAX_MAILS_AT_ONCE = 200
MAILS_BY_ADDRESS = Limit("verification-mail", 3, timedelta(hours=1))
RESENDS_BY_ACCOUNT = Limit("verification-mail-again", 3, timedelta(hours=1))


class ContactNotVerified(ChairsideError):  # noqa: N818 - named as the user would say it
    code = "contact_not_verified"
    status = 403
    detail = (
        "Verify your e-mail or phone first: open the link in the mail, or give the code that was sent to the phone."
    )


def check_is_verified(user: User) -> None:
    """For what a guest cannot do. Raises ContactNotVerified."""
    if not user.is_verified:
        raise ContactNotVerified


def claim_contact(user: User, kind: ContactKind, value: str, *, now: datetime, password: str | None = None) -> None:
    """In place of the account's former claim. Of more than five claims of one value, the oldest end. The statements are
    the same whoever else has the value. Requires: transaction."""
    assert connection.in_atomic_block
    ContactClaim.objects.filter(user=user, kind=kind).delete()
    ContactClaim.objects.create(
        user=user,
        kind=kind,
        value=value,
        password_mark=None if password is None else password_mark(value, password),
        created_at=now,
    )
    newest = list(open_claims(kind, value).values_list("pk", flat=True))
    # By its number: a claim that another account commits between the two statements is newer, and stays.
    ended_before = newest[-1] if len(newest) == MAX_CLAIMS_PER_VALUE else 0
    ContactClaim.objects.filter(kind=kind, value=value, pk__lt=ended_before).delete()
    user._prefetched_objects_cache = {}  # type: ignore[attr-defined]  # `claims`


def open_claims(kind: ContactKind, value: str) -> QuerySet[ContactClaim]:
    """The newest first."""
    return ContactClaim.objects.filter(kind=kind, value=value).order_by("-pk")[:MAX_CLAIMS_PER_VALUE]


def request_verification(user: User, *, now: datetime) -> None:
    """Have the link sent by the worker, so that no time tells whose address it is."""
    ContactClaim.objects.filter(user=user, kind=ContactKind.EMAIL).update(mail_requested_at=now)


def resend_verification(*, user: User, now: datetime) -> None:
    """The same answer without a claim. Raises Throttled. Call outside of any transaction."""
    limit_user(RESENDS_BY_ACCOUNT, user.pk, now=now)
    request_verification(user, now=now)


def password_mark(value: str, password: str) -> int:
    """One of 256. Keyed with the service's secret, and too short to find a password by."""
    return salted_hmac("clinic.accounts.claim", f"{value}\0{password}", algorithm="sha256").digest()[0]


def mark_claims(user: User, password: str) -> None:
    """Call with every new password. Requires: transaction."""
    for claim in ContactClaim.objects.filter(user=user, kind=ContactKind.EMAIL):
        claim.password_mark = password_mark(claim.value, password)
        claim.save(update_fields=["password_mark"])


def find_claimant(email: str, password: str) -> User | None:
    """The one active account that claims this address and has this password. A wrong password is hashed by none of
    them, but for one in 256: the time tells nothing."""
    mark = password_mark(email, password)
    claims = [claim for claim in open_claims(ContactKind.EMAIL, email) if claim.password_mark == mark]
    users = User.objects.select_related("clinic", "practitioner", "patient").filter(
        pk__in=[claim.user_id for claim in claims], is_active=True
    )
    found = [user for user in users if user.check_password(password)]
    return found[0] if len(found) == 1 else None


# Mails


def send_requested_verifications(*, now: datetime) -> int:
    """The worker's part of `request_verification`. Returns the number of mails."""
    waiting = ContactClaim.objects.filter(mail_requested_at__isnull=False).order_by("pk").values_list("pk", flat=True)
    return sum_isolated(list(waiting[:MAX_MAILS_AT_ONCE]), partial(_send_requested, now=now))


@in_one_transaction
def _send_requested(claim_id: int, *, now: datetime) -> bool:
    waiting = ContactClaim.objects.select_for_update(skip_locked=True).filter(mail_requested_at__isnull=False)
    claim = waiting.filter(pk=claim_id).first()
    if claim is None:  # Another worker got there first.
        return False
    claim.mail_requested_at = None
    claim.save(update_fields=["mail_requested_at"])
    if not claim.user.is_active or is_exceeded(MAILS_BY_ADDRESS, claim.value, now=now):
        return False
    owner = User.objects.filter(email=claim.value).first()
    if owner is not None:
        mail_account(owner, "email_known")
        return True
    token, expires_at = new_token(), now + VERIFICATION_HOLDS_FOR
    claim.token_hash, claim.token_expires_at = hash_token(token), expires_at
    claim.save(update_fields=["token_hash", "token_expires_at"])
    context = {"token": token, "link": link_to("/email/verify", token), "hours": _hours(VERIFICATION_HOLDS_FOR)}
    mail_account(claim.user, "email_verification", context, recipient=claim.value, secret=True, expires_at=expires_at)
    return True


# Verified


@in_one_transaction
def verify_email(*, token: str, now: datetime) -> User:
    """By the token of a mail. Every session of the account ends. Raises LinkNotValid."""
    sent = ContactClaim.objects.filter(token_hash=hash_token(token)).first()
    if sent is None:
        raise LinkNotValid
    user = User.objects.select_for_update().get(pk=sent.user_id)
    claim = ContactClaim.objects.filter(pk=sent.pk, token_hash=sent.token_hash).first()
    if claim is None or claim.token_expires_at is None or claim.token_expires_at <= now or not user.is_active:
        raise LinkNotValid
    accept_email(user, claim.value, now=now)
    User.objects.filter(pk=user.pk).update(token_version=F("token_version") + 1)
    return _reread(user)


def accept_email(user: User, email: str, *, now: datetime) -> None:
    """The address is the account's from now on, and its patient record shows it. Requires: account locked.

    Raises LinkNotValid: another account has verified it in the meantime.
    """
    former = user.email
    _write_unless_taken(user, {"email": email})
    # All at once, in one order: of two accounts that verify one address, the second waits, and finds its claim ended.
    ContactClaim.objects.filter(kind=ContactKind.EMAIL, value=email).delete()
    ContactClaim.objects.filter(user=user, kind=ContactKind.EMAIL).delete()
    _show_in_record(user, {"email": email})
    end_password_links(user)
    if former and former != email:
        _offer_undo(user, ContactKind.EMAIL, former, recipient=former, template="email_changed", now=now)


def accept_phone(user: User, phone: Phone, *, now: datetime | None) -> None:
    """The phone is the account's from now on; `NO_PHONE`: none. Nothing of anybody else's ends: families share one.
    Requires: account locked."""
    former = user.whole_phone
    verified_at = now if phone.number else None
    write_changes(user, {"phone": phone.number or None, "phone_extension": "", "phone_verified_at": verified_at})
    ContactClaim.objects.filter(user=user, kind=ContactKind.PHONE).delete()
    if former not in (NO_PHONE, phone) and user.email and now is not None:
        _offer_undo(
            user, ContactKind.PHONE, claim_value_of(former), recipient=user.email, template="phone_changed", now=now
        )


@in_one_transaction
def undo_contact_change(*, token: str, now: datetime) -> User:
    """By the former address, for a week, once: it is the account's again, later changes end with it, and so does every
    session. Raises LinkNotValid, also if another account has verified the address since."""
    sent = ContactChange.objects.filter(token_hash=hash_token(token)).first()
    if sent is None:
        raise LinkNotValid
    user = User.objects.select_for_update().get(pk=sent.user_id)
    changes = ContactChange.objects.filter(user=user, kind=sent.kind, pk__gte=sent.pk, used_at=None)
    if sent.expires_at <= now or not changes.filter(pk=sent.pk).exists():
        raise LinkNotValid
    changes.update(used_at=now)
    ContactClaim.objects.filter(user=user).delete()
    if sent.kind == ContactKind.EMAIL:
        _write_unless_taken(user, {"email": sent.former})
        ContactClaim.objects.filter(kind=ContactKind.EMAIL, value=sent.former).delete()
        _show_in_record(user, {"email": sent.former})
    else:
        write_changes(user, {"phone": sent.former, "phone_extension": "", "phone_verified_at": now})
        _show_in_record(user, {"phone": sent.former, "phone_extension": ""})
    end_password_links(user)
    User.objects.filter(pk=user.pk).update(token_version=F("token_version") + 1)
    return _reread(user)


def _offer_undo(user: User, kind: ContactKind, former: str, *, recipient: str, template: str, now: datetime) -> None:
    token, expires_at = new_token(), now + UNDO_HOLDS_FOR
    ContactChange.objects.create(
        user=user, kind=kind, former=former, token_hash=hash_token(token), created_at=now, expires_at=expires_at
    )
    context = {"token": token, "link": link_to("/contact/undo", token), "days": UNDO_HOLDS_FOR.days}
    mail_account(user, template, context, recipient=recipient, secret=True, expires_at=expires_at)


def _write_unless_taken(user: User, changes: dict[str, str]) -> None:
    try:
        with savepoint():
            write_changes(user, changes)
    except IntegrityError as error:
        if not is_duplicate(error, EMAIL_KEY):
            raise
        raise LinkNotValid from error  # The unique key let another account through first.


def _show_in_record(user: User, changes: dict[str, str]) -> None:
    record = getattr(user, "patient", None)
    if record is not None:
        rows = type(record)._default_manager.filter(pk=record.pk)
        rows.update(**changes)
        raise_versions(rows)


def _reread(user: User) -> User:
    return User.objects.select_related("clinic", "practitioner", "patient").get(pk=user.pk)


def _hours(time: timedelta) -> int:
    return int(time.total_seconds() // 3600)


@in_one_statement
def prune_contact_changes(*, older_than: datetime) -> int:
    return ContactChange.objects.filter(expires_at__lt=older_than).delete()[0]
