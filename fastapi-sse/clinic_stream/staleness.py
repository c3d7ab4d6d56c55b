"""Parts that cannot be followed at the moment: since when and why. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Cause(StrEnum):
    """Reasons for being stale. The first three concern the whole service, the others one clinic."""

    DATABASE = "database"  # The heads cannot be read.
    ACCOUNTS = "accounts"  # Changes of accounts cannot be read, so nobody's rights can be verified.
    REPLICA = "replica"  # No pulse arrives at the replica that is read.
    BEHIND = "behind"  # The clinic's head has moved, and reading what is new takes long.
    UNREADABLE = "unreadable"  # Reading the clinic failed.
    HEAD_MISSING = "head_missing"
    HEAD_BACKWARDS = "head_backwards"  # The database knows less than the stream has shown.


@dataclass(frozen=True, slots=True)
class Trouble:
    cause: Cause
    since: datetime
    reason: str = ""  # One of `errors.Reason`, or empty.


class Staleness:
    """The troubles of the service or of one clinic: fresh while there are none."""

    __slots__ = ("_troubles",)

    def __init__(self) -> None:
        self._troubles: dict[Cause, Trouble] = {}

    @property
    def is_stale(self) -> bool:
        return bool(self._troubles)

    @property
    def since(self) -> datetime | None:
        """The start of the oldest trouble; None while fresh."""
        return min((trouble.since for trouble in self._troubles.values()), default=None)

    @property
    def troubles(self) -> list[Trouble]:
        """Oldest first."""
        return sorted(self._troubles.values(), key=lambda trouble: trouble.since)

    def has(self, cause: Cause) -> bool:
        return cause in self._troubles

    def mark_stale(self, cause: Cause, now: datetime, reason: str = "") -> bool:
        """Add a trouble; a known cause keeps its start. Returns whether this ended a fresh period."""
        was_stale = self.is_stale
        known = self._troubles.get(cause)
        if known is None or known.reason != reason:
            self._troubles[cause] = Trouble(cause, known.since if known else now, reason)
        return not was_stale

    def mark_fresh(self, causes: Iterable[Cause]) -> bool:
        """Remove these troubles. Returns whether this ended a stale period."""
        was_stale = self.is_stale
        for cause in causes:
            self._troubles.pop(cause, None)
        return was_stale and not self.is_stale
