"""From how many addresses people sign in. If it is one for all of them, a proxy in front is probably missing from
`TRUSTED_PROXIES`: then one stranger's wrong passwords lock everybody out, and all guests share one limit."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from clinic.common.limits import Limit, count_subjects, note_attempts

# Counted, never limited.
BY_ACCOUNT = Limit("signed-in-account", 0, timedelta(days=1))
BY_ADDRESS = Limit("signed-in-address", 0, timedelta(days=1))
# A small clinic behind one line has few accounts; fewer than these say nothing.
SUSPICIOUS_ACCOUNTS = 5


@dataclass(frozen=True, slots=True)
class SignInSpread:
    """Sign-ins of the last day."""

    accounts: int
    addresses: int

    @property
    def shares_one_address(self) -> bool:
        return self.accounts >= SUSPICIOUS_ACCOUNTS and self.addresses == 1


def record_sign_in(*, account: str, address: str, now: datetime) -> None:
    """Call outside of any transaction. One statement."""
    note_attempts({BY_ACCOUNT: account, BY_ADDRESS: address}, now=now)


def sign_in_spread(*, now: datetime) -> SignInSpread:
    """Two queries."""
    return SignInSpread(count_subjects(BY_ACCOUNT, now=now), count_subjects(BY_ADDRESS, now=now))
