"""The bytes on the wire: Server-Sent Events as in WHATWG HTML, section 9.2, with LF line ends."""

from collections.abc import Iterable
from datetime import date, datetime
from functools import cached_property
from typing import Any

import orjson
from sse_starlette import ServerSentEvent

from clinic_stream import packing
from clinic_stream.event_ids import EventId

# How soon EventSource comes back. Not all at once: a service that was killed said no goodbye that would spread them.
RETRIES_MS = range(1500, 3001, 50)
# How long who was sent away, for somebody newer or for all who are here, should stay away.
REPLACED_RETRY_MS = 60_000


class Frame(bytes):
    """One event, in every form that readers take it in; each form is made once for all of them."""

    @cached_property
    def packed(self) -> bytes:
        return packing.packed(self)

    @cached_property
    def chunk(self) -> bytes:
        return chunk_of(self)

    @cached_property
    def packed_chunk(self) -> bytes:
        return chunk_of(self.packed)

    def form(self, *, is_packed: bool) -> bytes:
        return self.packed if is_packed else self

    def on_wire(self, *, is_packed: bool, is_chunked: bool) -> bytes:
        """The very object that all readers of this form are written."""
        if not is_chunked:
            return self.form(is_packed=is_packed)
        return self.packed_chunk if is_packed else self.chunk


def chunk_of(body: bytes) -> bytes:
    """A chunk of HTTP/1.1 (RFC 9112, section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(body), body)


def event(**fields: Any) -> Frame:
    return Frame(ServerSentEvent(**fields, sep="\n").encode())


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
    unread_count: int | None = None,
) -> Frame:
    """Everything an audience sees. Only in delta mode has it a name, so that `onmessage` works in snapshot mode."""
    body = b'{"%b":[%b],%b"seq":%d,"as_of":"%b"}' % (
        of.encode(),
        b",".join(rows),
        _unread(unread_count),
        at.seq,
        as_of.isoformat(timespec="milliseconds").encode(),
    )
    return event(id=str(at), event="snapshot" if named else None, data=body.decode())


def change(upserts: Iterable[bytes], removes: Iterable[int], *, at: EventId, unread_count: int | None = None) -> Frame:
    """`unread_count` where there is something to read."""
    body = b'{"upserts":[%b],"removes":%b,%b"seq":%d}' % (
        b",".join(upserts),
        orjson.dumps(list(removes)),
        _unread(unread_count),
        at.seq,
    )
    return event(id=str(at), event="change", data=body.decode())


def _unread(count: int | None) -> bytes:
    return b"" if count is None else b'"unread_count":%d,' % count


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
