"""The bytes on the wire: Server-Sent Events as in WHATWG HTML, section 9.2, with LF line ends."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import orjson
from sse_starlette import ServerSentEvent

from clinic_stream.state import EventId

RETRY_MS = 2000


def event(**fields: Any) -> bytes:
    return ServerSentEvent(**fields, sep="\n").encode()


# Sent at once, so that proxies and clients know the stream is open. Ends its event, though it holds none.
OPENING = event(retry=RETRY_MS)


def snapshot(rows: Iterable[bytes], *, at: EventId, as_of: datetime, named: bool) -> bytes:
    """Everything an audience sees. Only in delta mode has it a name, so that `onmessage` works in snapshot mode."""
    body = b'{"appointments":[%b],"seq":%d,"as_of":"%b"}' % (
        b",".join(rows),
        at.seq,
        as_of.isoformat(timespec="milliseconds").encode(),
    )
    return event(id=str(at), event="snapshot" if named else None, data=body.decode())


def change(upserts: Iterable[bytes], removes: Iterable[int], *, at: EventId) -> bytes:
    body = b'{"upserts":[%b],"removes":%b,"seq":%d}' % (b",".join(upserts), orjson.dumps(list(removes)), at.seq)
    return event(id=str(at), event="change", data=body.decode())


def cursor(at: EventId) -> bytes:
    """A heartbeat: an id without data moves the reader's cursor and fires no event."""
    return event(id=str(at))


def comment(text: str) -> bytes:
    return event(comment=text)


def control(name: str, body: dict[str, Any], *, retry_ms: int | None = None) -> bytes:
    """Carries no id, so the reader's cursor stays. `retry_ms` only where coming back makes sense."""
    return event(event=name, data=orjson.dumps(body).decode(), retry=retry_ms)


STALE = control("stale", {"detail": "The database cannot be reached: what you see may be old."})
FRESH = control("fresh", {"detail": "The database is back: what you see is current."})
EXPIRED = control("expired", {"detail": "The access token has expired: connect with a new one."}, retry_ms=1000)
REVOKED = control("revoked", {"detail": "This access has ended: sign in again."})


def token_expiring(seconds: float) -> bytes:
    return control("token-expiring", {"expires_in": round(seconds)})


def drain(retry_ms: int) -> bytes:
    return control("drain", {"detail": "The service restarts: connect again."}, retry_ms=retry_ms)
