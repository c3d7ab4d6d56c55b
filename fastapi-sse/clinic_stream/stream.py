"""One stream: its headers, then everything until one side ends it. Every way it ends: docs/stream/endings.md."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from clinic_stream import frames
from clinic_stream.closing_events import REVOKED, STUCK
from clinic_stream.connections import Connection
from clinic_stream.event_ids import EventId
from clinic_stream.frames import Frame
from clinic_stream.hub import Hub, drained, overloaded
from clinic_stream.params import Mode
from clinic_stream.socket_writer import SocketWriter
from clinic_stream.topics import Snapshot, Topic
from clinic_stream.viewers import AnyViewer, Registered

SEND_SECONDS = 5.0
HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
}
STREAM_HEADERS = [
    *((name.lower().encode(), value.encode()) for name, value in HEADERS.items()),
    (b"vary", b"Accept-Encoding"),
]
GZIP_STREAM_HEADERS = [*STREAM_HEADERS, (b"content-encoding", b"gzip")]
CONNECTION_HEADER = b"x-connection-id"
NOT_LIVE = frames.comment("Live updates are switched off: this shows the moment it was opened.")

# Keys of the request's scope: a stream that waits for `RequestContext`, and the writer that a server offers.
OPENED = "clinic_stream.opened"
SOCKET_WRITER = "clinic_stream.socket_writer"


@dataclass(frozen=True, slots=True)
class Stream:
    hub: Hub
    topic: Topic
    viewer: AnyViewer | None
    mode: Mode
    last_id: EventId | None
    address: str
    is_gzipped: bool
    is_chunked: bool
    admits: Callable[[Registered], bool]
    connection_id: str
    was_sent_stale: bool = False  # Before this stream began.

    async def run(self, scope: Scope, receive: Receive, send: Send) -> dict[str, object]:
        """Send frames until one side ends the stream. The response's headers have been sent.

        Returns fields for the log: none of the content.
        """
        writer = socket_writer_of(scope)
        _forget_request(scope)
        connection = self.hub.enter(
            self.connection_id,
            self.topic,
            self.viewer,
            mode=self.mode,
            address=self.address,
            is_gzipped=self.is_gzipped,
            is_chunked=self.is_chunked,
        )
        try:
            opening, of = self._opening()
            connection.begin(opening, of=of, was_sent_stale=self.was_sent_stale)
            if isinstance(self.viewer, Registered) and not self.admits(
                self.viewer
            ):  # Lost since the check of the request.
                connection.end(REVOKED)
            if writer is None:
                await self._send_all(connection, receive, send)
            else:
                await connection.write_to(writer)
            if connection.is_over:
                await write(send, connection.trailer, more=False)
        except TimeoutError:
            connection.closing_event = STUCK
            if writer is not None:
                writer.reset()
        finally:
            self.hub.leave(connection)
        return {
            "connection": connection.id,
            "stream": self.topic.kind,
            "user": self.viewer and self.viewer.user_id,
            "last_id": connection.last_id,
            "reason": connection.closing_event.reason if connection.closing_event else "left",
        }

    async def _send_all(self, connection: Connection, receive: Receive, send: Send) -> None:
        left = asyncio.ensure_future(until_gone(receive))
        left.add_done_callback(lambda _: connection.wake())
        try:
            while not connection.is_over:
                await connection.woken()
                if left.done():
                    return
                if body := connection.take():
                    await write(send, body)
        finally:
            left.cancel()

    def _opening(self) -> tuple[list[Frame], Snapshot | None]:
        """The first frames, and the snapshot among them if changes lead on from it."""
        frame, result, of = self.topic.opening(self.last_id, self.mode, self.hub.clock())
        if self.last_id is not None:
            self.hub.counts.resumes[result] += 1
        opening = random.choice(frames.OPENINGS)  # noqa: S311  # Spreads load.
        return ([opening, frame] if self.hub.is_live else [opening, NOT_LIVE, frame]), of


class Opened(Protocol):
    """A stream, or one that waits for its content."""

    @property
    def connection_id(self) -> str: ...
    @property
    def is_gzipped(self) -> bool: ...
    async def run(self, scope: Scope, receive: Receive, send: Send) -> dict[str, object]: ...


class StreamResponse(Response):
    """Answers 200 and leaves the stream for `RequestContext`, so that the layers in between end before it begins.

    A stream that ran inside them would hold their frames and pass every chunk through their wrappers.
    """

    def __init__(self, stream: Opened) -> None:
        # `Response` would make the headers anew for each, and one of a length.
        self.status_code = 200
        self.raw_headers = [
            *(GZIP_STREAM_HEADERS if stream.is_gzipped else STREAM_HEADERS),
            (CONNECTION_HEADER, stream.connection_id.encode()),
        ]
        self.stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        scope[OPENED] = self.stream


def socket_writer_of(scope: Scope) -> SocketWriter | None:
    """The server's writer; None if it offers none."""
    return cast(SocketWriter | None, scope.get(SOCKET_WRITER))


def _forget_request(scope: Scope) -> None:
    """A stream stays for hours, and needs nothing more of the request that opened it than the server asks for."""
    method = scope["method"]
    scope["headers"].clear()
    scope.clear()
    scope["method"] = method


def accepts_gzip(headers: Headers) -> bool:
    """RFC 9110, section 12.5.3: `gzip`, unless its weight is zero."""
    for part in headers.get("accept-encoding", "").lower().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() == "gzip":
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


def farewell() -> Response:
    """The answer while the service is stopping: 200, because EventSource never comes back after a 503."""
    return Response(drained().frame, headers=HEADERS)


def come_back_later() -> Response:
    """The answer over a limit of connections: 200, because EventSource never comes back after a 503."""
    return Response(overloaded(), headers=HEADERS)


async def write(send: Send, body: bytes, *, more: bool = True) -> None:
    async with asyncio.timeout(SEND_SECONDS):
        await send({"type": "http.response.body", "body": body, "more_body": more})


async def until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
