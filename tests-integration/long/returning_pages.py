"""Pages that follow a stream and come back to it, as chairside-live.js and EventSource do. Thousands in one thread.

A page hides nothing: what it was told and when, each of its ends, and whether a message was cut.
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import orjson

HOST = "127.0.0.1"
HEAD_END = b"\r\n\r\n"
# As chairside-live.js has them.
FIRST_RETRY_MS = 1_000
SLOWEST_RETRY_MS = 30_000
GOODBYES_FOR_GOOD = frozenset({"revoked", "replaced"})


@dataclass(frozen=True)
class Block:
    """The lines between two blank ones."""

    event: str
    id: str | None
    retry_ms: int | None
    body: Any


@dataclass(frozen=True)
class End:
    """How one connection ended. `told`: the last control event, `is_silent`: before its first byte."""

    at: float
    is_complete: bool
    is_silent: bool
    told: str | None


@lru_cache(maxsize=512)
def read_block(text: bytes) -> Block:
    """All readers of one topic are told the same bytes: read once for all of them."""
    fields = dict(line.split(": ", 1) for line in text.decode().split("\n") if ": " in line[1:])
    retry, body = fields.get("retry"), fields.get("data")
    return Block(fields.get("event", "message"), fields.get("id"), int(retry) if retry else None, body and _read(body))


def _read(body: str) -> Any:
    return orjson.loads(body)


class Answer:
    """One response, as its bytes come."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.is_complete = False
        self.cut = 0  # Chunks that end within a message.
        self._unread = b""
        self._text = b""

    @property
    def is_silent(self) -> bool:
        return not self.status and not self._unread

    @property
    def has_left_over(self) -> bool:
        """A part of a chunk or of a message, when nothing more comes."""
        return bool(self._unread or self._text)

    def feed(self, came: bytes) -> Iterator[Block]:
        self._unread += came
        if self.status or self._read_head():
            for part in self._parts():
                if self.status == 200:
                    yield from self._blocks(part)

    def _read_head(self) -> bool:
        head, end, rest = self._unread.partition(HEAD_END)
        if not end:
            return False
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split()[1])
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self._unread = rest
        return True

    def _parts(self) -> Iterator[bytes]:
        """The chunks; or the whole body, where its length was told before."""
        if "transfer-encoding" not in self.headers:
            if len(self._unread) >= int(self.headers.get("content-length", 0)):
                whole, self._unread, self.is_complete = self._unread, b"", True
                yield whole
            return
        while not self.is_complete:
            size, line_end, rest = self._unread.partition(b"\r\n")
            length = int(size, 16) if line_end else 0
            if not line_end or len(rest) < length + 2:
                return
            self._unread = rest[length + 2 :]
            self.is_complete = not length
            yield rest[:length]

    def _blocks(self, part: bytes) -> Iterator[Block]:
        self.cut += bool(part) and not part.endswith(b"\n\n")
        *blocks, self._text = (self._text + part).split(b"\n\n")
        return (read_block(block) for block in blocks)


class Page(asyncio.Protocol):
    """`is_native`: an EventSource, which waits just as long as it was asked to, and which any answer but 200 ends."""

    def __init__(
        self,
        port: int,
        path: str,
        *,
        token: str | None = None,
        is_native: bool = False,
        comes_back: bool = True,
        address: str = HOST,
        hears: Callable[["Page", Block], None] = lambda _page, _block: None,
    ) -> None:
        self._port, self._path, self._token = port, path, token
        self._is_native, self._comes_back, self._address, self._hears = is_native, comes_back, address, hears
        self.shown: dict[int, dict[str, Any]] = {}
        self.last_id: str | None = None
        self.begun_at = 0.0  # The newest connection, with its first id.
        self.told: dict[str, float] = {}  # Control events, and when the first of each came.
        self.ends: list[End] = []
        self.cut = 0
        self.refusal: int | None = None
        self.is_over = False
        self._answer = Answer()
        self._transport: asyncio.Transport | None = None
        self._ended: asyncio.Future[None] | None = None
        self._retry_ms: int | None = None
        self._guesses = 0  # Pauses in a row that the server has not asked for.
        self._has_begun = False
        self._newest_told: str | None = None

    async def follow(self) -> None:
        """Until `leave`, or an end for good."""
        loop = asyncio.get_running_loop()
        while not self.is_over:
            self._retry_ms = self._retry_ms if self._is_native else None
            self._ended = loop.create_future()
            try:
                await loop.create_connection(lambda: self, HOST, self._port, local_addr=(self._address, 0))
                await self._ended
            except OSError:
                pass  # Nobody listens.
            if not self.is_over:
                await asyncio.sleep(self._pause_seconds())

    def leave(self) -> None:
        self.is_over = True
        if self._transport is not None:
            self._transport.abort()

    def stop_reading(self) -> None:
        assert self._transport is not None
        self._transport.pause_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._answer = Answer()
        self._has_begun = False
        self._newest_told = None
        lines = [f"GET {self._path} HTTP/1.1", "Host: stream", "Accept: text/event-stream"]
        if self._token is not None:
            lines.append(f"Authorization: Bearer {self._token}")
        if self.last_id is not None:
            lines.append(f"Last-Event-ID: {self.last_id}")
        self._transport.write("\r\n".join([*lines, "", ""]).encode())

    def data_received(self, data: bytes) -> None:
        answer = self._answer
        for block in answer.feed(data):
            self._take(block)
        if answer.is_complete and self._transport is not None:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        answer = self._answer
        self.cut += answer.cut + (answer.has_left_over and not self.is_over)
        self.ends.append(End(time.monotonic(), answer.is_complete, answer.is_silent, self._newest_told))
        if answer.status not in {0, 200}:
            self._refused(answer)
        self.is_over = self.is_over or self._newest_told in GOODBYES_FOR_GOOD or not self._comes_back
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    def _take(self, block: Block) -> None:
        self._retry_ms = self._retry_ms if block.retry_ms is None else block.retry_ms
        if block.id is not None:
            self.last_id = block.id
            self._guesses = 0
            if not self._has_begun:
                self._has_begun = True
                self.begun_at = time.monotonic()
            if block.body is not None:
                self._apply(block.body)
        elif block.body is not None:
            self._newest_told = block.event
            self.told.setdefault(block.event, time.monotonic())
        self._hears(self, block)

    def _apply(self, body: dict[str, Any]) -> None:
        if "appointments" in body:
            self.shown = {row["id"]: row for row in body["appointments"]}
            return
        for row in body.get("upserts", ()):  # A heartbeat has none.
            self.shown[row["id"]] = row
        for row_id in body.get("removes", ()):
            self.shown.pop(row_id, None)

    def _refused(self, answer: Answer) -> None:
        """chairside-live.js tries again what may pass by itself, and a token that could be renewed: here none can."""
        seconds = answer.headers.get("retry-after", "")
        self._retry_ms = int(seconds) * 1000 if seconds.isdigit() else None
        if self._is_native or not (answer.status == 429 or answer.status >= 500):
            self.refusal = answer.status
            self.is_over = True

    def _pause_seconds(self) -> float:
        if self._is_native:
            return (self._retry_ms or FIRST_RETRY_MS) / 1000
        longest = self._retry_ms
        if longest is None:
            longest = min(SLOWEST_RETRY_MS, FIRST_RETRY_MS * 2**self._guesses)
            self._guesses += 1
        return longest / 1000 * random.uniform(0.5, 1)
