"""A user's own notifications."""

from collections.abc import Set
from datetime import datetime

from clinic_stream import frames
from clinic_stream.audiences import InboxAudience
from clinic_stream.event_ids import EventId
from clinic_stream.frames import EventMembers, Frame
from clinic_stream.inbox import Inbox
from clinic_stream.params import Mode
from clinic_stream.topics import ListTopic, Opening, TopicContext

EMPTY = Inbox({}, 0, seq=0)


class InboxTopic(ListTopic[int]):
    """A user's own notifications. Empty until their inbox has been loaded."""

    __slots__ = ("audience", "inbox", "is_loaded")

    kind = "notifications"

    def __init__(self, clinic: TopicContext, audience: InboxAudience, now: datetime) -> None:
        super().__init__(clinic, now)
        self.audience = audience
        self.inbox = EMPTY
        self.is_loaded = False

    def follow(self, changed_at: datetime | None = None) -> None:
        """Look at what is in the clinic's state now."""
        inbox = self.clinic.state.inboxes.get(self.audience.user_id)
        if inbox is None:
            return
        self.is_loaded = True
        former, self.inbox = self.inbox, inbox
        if inbox != former:  # Of what is too old to be shown, reading changes how much is unread.
            self._remember(inbox.differing_from(former), changed_at)

    def look_again(self) -> None:
        self.follow()

    def opening(self, last_id: EventId | None, mode: Mode, now: datetime) -> Opening:
        if last_id is not None and not self.clinic.state.is_news_to(self.audience.user_id, last_id):
            return Opening(self.clinic.cursor, "nothing")
        return self.opening_snapshot(mode, now)

    async def _encode_rows(self, most: float) -> int:
        return 0  # They are few.

    def _whole(self, at: EventId, as_of: datetime, *, named: bool) -> Frame:
        rows = self.inbox.rows.values()
        return frames.snapshot(rows, at=at, as_of=as_of, named=named, of=self.kind, members=self._members)

    def _part(self, ids: Set[int]) -> Frame:
        rows = self.inbox.rows
        upserts = [row for row_id, row in rows.items() if row_id in ids]
        removes = sorted(ids - rows.keys())
        return frames.change(upserts, removes, at=self.clinic.event_id, members=self._members)

    @property
    def _members(self) -> EventMembers:
        return {"unread_count": self.inbox.unread_count}
