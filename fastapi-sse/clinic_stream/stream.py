"""One connection's life: what it is told first, then changes, heartbeats and warnings, then a complete end.

Who ends it, and what the reader sees:

| who                         | the reader sees                                               |
| --------------------------- | ------------------------------------------------------------- |
| the reader leaves           | nothing                                                       |
| the token expires           | `token-expiring` 30 s before, then `expired` and a clean end  |
| the user loses access       | `revoked` and a clean end                                     |
| the service stops           | `drain` with a `retry`, and a clean end                       |
| the reader takes nothing    | its connection is reset after 5 s                             |
| the database is out of reach| nothing ends: `stale`, later `fresh`                          |
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from clinic_stream import frames
from clinic_stream.hub import Connection, Hub, LiveClinic, drain_frame
from clinic_stream.params import Mode
from clinic_stream.state import Audience, EventId
from clinic_stream.viewers import Viewer

SEND_SECONDS = 5.0
HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
}
NOT_LIVE = frames.comment("Live updates are switched off: this shows the moment it was opened.")

# Where a stream waits in the request's scope for `RunStreams`, and how a server offers to reset a connection.
OPENED = "clinic_stream.opened"
RESET = "clinic_stream.reset"


@dataclass(frozen=True, slots=True)
class AppointmentStream:
    hub: Hub
    clinic: LiveClinic
    audience: Audience
    viewer: Viewer
    mode: Mode
    last_id: EventId | None
    admits: Callable[[Viewer], bool]

    async def run(self, receive: Receive, send: Send, reset: Callable[[], None] | None) -> None:
        """Tell the reader everything until one side ends it. The response's headers have been sent."""
        topic = self.clinic.topic(self.audience, self.hub.clock())
        connection = self.hub.enter(topic, self.viewer, self.mode)
        left = asyncio.ensure_future(_until_gone(receive))
        left.add_done_callback(lambda _: connection.wake())
        try:
            await self._tell(connection, left, send)
        except TimeoutError:
            if reset is not None:
                reset()
                await asyncio.wait([left], timeout=SEND_SECONDS)
        finally:
            left.cancel()
            self.hub.leave(connection)

    async def _tell(self, connection: Connection, left: asyncio.Future[None], send: Send) -> None:
        if not self.admits(self.viewer):  # Lost between the check of the request and now.
            connection.end(frames.REVOKED)
        await _write(send, self._opening(connection))
        while not connection.is_over:
            await connection.woken()
            if left.done():
                return
            chunk = connection.take()
            if chunk:
                await _write(send, chunk)
        await _write(send, b"", more=False)

    def _opening(self, connection: Connection) -> bytes:
        first = connection.topic.opening(self.last_id, self.mode, self.hub.clock())
        return frames.OPENING + (b"" if self.hub.is_live else NOT_LIVE) + first


class StreamResponse(Response):
    """Answers 200 and leaves the stream for `RunStreams`, so that the layers in between end before it begins.

    A stream that ran inside them would hold their frames and pass every chunk through their wrappers.
    """

    def __init__(self, stream: AppointmentStream) -> None:
        super().__init__(status_code=200, headers=HEADERS)
        del self.headers["content-length"]
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        scope[OPENED] = self._stream


def farewell() -> Response:
    """For who comes while the service is stopping: 200, because EventSource never comes back after a 503."""
    return Response(drain_frame(), headers=HEADERS)


async def _write(send: Send, body: bytes, *, more: bool = True) -> None:
    async with asyncio.timeout(SEND_SECONDS):
        await send({"type": "http.response.body", "body": body, "more_body": more})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
