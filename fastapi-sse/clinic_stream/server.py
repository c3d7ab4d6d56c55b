"""uvicorn, with an end for streams.

Its own shutdown closes the listeners and then waits for open responses, before the application hears of it: streams
would hold it up until they are cut. Here they end first.
"""

import asyncio
import logging
import os
import signal
import socket
from functools import partial
from http import HTTPStatus
from types import FrameType
from typing import Any, cast

import uvicorn
from fastapi import FastAPI
from shared_config import StreamSettings
from uvicorn._types import ASGISendEvent, HTTPResponseBodyEvent
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from clinic_stream import errors
from clinic_stream.connections import Connection
from clinic_stream.peers import Peers
from clinic_stream.services import Services
from clinic_stream.stream import LINE
from clinic_stream.unfinished import UnfinishedRequests

logger = logging.getLogger(__name__)

# Whoever has not taken the end is cut: with a drain of 1 s, together under 5 s.
CUT_AFTER_SECONDS = 2.5
GIVE_UP_SECONDS = 1
# A machine that vanished acknowledges nothing: a heartbeat to it is given up after this long.
VANISHED_MS = 20_000
# What the kernel keeps unsent for one reader. Left alone it keeps megabytes, and a reader that has stopped would go
# unnoticed until they are full; what is on its way and not yet acknowledged is not limited by this.
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
    """Also the `Line` of a stream: while it carries one, its chunks go straight to the transport."""

    # With more attributes than thirty, each instance would keep a dictionary of its own: a kilobyte.
    __slots__ = ("_connection", "_descriptor", "_head_bytes", "_is_in_head", "_unfinished", "is_clear")

    def __init__(self, *args: Any, unfinished: UnfinishedRequests, **options: Any) -> None:
        super().__init__(*args, **options)
        self._unfinished = unfinished
        self._is_in_head = True
        self._head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._connection: Connection | None = None
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
        self.scope[LINE] = self  # type: ignore[literal-required]

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

    def carry(self, connection: Connection) -> None:
        self._connection = connection
        self.cycle.message_event = Signal()  # type: ignore[assignment]  # Nobody reads what the reader says.
        if self.transport.is_closing():
            connection.lost()
        # What is written in this turn of the loop leaves at its end, in one piece with the headers.
        self.loop.call_soon(self._go_direct, connection)

    def _go_direct(self, connection: Connection) -> None:
        """From now on the kernel's buffer is all there is: with one of our own, a reader could lag unnoticed."""
        if self._connection is connection and not self.transport.is_closing():
            self._descriptor = self.transport.get_extra_info("socket").fileno()
            self.transport.set_write_buffer_limits(high=0)

    @property
    def unsent(self) -> int:
        return self.transport.get_write_buffer_size()

    def write(self, chunk: bytes) -> None:
        """Call only while the line is clear: nothing may wait in the transport that would come later."""
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
        """What is no HTTP reaches no application; its answer has the shape of every other error all the same."""
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


class StreamServer(uvicorn.Server):
    def __init__(self, app: FastAPI, *, host: str, port: int, peers: Peers) -> None:
        services: Services = app.state.services
        protocol = partial(StreamProtocol, unfinished=services.unfinished)
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            http=protocol,  # type: ignore[arg-type]  # It is called, and nothing else.
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # TRUSTED_PROXIES decides, in the routes.
            timeout_graceful_shutdown=round(CUT_AFTER_SECONDS + GIVE_UP_SECONDS),
        )
        super().__init__(config)
        self._services = services
        self._peers = peers

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._peers.socket_path is not None:
            loop = asyncio.get_running_loop()
            self.servers.append(await loop.create_unix_server(self._protocol, self._peers.socket_path))
            logger.info("worker %d serves", self._peers.worker)

    def _protocol(self) -> StreamProtocol:
        unfinished = self._services.unfinished
        return StreamProtocol(self.config, self.server_state, self.lifespan.state, unfinished=unfinished)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Unlike uvicorn's, this does not raise the signal again at the end: to stop when asked is no failure.
        self._services.is_draining = True
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._services.is_draining = True
        logger.info("draining %d streams", len(self._services.hub.connections))
        # They end at random moments of this time, while the port is open and /readyz says 503.
        seconds = self._services.settings.sse_drain_seconds
        self._services.hub.drain(seconds)
        if self._services.hub.connections:
            await asyncio.sleep(seconds)
        cut = asyncio.get_running_loop().call_later(CUT_AFTER_SECONDS, self._cut)
        await super().shutdown(sockets)
        cut.cancel()

    def _cut(self) -> None:
        for connection in list(self.server_state.connections):
            assert isinstance(connection, StreamProtocol)
            connection.reset()


def serve(
    app: FastAPI, settings: StreamSettings, *, peers: Peers | None = None, listener: socket.socket | None = None
) -> None:
    """Serve until told to stop; on a port of its own, or on this listener."""
    server = StreamServer(app, host=settings.stream_host, port=settings.fastapi_port, peers=peers or Peers())
    server.run(sockets=None if listener is None else [listener])


def _limit(connection: socket.socket | None) -> None:
    if connection is not None and connection.family in {socket.AF_INET, socket.AF_INET6}:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, VANISHED_MS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
