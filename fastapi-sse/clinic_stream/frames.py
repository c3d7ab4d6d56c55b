"""The bytes on the wire: Server-Sent Events as in WHATWG HTML, section 9.2, with LF line ends."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from functools import cached_property
from typing import Any

import orjson
from sse_starlette import ServerSentEvent

from clinic_stream import compression
from clinic_stream.event_ids import EventId

# How soon EventSource comes back. Not all at once: a service that was killed sent no closing event to spread them.
RETRIES_MS = range(1500, 3001, 50)
# How long who was sent away, for somebody newer or for all who are here, should stay away.
REPLACED_RETRY_MS = 60_000


# Members of an event's data beside its rows.
EventMembers = Mapping[str, object]
NO_MEMBERS: EventMembers = {}


# To compress more than this takes longer than others should wait for.
LARGE_BYTES = 256 * 1024


class Frame(bytes):
    """One event, in every form that readers take it in; each form is made once for all of them."""

    @property
    def is_large(self) -> bool:
        return len(self) > LARGE_BYTES

    @property
    def is_gzipped(self) -> bool:
        return "gzipped" in self.__dict__

    async def compress(self) -> None:
        """Make the compressed form, of a large frame in a thread: the event loop is free meanwhile."""
        if not self.is_gzipped:
            gzipped = await asyncio.to_thread(compression.gzipped, self) if self.is_large else compression.gzipped(self)
            self.__dict__["gzipped"] = gzipped  # Past the property, whose lock all frames would wait for.

    @cached_property
    def gzipped(self) -> bytes:
        return compression.gzipped(self)

    @cached_property
    def chunk(self) -> bytes:
        return chunk_of(self)

    @cached_property
    def gzipped_chunk(self) -> bytes:
        return chunk_of(self.gzipped)

    def form(self, *, is_gzipped: bool) -> bytes:
        return self.gzipped if is_gzipped else self

    def on_wire(self, *, is_gzipped: bool, is_chunked: bool) -> bytes:
        """The very object that all readers of this form are written."""
        if not is_chunked:
            return self.form(is_gzipped=is_gzipped)
        return self.gzipped_chunk if is_gzipped else self.chunk


def chunk_of(body: bytes) -> bytes:
    """A chunk of HTTP/1.1 (RFC 9112, section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(body), body)


def event(**fields: Any) -> Frame:
    return Frame(ServerSentEvent(**fields, sep="\n").encode())


def _numbered(at: EventId, name: str | None, body: Iterable[bytes]) -> Frame:
    """An event with an id. `body`: the parts of one JSON document, which has no line ends. They are many megabytes at
    times, and copied once."""
    head = f"id: {at}\n" + (f"event: {name}\n" if name else "") + "data: "
    return Frame(b"".join([head.encode(), *body, b"\n\n"]))


def _joined(rows: Iterable[bytes]) -> Iterator[bytes]:
    separator = b""
    for row in rows:
        yield separator
        yield row
        separator = b","


# The first line of the first event. Not an event of its own: a client that passes blocks without data to its page
# (`@microsoft/fetch-event-source`) would make the page parse an empty text.
OPENINGS = tuple(Frame(b"retry: %d\n" % milliseconds) for milliseconds in RETRIES_MS)


def snapshot(
    rows: Iterable[bytes],
    *,
    at: EventId,
    as_of: datetime,
    named: bool,
    of: str = "appointments",
    members: EventMembers = NO_MEMBERS,
) -> Frame:
    """Everything an audience sees: rows, and facts beside them. Only in delta mode has it a name, so that `onmessage`
    works in snapshot mode."""
    tail = b'],%b"seq":%d,"as_of":"%b"}' % (
        _members(members),
        at.seq,
        as_of.isoformat(timespec="milliseconds").encode(),
    )
    return _numbered(at, "snapshot" if named else None, [b'{"%b":[' % of.encode(), *_joined(rows), tail])


def change(
    upserts: Iterable[bytes], removes: Iterable[int | str], *, at: EventId, members: EventMembers = NO_MEMBERS
) -> Frame:
    """`members` as they are now, also those that have not changed."""
    tail = b'],"removes":%b,%b"seq":%d}' % (orjson.dumps(list(removes)), _members(members), at.seq)
    return _numbered(at, "change", [b'{"upserts":[', *_joined(upserts), tail])


def members_alone(members: EventMembers, *, at: EventId, as_of: datetime, named: bool) -> Frame:
    """A snapshot without rows."""
    body = {**members, "seq": at.seq, "as_of": as_of.isoformat(timespec="milliseconds")}
    return event(id=str(at), event="snapshot" if named else None, data=orjson.dumps(body).decode())


def _members(members: EventMembers) -> bytes:
    return orjson.dumps(members)[1:-1] + b"," if members else b""


def availability(
    taken: Iterable[tuple[str, str]], *, practitioner_id: int, dates: tuple[date, date], at: EventId, as_of: datetime
) -> Frame:
    body = {
        "practitioner": practitioner_id,
        "from": dates[0],
        "to": dates[1],
        "taken": [{"start": start, "end": end} for start, end in taken],
        "seq": at.seq,
        "as_of": as_of.isoformat(timespec="milliseconds"),
    }
    return event(id=str(at), data=orjson.dumps(body).decode())


def heartbeat(at: EventId) -> Frame:
    """Moves the reader's cursor. `onmessage` of EventSource ignores it, as it has a name; and every block has data."""
    return event(id=str(at), event="heartbeat", data=f'{{"seq":{at.seq}}}')


def comment(text: str) -> Frame:
    """A line within the next event, for the same reason as `OPENINGS`."""
    return Frame(b": %b\n" % text.encode())


def control(name: str, body: dict[str, Any], *, retry_ms: int | None = None) -> Frame:
    """Carries no id, so the reader's cursor stays. `retry_ms` only where coming back makes sense."""
    return event(event=name, data=orjson.dumps(body).decode(), retry=retry_ms)


STALE = control("stale", {"detail": "The service cannot follow the database at the moment: what you see may be old."})
FRESH = control("fresh", {"detail": "The service follows the database again: what you see is current."})
EXPIRED = control("expired", {"detail": "The access token has expired: connect with a new one."}, retry_ms=1000)
REVOKED = control("revoked", {"detail": "This access has ended: sign in again."})


REPLACED = control(
    "replaced",
    {"detail": "You have opened newer streams than may stand side by side: this was the oldest."},
    retry_ms=REPLACED_RETRY_MS,
)


def token_expiring(seconds: float, connection_id: str) -> Frame:
    renew = f"/api/v1/sse/connections/{connection_id}/renew"
    return control("token-expiring", {"expires_in": round(seconds), "connection": connection_id, "renew": renew})


def drain(retry_ms: int, detail: str = "The service restarts: connect again.") -> Frame:
    return control("drain", {"detail": detail}, retry_ms=retry_ms)


def overloaded(retry_ms: int) -> Frame:
    return drain(retry_ms, "As many streams as can be served are open: connect again later.")
