"""One stream: its headers, then everything until one side ends it. See ARCHITECTURE.md for every way it ends."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from clinic_stream import frames
from clinic_stream.connections import REVOKED, STUCK, Connection, Line
from clinic_stream.event_ids import EventId
from clinic_stream.frames import Frame
from clinic_stream.hub import Hub, drained, overloaded
from clinic_stream.params import Mode
from clinic_stream.topics import Topic
from clinic_stream.viewers import Viewer

SEND_SECONDS = 5.0
HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
}
CONNECTION_HEADER = "X-Connection-ID"
NOT_LIVE = frames.comment("Live updates are switched off: this shows the moment it was opened.")

# Where a stream waits in the request's scope for `RequestContext`, and how a server offers its line.
OPENED = "clinic_stream.opened"
LINE = "clinic_stream.line"


@dataclass(frozen=True, slots=True)
class Stream:
    hub: Hub
    topic: Topic
    viewer: Viewer | None
    mode: Mode
    last_id: EventId | None
    address: str
    is_packed: bool
    is_chunked: bool
    admits: Callable[[Viewer], bool]
    connection_id: str
    is_told_stale: bool = False  # Before this stream began.

    async def run(self, scope: Scope, receive: Receive, send: Send) -> dict[str, object]:
        """Tell the reader everything until one side ends it. The response's headers have been sent.

        Returns what the log may say of it: never anything that was told.
        """
        line = line_of(scope)
        _forget_request(scope)
        connection = self.hub.enter(
            self.connection_id,
            self.topic,
            self.viewer,
            mode=self.mode,
            address=self.address,
            is_packed=self.is_packed,
            is_chunked=self.is_chunked,
        )
        try:
            connection.begin(self._opening(), is_told_stale=self.is_told_stale)
            if self.viewer is not None and not self.admits(self.viewer):  # Lost since the check of the request.
                connection.end(REVOKED)
            if line is None:
                await self._tell(connection, receive, send)
            else:
                await connection.run_on(line)
            if connection.is_over:
                await write(send, connection.trailer, more=False)
        except TimeoutError:
            connection.goodbye = STUCK
            if line is not None:
                line.reset()
        finally:
            self.hub.leave(connection)
        return {
            "connection": connection.id,
            "stream": self.topic.kind,
            "user": self.viewer and self.viewer.user_id,
            "last_id": connection.last_id,
            "reason": connection.goodbye.reason if connection.goodbye else "left",
        }

    async def _tell(self, connection: Connection, receive: Receive, send: Send) -> None:
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

    def _opening(self) -> list[Frame]:
        frame, result = self.topic.opening(self.last_id, self.mode, self.hub.clock())
        if self.last_id is not None:
            self.hub.counts.resumes[result] += 1
        opening = random.choice(frames.OPENINGS)  # noqa: S311  # Spreads load.
        return [opening, frame] if self.hub.is_live else [opening, NOT_LIVE, frame]


class Opened(Protocol):
    """A stream, or one that waits for its content."""

    @property
    def connection_id(self) -> str: ...
    @property
    def is_packed(self) -> bool: ...
    async def run(self, scope: Scope, receive: Receive, send: Send) -> dict[str, object]: ...


class StreamResponse(Response):
    """Answers 200 and leaves the stream for `RequestContext`, so that the layers in between end before it begins.

    A stream that ran inside them would hold their frames and pass every chunk through their wrappers.
    """

    def __init__(self, stream: Opened) -> None:
        super().__init__(status_code=200, headers=HEADERS)
        del self.headers["content-length"]
        self.headers[CONNECTION_HEADER] = stream.connection_id
        self.headers.add_vary_header("Accept-Encoding")
        if stream.is_packed:
            self.headers["Content-Encoding"] = "gzip"
        self.stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        scope[OPENED] = self.stream


def line_of(scope: Scope) -> Line | None:
    """None under a server that offers none."""
    return cast(Line | None, scope.get(LINE))


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
    """For who comes while the service is stopping: 200, because EventSource never comes back after a 503."""
    return Response(drained().frame, headers=HEADERS)


def come_back_later() -> Response:
    """For who comes on top of as many as can be served: 200, for the same reason."""
    return Response(overloaded(), headers=HEADERS)


async def write(send: Send, body: bytes, *, more: bool = True) -> None:
    async with asyncio.timeout(SEND_SECONDS):
        await send({"type": "http.response.body", "body": body, "more_body": more})


async def until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
