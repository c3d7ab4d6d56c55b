from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db.models import F
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.exceptions import TokenError

from clinic.accounts import lockout
from clinic.accounts.contacts import accept_phone, claim_contact, find_claimant, request_verification
from clinic.accounts.lockout import Guess
from clinic.accounts.models import ContactClaim, ContactKind, Role, User, claim_value_of, normalise_email
from clinic.accounts.phones import NO_PHONE, Phone, normalise_phone
from clinic.accounts.queries import find_user_by_sign_in, get_session_user
from clinic.accounts.refresh_families import end_family, is_living, rotate, start_family
from clinic.accounts.sign_in_addresses import record_sign_in
from clinic.accounts.tokens import FamilyToken, read_access_token, read_refresh_token
from clinic.common import clock
from clinic.common.errors import ChairsideError, InvalidRequest
from clinic.common.names import check_name
from clinic.common.request_metrics import SignInResult, count_sign_in
from clinic.common.transactions import in_one_transaction
from clinic.common.versions import ANY_VERSION, Expected, write_changes
from clinic.outbox.push_subscriptions import forget_browsers

PATIENT_ROLES = frozenset({Role.PATIENT})


class WrongAccountKind(ChairsideError):  # noqa: N818 - named as the user would say it
    code = "wrong_account_kind"
    status = 403
    detail = "This account belongs to the other sign-in page."


@dataclass(frozen=True, slots=True)
class TokenPair:
    access: str
    refresh: str


def sign_in(
    *, username: str, password: str, address: str, roles: Collection[str] | None = None, device: str = ""
) -> TokenPair:
    """Raises AuthenticationFailed, the same for an unknown name and a wrong password, Locked and WrongAccountKind."""
    user = check_credentials(username=username, password=password, address=address)
    if roles is not None and user.role not in roles:
        raise WrongAccountKind
    return issue_tokens(user=user, device=device)


def check_credentials(*, username: str, password: str, address: str) -> User:
    """The account with this name and password: by verified address or phone, else the only one of those
    that claim the address. Raises AuthenticationFailed, Locked. Call outside of any transaction."""
    try:
        user = _account_of(username, password, address)
    except lockout.Locked:
        count_sign_in(SignInResult.LOCKED)
        raise
    except AuthenticationFailed:
        count_sign_in(SignInResult.FAILED)
        raise
    count_sign_in(SignInResult.SUCCEEDED)
    return user


def _account_of(username: str, password: str, address: str) -> User:
    now, name = clock.now(), _as_stored(username)
    user = find_user_by_sign_in(name)
    guess = Guess(account=f"user {user.pk}" if user else f"name {name}", address=address)
    lockout.begin(guess, now=now)
    if user is None:
        User().set_password(password)  # As slow as a wrong password, so that nothing tells who has an account.
    if user is not None and user.check_password(password) and user.is_active:
        lockout.succeed(guess, now=now)
        record_sign_in(account=guess.account, address=address, now=now)
        return user
    claimant = find_claimant(name, password) if "@" in name else None
    if claimant is None:
        raise AuthenticationFailed("No active account with this name and password.", "no_active_account")
    lockout.take_back(guess, now=now)
    record_sign_in(account=f"user {claimant.pk}", address=address, now=now)
    return claimant


def issue_tokens(*, user: User, device: str = "") -> TokenPair:
    return _pair_of(start_family(user=user, now=clock.now(), device=device))


def rotate_tokens(*, refresh: str, now: datetime) -> TokenPair:
    """A new pair for a refresh token, used up by it. Call outside of any transaction. Raises AuthenticationFailed."""
    rotated = rotate(_read_refresh(refresh), now=now)
    if rotated is None:
        raise _refused()
    _, following = rotated
    return _pair_of(following)


def sign_out(*, refresh: str, now: datetime) -> None:
    """Every refresh token of this sign-in is worth nothing from here on. Raises AuthenticationFailed."""
    if not end_family(_read_refresh(refresh), now=now):
        raise _refused()


@in_one_transaction
def sign_out_everywhere(*, user: User) -> None:
    """Every token of the user ends now, and every open stream."""
    User.objects.filter(pk=user.pk).update(token_version=F("token_version") + 1)
    forget_browsers(user_id=user.pk)


def verify_token(*, token: str, now: datetime) -> None:
    """Raises AuthenticationFailed unless it is an access or refresh token of a living session."""
    for read in (read_access_token, read_refresh_token):
        try:
            claims = read(token)
        except TokenError:
            continue
        is_usable = not isinstance(claims, FamilyToken) or is_living(claims, now=now)
        if is_usable and get_session_user(user_id=claims["user_id"], token_version=claims["ver"]) is not None:
            return
    raise _refused()


