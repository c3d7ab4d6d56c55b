"""Taken time: what claims it, and the intervals in which something is taken. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from clinic_stream.instants import in_zone, said
from clinic_stream.json_bytes import kept_json


@dataclass(frozen=True, slots=True)
class Hold:
    """A row of live_hold, in its column order."""

    id: int
    clinic_id: int
    practitioner_id: int
    starts_at: datetime
    ends_at: datetime
    expires_at: datetime
    blocked_from: datetime
    blocked_until: datetime

    def encoded(self, zone: ZoneInfo) -> bytes:
        """As the REST API's calendar shows it: nothing of who holds it."""

        def minute(at: datetime) -> str:
            return in_zone(at, zone).isoformat(timespec="seconds")

        return kept_json(
            {
                "id": self.id,
                "practitioner": self.practitioner_id,
                "start": minute(self.starts_at),
                "end": minute(self.ends_at),
                "blocked_from": minute(self.blocked_from),
                "blocked_until": minute(self.blocked_until),
                "expires_at": said(self.expires_at, zone),
            }
        )


class Claim(Protocol):
    """Common fields of an `Appointment` and a `Hold`."""

    @property
    def practitioner_id(self) -> int: ...
    @property
    def blocked_from(self) -> datetime: ...
    @property
    def blocked_until(self) -> datetime: ...


class TakenInterval(NamedTuple):
    """Taken time, from and until naive UTC instants."""

    starts_at: datetime
    ends_at: datetime


def joined(intervals: Iterable[TakenInterval]) -> list[TakenInterval]:
    """In order, and those that touch or overlap as one."""
    found: list[TakenInterval] = []
    for interval in sorted(intervals):
        if found and interval.starts_at <= found[-1].ends_at:
            found[-1] = TakenInterval(found[-1].starts_at, max(found[-1].ends_at, interval.ends_at))
        else:
            found.append(interval)
    return found
