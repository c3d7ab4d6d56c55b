"""uvicorn's protocol with a writer for streams: bytes go straight to the socket, and stopped readers are noticed.

It reaches into uvicorn, so `server` uses it only with a version that `uvicorn_internals` knows.
"""

import asyncio
import os
import socket
from http import HTTPStatus
from typing import Any, cast

from uvicorn._types import ASGISendEvent, HTTPResponseBodyEvent
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from clinic_stream import errors
from clinic_stream.socket_writer import Attached
from clinic_stream.stream import SOCKET_WRITER
from clinic_stream.unfinished_requests import UnfinishedRequests

# A machine that vanished acknowledges nothing: a heartbeat to it is given up after this long.
VANISHED_MS = 20_000
# Unsent bytes that the kernel keeps for one reader. Left alone it keeps megabytes, and a reader that has stopped goes
# unnoticed until they are full; bytes on their way and not yet acknowledged are not limited by this.
UNSENT_BYTES = 128 * 1024
# The parser sets no limit of its own.
MAX_HEAD_BYTES = 64 * 1024


class Signal:
    """An `asyncio.Event` that is small until somebody waits: a stream has several for which nobody ever does."""

    __slots__ = ("_event", "_is_set")

    def __init__(self, *, is_set: bool = False) -> None:
        self._is_set = is_set
        self._event: asyncio.Event | None = None

    def set(self) -> None:
        self._is_set = True
        if self._event is not None:
            self._event.set()
            self._event = None

    def clear(self) -> None:
        self._is_set = False

    async def wait(self) -> None:
        if not self._is_set:
            self._event = self._event or asyncio.Event()
            await self._event.wait()


class Flow(FlowControl):
    """uvicorn's, with a smaller event."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.read_paused = self.write_paused = False
        self._is_writable = Signal(is_set=True)

    async def drain(self) -> None:
        await self._is_writable.wait()

    def pause_writing(self) -> None:
        self.write_paused = True
        self._is_writable.clear()

    def resume_writing(self) -> None:
        self.write_paused = False
        self._is_writable.set()


class Pipeline(list[Any]):
    """As much of a `deque` as uvicorn needs: an empty one takes 600 bytes less."""

    __slots__ = ()

    def appendleft(self, request: object) -> None:
        self.insert(0, request)


class SendToHttp10:
    """The `send` of a response to HTTP/1.0. Without a known length, the end of the connection ends the body: such a
    reader knows no chunks (RFC 9112, section 6.1), which uvicorn sends all the same."""

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle
        self._send = cycle.send
        self._has_length = False

    async def __call__(self, message: ASGISendEvent) -> None:
        if message["type"] == "http.response.start":
            self._has_length = any(name.lower() == b"content-length" for name, _ in message.get("headers", []))
        if not self._has_length:
            self._cycle.chunked_encoding = False
            self._cycle.expected_content_length = len(cast(HTTPResponseBodyEvent, message).get("body", b""))
        await self._send(message)


class StreamProtocol(HttpToolsProtocol):
    """Also the `SocketWriter` of a stream: while one is attached, its chunks go straight to the socket."""

    # With more attributes than thirty, each instance would keep a dictionary of its own: a kilobyte.
    __slots__ = ("_connection", "_descriptor", "_head_bytes", "_is_in_head", "_unfinished", "is_clear")

    def __init__(self, *args: Any, unfinished: UnfinishedRequests, **options: Any) -> None:
        super().__init__(*args, **options)
        self._unfinished = unfinished
        self._is_in_head = True
        self._head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._connection: Attached | None = None
        self._descriptor: int | None = None
        self.is_clear = True
        super().connection_made(transport)
        self.flow = Flow(transport)
        self.pipeline = Pipeline()  # type: ignore[assignment]
        _limit(transport.get_extra_info("socket"))
        self._wait_for_request()

    def data_received(self, data: bytes) -> None:
        if self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(errors.Problem(431, "head_too_large", "The request's head is too large."))
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_head = True
        if self._is_idle:
            self._wait_for_request()
        self.scope[SOCKET_WRITER] = self  # type: ignore[literal-required]

    def on_headers_complete(self) -> None:
        if self._is_idle:
            self._wait_for_request()  # For its body.
        self._is_in_head = False
        self._head_bytes = 0
        super().on_headers_complete()
        if self.scope["http_version"] == "1.0":
            self.cycle.send = SendToHttp10(self.cycle)  # type: ignore[method-assign]

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self._is_idle:  # The response did not wait for the body.
            self._wait_for_request()
        else:
            self._unfinished.remove(self)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._is_idle and not self.transport.is_closing():
            self._wait_for_request()

    @property
    def _is_idle(self) -> bool:
        """Whether no response is being made."""
        return self.cycle is None or self.cycle.response_complete

    def _wait_for_request(self) -> None:
        self._unfinished.add(self, self.client[0] if self.client else "")

    def close_unfinished(self) -> None:
        self.transport.close()

    def attach(self, connection: Attached) -> None:
        self._connection = connection
        self.cycle.message_event = Signal()  # type: ignore[assignment]  # Nobody reads what the reader says.
        if self.transport.is_closing():
            connection.lost()
        # Writes of this turn of the loop leave at its end, in one piece with the headers.
        self.loop.call_soon(self._go_direct, connection)

    def _go_direct(self, connection: Attached) -> None:
        """From now on the kernel's buffer is all there is: with one of our own, a reader could lag unnoticed."""
        if self._connection is connection and not self.transport.is_closing():
            self._descriptor = self.transport.get_extra_info("socket").fileno()
            self.transport.set_write_buffer_limits(high=0)

    @property
    def unsent(self) -> int:
        return self.transport.get_write_buffer_size()

    def write(self, chunk: bytes) -> None:
        """Requires: `is_clear`. Nothing may wait in the transport that would come later."""
        if self._descriptor is None:
            self.transport.write(chunk)
        # A transport that closes lets go of its descriptor, and the next connection may get the same number.
        elif not self.transport.is_closing():
            try:
                sent = os.write(self._descriptor, chunk)
            except OSError:  # Full, or broken: the transport finds out which, and tells.
                sent = 0
            if sent < len(chunk):
                self.transport.write(memoryview(chunk)[sent:])

    def pause_writing(self) -> None:
        super().pause_writing()
        self.is_clear = False
        if self._connection is not None:
            self._connection.blocked()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.is_clear = True
        if self._connection is not None:
            self._connection.cleared()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._unfinished.remove(self)
        if self._connection is not None:
            self._connection.lost()

    def send_400_response(self, msg: str) -> None:
        """Bytes that are no HTTP reach no application; their answer has the shape of every other error all the same."""
        self._refuse(errors.Problem(400, "parse_error", msg))

    def _refuse(self, problem: errors.Problem) -> None:
        response, phrase = problem.response(), HTTPStatus(problem.status).phrase
        head = (
            f"HTTP/1.1 {problem.status} {phrase}\r\nContent-Type: application/json\r\n"
            f"X-Content-Type-Options: nosniff\r\nContent-Length: {len(response.body)}\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + bytes(response.body))
        self.transport.close()

    def reset(self) -> None:
        """End the connection at once: closing it would wait until the reader has taken what is buffered."""
        self.transport.abort()


def _limit(connection: socket.socket | None) -> None:
    if connection is not None and connection.family in {socket.AF_INET, socket.AF_INET6}:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, VANISHED_MS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
