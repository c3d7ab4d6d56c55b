"""A user's in-app messages: the newest of them, and how many are not read. Pure.

A clinic may have thousands of patients, so an inbox is in memory only while its user looks at it, and its rows only as
the bytes that are sent.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Self
from zoneinfo import ZoneInfo

from clinic_stream.instants import said
from clinic_stream.json_bytes import kept_json

NEWEST = 50


class InboxItem(NamedTuple):
    """A row of live_notification without its clinic. Instants are naive UTC."""

    id: int
    user_id: int
    kind: str
    title: str
    body: str
    appointment_id: int | None
    created_at: datetime
    read_at: datetime | None

    def encoded(self, zone: ZoneInfo) -> bytes:
        return kept_json(
            {
                "id": self.id,
                "kind": self.kind,
                "title": self.title,
                "body": self.body,
                "appointment": self.appointment_id,
                "created_at": said(self.created_at, zone),
                "read_at": said(self.read_at, zone),
            }
        )


@dataclass(frozen=True, slots=True)
class Inbox:
    """As of one sequence number, which says nothing about what is in it: two that show the same are equal."""

    rows: Mapping[int, bytes]  # The newest first.
    unread_count: int
    seq: int = field(compare=False)

    @classmethod
    def of(cls, rows: Iterable[InboxItem], unread_count: int, *, seq: int, zone: ZoneInfo) -> Self:
        newest = sorted(rows, key=lambda row: (row.created_at, row.id), reverse=True)[:NEWEST]
        return cls({row.id: row.encoded(zone) for row in newest}, unread_count, seq)

    def differing_from(self, other: Self) -> frozenset[int]:
        """The ids of what one of them shows and the other does not, or otherwise."""
        ids = self.rows.keys() | other.rows.keys()
        return frozenset(row_id for row_id in ids if self.rows.get(row_id) != other.rows.get(row_id))
