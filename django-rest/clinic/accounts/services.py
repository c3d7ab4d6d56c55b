from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import F
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.exceptions import TokenError

from clinic.accounts import lockout
from clinic.accounts.lockout import Guess
from clinic.accounts.mails import end_password_links, mail_account
from clinic.accounts.models import Role, User, normalise_email
from clinic.accounts.phones import normalise_phone
from clinic.accounts.queries import find_user_by_sign_in, get_session_user
from clinic.accounts.refresh_families import end_family, is_living, rotate, start_family
from clinic.accounts.sign_in_addresses import record_sign_in
from clinic.accounts.tokens import FamilyToken, read_access_token, read_refresh_token
from clinic.common import clock
from clinic.common.errors import ChairsideError, InvalidRequest, NotAName
from clinic.common.plain_names import fault_in
from clinic.common.transactions import in_one_transaction
from clinic.common.versions import ANY_VERSION, Expected, write_changes

DUPLICATE_KEY = 1062
PATIENT_ROLES = frozenset({Role.PATIENT})


class WrongAccountKind(ChairsideError):  # noqa: N818 - named as the user would say it
    code = "wrong_account_kind"
    status = 403
    detail = "This account belongs to the other sign-in page."


@dataclass(frozen=True, slots=True)
class TokenPair:
    access: str
    refresh: str


def sign_in(*, username: str, password: str, address: str, roles: Collection[str] | None = None) -> TokenPair:
    """Raises AuthenticationFailed, the same for an unknown name and a wrong password, Locked and WrongAccountKind."""
    user = check_credentials(username=username, password=password, address=address)
    if roles is not None and user.role not in roles:
        raise WrongAccountKind
    return issue_tokens(user=user)


def check_credentials(*, username: str, password: str, address: str) -> User:
    """Whose name and password these are. Raises AuthenticationFailed, Locked. Call outside of any transaction."""
    now, name = clock.now(), _as_stored(username)
    user = find_user_by_sign_in(name)
    guess = Guess(account=f"user {user.pk}" if user else f"name {name}", address=address)
    lockout.begin(guess, now=now)
    if user is None:
        User().set_password(password)  # As slow as a wrong password, so that nothing tells who has an account.
    if user is None or not user.check_password(password) or not user.is_active:
        raise AuthenticationFailed("No active account with this name and password.", "no_active_account")
    lockout.succeed(guess, now=now)
    record_sign_in(account=guess.account, address=address, now=now)
    return user


def issue_tokens(*, user: User) -> TokenPair:
    return _pair_of(start_family(user=user, now=clock.now()))


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
def create_user(*, email: str, password: str | None, role: Role, **fields: object) -> User:
    """Without a password, nobody can sign in until one is set by mail.

    Raises InvalidRequest, with the name of the input, for an e-mail or phone that is taken or a weak password.
    """
    user = User(email=normalise_email(email), role=role, **fields)
    check_name(user.name)
    _check_is_free(user)
    if password is not None:
        check_password_strength(password, user=user)
    user.set_password(password)
    with _refusing_what_was_taken_meanwhile():
        user.save()
    return user


@in_one_transaction
def change_profile(
    *, user: User, changes: dict[str, str], touched: bool = False, expected: Expected = ANY_VERSION
) -> User:
    """`changes` may hold name, email and phone; `touched`: something else that is shown with them changes.

    Raises StaleVersion, PreconditionFailed, InvalidRequest.
    """
    user = User.objects.select_for_update().get(pk=user.pk)
    expected.check(user.version)
    if changes:
        write_profile(user, changes)
    else:
        write_changes(user, {}, touched=touched)
    return user


def write_profile(user: User, changes: dict[str, str]) -> None:
    """Call with the row locked. Who read the account's mail so far is told, there. Raises InvalidRequest."""
    former = user.email
    if "name" in changes and changes["name"] != user.name:
        check_name(changes["name"])
    for name, value in changes.items():
        setattr(user, name, value)
    _check_is_free(user)
    with _refusing_what_was_taken_meanwhile():
        write_changes(user, changes)
    if user.email != former:
        end_password_links(user)
        mail_account(user, "email_changed", recipient=former)


def check_name(name: str) -> None:
    """Of a person, whoever types it. Raises NotAName."""
    if fault := fault_in(name):
        raise NotAName(fault)


def check_password_strength(password: str, *, user: User, attr: str = "password") -> None:
    """Raises InvalidRequest."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise InvalidRequest(" ".join(error.messages), attr=attr) from None


def _check_is_free(user: User) -> None:
    others = User.objects.exclude(pk=user.pk)
    if others.filter(email=user.email).exists():
        raise _taken("email")
    if user.phone and others.filter(phone=user.phone).exists():
        raise _taken("phone")


@contextmanager
def _refusing_what_was_taken_meanwhile() -> Iterator[None]:
    """Two people give the same e-mail at once and both find it free: the unique key lets one through."""
    try:
        yield
    except IntegrityError as error:
        if error.args[0] != DUPLICATE_KEY:
            raise
        key = str(error.args[1]).rpartition(" for key ")[2]
        raise _taken("phone" if "phone" in key else "email") from error


def _taken(attr: Literal["email", "phone"]) -> InvalidRequest:
    return InvalidRequest(f"There is an account with this {attr.replace('email', 'e-mail')} already.", attr=attr)


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
