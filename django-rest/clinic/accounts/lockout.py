"""Guessing of passwords is stopped, and a stranger who guesses cannot keep the account's owner out.

Wrong passwords are counted for each account and address, and for each account from anywhere. The first count locks
the guesser's own address out. The second stops guessing from many addresses at once, but not at an address from which
this account has signed in lately, or set its password by mail. Both end by themselves.

An attempt is counted before the password is looked at and taken back when it was right, so that a hundred guesses at
once are a hundred guesses. An account that does not exist is counted and locked like any other.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from clinic.common.errors import Throttled
from clinic.common.limits import Limit, count_attempt, forget_attempts, note_attempts, take_back_attempt, was_attempted

FROM_HERE = Limit("wrong-password-here", 5, timedelta(minutes=15))
FROM_ANYWHERE = Limit("wrong-password", 30, timedelta(minutes=15))
KNOWN = Limit("known-address", 0, timedelta(days=60))


class Locked(Throttled):
    code = "locked"
    detail = "Too many wrong passwords. Please wait, or have a mail sent that sets a new one."


@dataclass(frozen=True, slots=True)
class Guess:
    """One attempt to sign in. `account` is the user's id, or the name given where there is no such user."""

    account: str
    address: str

    @property
    def here(self) -> str:
        return f"{self.account} {self.address}"


def begin(guess: Guess, *, now: datetime) -> None:
    """Call before the password is looked at, outside of any transaction. Raises Locked."""
    here = count_attempt(FROM_HERE, guess.here, now=now)
    if here.exceed(FROM_HERE):
        raise Locked(wait_seconds=here.seconds_left(FROM_HERE, now=now))
    if was_attempted(KNOWN, guess.here, now=now):
        return
    anywhere = count_attempt(FROM_ANYWHERE, guess.account, now=now)
    if anywhere.exceed(FROM_ANYWHERE):
        raise Locked(wait_seconds=anywhere.seconds_left(FROM_ANYWHERE, now=now))


def take_back(guess: Guess, *, now: datetime) -> None:
    """The password was right, but of an account that only claims the name: nothing is known of the name's owner, whose
    wrong passwords stay counted."""
    take_back_attempt(FROM_HERE, guess.here)
    if not was_attempted(KNOWN, guess.here, now=now):
        take_back_attempt(FROM_ANYWHERE, guess.account)


def succeed(guess: Guess, *, now: datetime) -> None:
    """The account's owner was here: the address is known from now on."""
    forget_attempts(FROM_HERE, guess.here)
    if not was_attempted(KNOWN, guess.here, now=now):
        take_back_attempt(FROM_ANYWHERE, guess.account)
    note_attempts({KNOWN: guess.here}, now=now)
