"""The server's own end of a stream, on a real connection of this machine."""

import asyncio
import os
import socket
from typing import cast

import pytest
import uvicorn
import uvloop
from clinic_stream.connections import Connection
from clinic_stream.server import StreamProtocol
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

FRAME = b"5\r\nid: 1\r\n"


class Told:
    """Notes what the line says."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def blocked(self) -> None:
        self.said.append("blocked")

    def cleared(self) -> None:
        self.said.append("cleared")

    def lost(self) -> None:
        self.said.append("lost")


class Story:
    """A line that has been carrying a stream for a while, and its reader."""

    def __init__(self, line: StreamProtocol, told: Told, reader: socket.socket) -> None:
        self.line = line
        self.told = told
        self.reader = reader


async def open_line() -> Story:
    loop = asyncio.get_running_loop()
    lines: list[StreamProtocol] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None: ...

    config = uvicorn.Config(app, lifespan="off")
    config.load()

    def protocol() -> StreamProtocol:
        lines.append(StreamProtocol(config, ServerState(), {}))
        return lines[-1]

    server = await loop.create_server(protocol, "127.0.0.1", 0)
    reader = socket.create_connection(server.sockets[0].getsockname())
    reader.setblocking(False)
    async with asyncio.timeout(5):
        while not lines or lines[0].transport is None:  # noqa: ASYNC110  # The protocol is made by the server, and tells nobody.
            await asyncio.sleep(0.01)
    server.close()
    told = Told()
    lines[0].carry(cast(Connection, told))
    await asyncio.sleep(0.01)
    return Story(lines[0], told, reader)


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> asyncio.Runner:
    return asyncio.Runner(loop_factory=request.param)


def test_frame_is_with_the_reader_at_once(runner: asyncio.Runner) -> None:
    async def story() -> None:
        opened = await open_line()
        opened.line.write(FRAME)
        assert opened.reader.recv(100) == FRAME
        assert opened.told.said == []
        opened.reader.close()
        opened.line.reset()
        await asyncio.sleep(0.01)

    with runner:
        runner.run(story())


def test_what_is_written_before_and_after_it_goes_direct_comes_in_order(runner: asyncio.Runner) -> None:
    async def story() -> None:
        opened = await open_line()
        opened.line.on_message_begin()
        opened.line.carry(cast(Connection, opened.told))
        opened.line.write(b"first ")
        opened.line.write(b"second ")
        await asyncio.sleep(0.01)
        opened.line.write(b"third")
        await asyncio.sleep(0.01)
        assert opened.reader.recv(100) == b"first second third"
        opened.reader.close()
        opened.line.reset()
        await asyncio.sleep(0.01)

    with runner:
        runner.run(story())


def test_reader_that_takes_nothing_blocks_it_and_loses_no_byte(runner: asyncio.Runner) -> None:
    async def story() -> None:
        opened = await open_line()
        written, came = 0, 0
        while opened.line.is_clear:
            opened.line.write(b"x" * 50_000)
            written += 50_000
        assert opened.told.said == ["blocked"]
        assert 0 < opened.line.unsent <= 50_000
        while came < written:
            await asyncio.sleep(0)
            came += len(opened.reader.recv(1 << 20))
        await asyncio.sleep(0.01)
        assert (came, opened.line.unsent, opened.told.said) == (written, 0, ["blocked", "cleared"])
        opened.reader.close()
        opened.line.reset()
        await asyncio.sleep(0.01)

    with runner:
        runner.run(story())


def test_nothing_is_written_to_who_got_the_number_of_a_closed_connection(runner: asyncio.Runner) -> None:
    async def story() -> None:
        opened = await open_line()
        number = opened.line.transport.get_extra_info("socket").fileno()
        opened.line.reset()
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        os.dup2(ours.fileno(), number)  # As the kernel does, which gives the lowest number that is free.
        opened.line.write(b"of another clinic")
        with pytest.raises(BlockingIOError):
            theirs.recv(100)
        for one in (ours, theirs, opened.reader):
            one.close()
        await asyncio.sleep(0.01)

    with runner:
        runner.run(story())