@in_one_transaction
def create_user(
    *, email: str, password: str | None, role: Role, phone: Phone = NO_PHONE, now: datetime, **fields: object
) -> User:
    """E-mail and phone are claims; the worker sends the link that verifies the e-mail. Without a password, nobody can
    sign in until one is set by mail: an invitation, which verifies the e-mail as well.

    Raises InvalidRequest, with the name of the input, for a weak password.
    """
    user, email = User(role=role, **fields), normalise_email(email)
    check_name(user.name)
    if password is not None:
        # No password is made of the address.
        user.email = email
        check_password_strength(password, user=user)
        user.email = None
    user.set_password(password)
    user.save()
    claim_contact(user, ContactKind.EMAIL, email, now=now, password=password)
    if phone.number:
        claim_contact(user, ContactKind.PHONE, claim_value_of(phone), now=now)
    if password is not None:
        request_verification(user, now=now)
    return user


def check_is_free(email: str, *, attr: str = "email") -> None:
    """For whom the owner of a clinic makes an account. Claims do not count. Raises InvalidRequest."""
    if User.objects.filter(email=normalise_email(email)).exists():
        raise InvalidRequest("There is an account with this e-mail already.", attr=attr)


@in_one_transaction
def change_profile(
    *,
    user: User,
    changes: dict[str, Any],
    touched: bool = False,
    password: str | None = None,
    expected: Expected = ANY_VERSION,
) -> User:
    """`changes` may hold name, email, phone and phone_extension; `touched`: something else that is shown with them
    changes.

    Raises StaleVersion, PreconditionFailed, InvalidRequest.
    """
    user = User.objects.select_for_update().get(pk=user.pk)
    expected.check(user.version)
    if changes:
        write_profile(user, changes, now=clock.now(), password=password)
    else:
        write_changes(user, {}, touched=touched)
    return user


def new_contacts(user: User, changes: dict[str, Any]) -> dict[ContactKind, str]:
    """Addresses among the changes that the account neither has nor claims yet; an empty phone: none any more."""
    claimed = user.claimed
    new: dict[ContactKind, str] = {}
    if "email" in changes and changes["email"] not in (user.email, claimed.get(ContactKind.EMAIL)):
        new[ContactKind.EMAIL] = changes["email"]
    phone = phone_in(user, changes)
    if phone is not None and phone != user.whole_phone:
        value = claim_value_of(phone)
        if value != claimed.get(ContactKind.PHONE):
            new[ContactKind.PHONE] = value
    return new


def phone_in(user: User, changes: dict[str, Any]) -> Phone | None:
    if changes.keys().isdisjoint({"phone", "phone_extension"}):
        return None
    known = user.shown_phone
    return Phone(changes.get("phone", known.number) or "", changes.get("phone_extension", known.extension))


def write_profile(user: User, changes: dict[str, Any], *, now: datetime, password: str | None = None) -> None:
    """Call with the row locked. Another e-mail or phone is a claim, and takes effect when it is verified. With
    the password, a claimed e-mail signs in. Raises InvalidRequest."""
    if "name" in changes and changes["name"] != user.name:
        check_name(changes["name"])
    new, phone = new_contacts(user, changes), phone_in(user, changes)
    if phone == NO_PHONE:
        ContactClaim.objects.filter(user=user, kind=ContactKind.PHONE).delete()
    if ContactKind.EMAIL in new:
        claim_contact(user, ContactKind.EMAIL, new[ContactKind.EMAIL], now=now, password=password)
        request_verification(user, now=now)
    if new.get(ContactKind.PHONE):
        claim_contact(user, ContactKind.PHONE, new[ContactKind.PHONE], now=now)
    elif ContactKind.PHONE in new:
        accept_phone(user, NO_PHONE, now=now)
    own = {"name": changes["name"]} if "name" in changes else {}
    write_changes(user, own, touched=True)


def check_password_strength(password: str, *, user: User, attr: str = "password") -> None:
    """Raises InvalidRequest."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise InvalidRequest(" ".join(error.messages), attr=attr) from None


def _as_stored(username: str) -> str:
    if "@" in username:
        return normalise_email(username)
    try:
        return normalise_phone(username)
    except InvalidRequest:
        return username


def _pair_of(refresh: FamilyToken) -> TokenPair:
    return TokenPair(access=str(refresh.access_token), refresh=str(refresh))


def _read_refresh(text: str) -> FamilyToken:
    try:
        return read_refresh_token(text)
    except TokenError:
        raise _refused() from None


def _refused() -> AuthenticationFailed:
    return AuthenticationFailed("The token is invalid or has expired.", "token_not_valid")


def choose_page_language(*, user: User, language: str) -> None:
    User.objects.filter(pk=user.pk).update(language=language)
