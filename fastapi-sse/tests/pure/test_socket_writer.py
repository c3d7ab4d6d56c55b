"""The server's own end of a stream, on a real connection of this machine."""

import asyncio
import os
import socket
from typing import cast

import pytest
import uvicorn
import uvloop
from clinic_stream.connections import Connection
from clinic_stream.stream import SOCKET_WRITER
from clinic_stream.stream_protocol import StreamProtocol
from clinic_stream.unfinished_requests import UnfinishedRequests
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

FRAME = b"5\r\nid: 1\r\n"


class Calls:
    """Notes what the line says."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def blocked(self) -> None:
        self.names.append("blocked")

    def cleared(self) -> None:
        self.names.append("cleared")

    def lost(self) -> None:
        self.names.append("lost")


class Opened:
    """A response that has begun, the line it goes on, and its reader."""

    def __init__(self) -> None:
        self.calls = Calls()
        self.reader = socket.socket()
        self.writer: StreamProtocol
        self.has_begun = asyncio.Event()
        self._is_over = asyncio.Event()

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        writer = scope[SOCKET_WRITER]
        writer.attach(cast(Connection, self.calls))
        writer.write(b"opening ")
        self.writer = writer
        self.has_begun.set()
        await self._is_over.wait()

    async def read(self, size: int) -> bytes:
        """Read what comes, until there are so many bytes."""
        came = b""
        async with asyncio.timeout(5):
            while len(came) < size:
                came += await asyncio.get_running_loop().sock_recv(self.reader, size)
        return came

    async def close(self) -> None:
        self.writer.reset()
        self.reader.close()
        self._is_over.set()
        await asyncio.sleep(0.01)


async def open_stream(after: bytes = b"") -> Opened:
    """`after` is written in the same turn of the loop as the opening, and is read like it."""
    loop, opened = asyncio.get_running_loop(), Opened()
    config = uvicorn.Config(opened.app, interface="asgi3", lifespan="off", log_config=None, access_log=False)
    config.load()
    state, unfinished = ServerState(), UnfinishedRequests(seconds=10, total=0, per_address=0)
    server = await loop.create_server(lambda: StreamProtocol(config, state, {}, unfinished=unfinished), "127.0.0.1", 0)
    opened.reader.setblocking(False)
    await loop.sock_connect(opened.reader, server.sockets[0].getsockname())
    await loop.sock_sendall(opened.reader, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(5):
        await opened.has_begun.wait()
    if after:
        opened.writer.write(after)
    server.close()
    await asyncio.sleep(0.01)
    head, _, body = opened.reader.recv(1000).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert body == b"opening " + after
    return opened


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> asyncio.Runner:
    return asyncio.Runner(loop_factory=request.param)


def test_frame_is_with_the_reader_at_once(runner: asyncio.Runner) -> None:
    async def story() -> None:
        opened = await open_stream()
        opened.writer.write(FRAME)
        assert opened.reader.recv(100) == FRAME
        assert opened.calls.names == []
        await opened.close()

    with runner:
        runner.run(story())


def test_headers_and_what_follows_them_come_in_order(runner: asyncio.Runner) -> None:
    async def story() -> None:
        opened = await open_stream(after=b"second ")
        opened.writer.write(b"third")
        assert opened.reader.recv(100) == b"third"
        await opened.close()

    with runner:
        runner.run(story())


def test_reader_that_takes_nothing_blocks_it_and_loses_no_byte(runner: asyncio.Runner) -> None:
    async def story() -> None:
        opened = await open_stream()
        written = 0
        while opened.writer.is_clear:
            opened.writer.write(bytes([written % 251]) * 50_000)
            written += 1
        assert opened.calls.names == ["blocked"]
        assert 0 < opened.writer.unsent <= 50_000
        came = await opened.read(50_000 * written)
        await asyncio.sleep(0.01)
        assert came == b"".join(bytes([number % 251]) * 50_000 for number in range(written))
        assert (opened.writer.unsent, opened.calls.names) == (0, ["blocked", "cleared"])
        await opened.close()

    with runner:
        runner.run(story())


def test_nothing_is_written_to_who_got_the_number_of_a_closed_connection(runner: asyncio.Runner) -> None:
    async def story() -> None:
        opened = await open_stream()
        number = opened.writer.transport.get_extra_info("socket").fileno()
        opened.writer.reset()
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        os.dup2(ours.fileno(), number)  # As the kernel does, which gives the lowest number that is free.
        opened.writer.write(b"of another clinic")
        with pytest.raises(BlockingIOError):
            theirs.recv(100)
        ours.close()
        theirs.close()
        await opened.close()

    with runner:
        runner.run(story())


def test_loss_of_a_reader_is_told_though_it_asked_for_more_meanwhile(runner: asyncio.Runner) -> None:
    """A second request on the connection waits for the end of the first."""

    async def story() -> None:
        opened = await open_stream()
        opened.reader.sendall(b"GET /again HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(0.05)
        opened.writer.write(FRAME)
        assert opened.reader.recv(100) == FRAME
        opened.writer.reset()
        await asyncio.sleep(0.05)
        assert opened.calls.names == ["lost"]
        await opened.close()

    with runner:
        runner.run(story())
