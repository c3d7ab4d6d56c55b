"""A reader of Server-Sent Events that hides nothing: raw bytes, blocks in order, and whether the end was complete."""

import contextlib
import json
import queue
import socket
import threading
import time
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True)
class Block:
    """The lines between two blank ones, and when they came."""

    text: str
    at: float

    def field(self, name: str) -> str | None:
        values = [line[len(name) + 2 :] for line in self.text.split("\n") if line.startswith(f"{name}: ")]
        return "\n".join(values) if values else None

    @property
    def id(self) -> str | None:
        return self.field("id")

    @property
    def event(self) -> str:
        return self.field("event") or "message"

    @property
    def is_event(self) -> bool:
        """WHATWG HTML, 9.2.6: a block without data fires nothing."""
        return self.field("data") is not None

    @property
    def is_heartbeat(self) -> bool:
        return self.event == "heartbeat"

    @property
    def json(self) -> Any:
        return json.loads(self.field("data") or "null")


class SseReader:
    """One open stream, read on a thread of its own."""

    def __init__(self, url: str, *, token: str | None = None, headers: dict[str, str] | None = None) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 80), timeout=TIMEOUT_SECONDS)
        sent = {"Host": parts.netloc, "Accept": "text/event-stream", **(headers or {})}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        lines = [f"GET {parts.path}?{parts.query} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
        self._file = self._socket.makefile("rb")
        try:
            self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
            self.status = int(self._file.readline().split()[1])
            self.headers = self._read_headers()
        except BaseException:  # The service died before it answered.
            self._file.close()
            self._socket.close()
            raise
        self.raw = b""
        self.is_complete = False
        self.last_id: str | None = None
        self._blocks: queue.Queue[Block | None] = queue.Queue()
        self._socket.settimeout(None)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):  # The service may have been first.
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(TIMEOUT_SECONDS)
        self._file.close()
        self._socket.close()

    def next_block(self, seconds: float = TIMEOUT_SECONDS) -> Block:
        """The next block of any kind. Raises TimeoutError when none comes, EOFError at the end of the stream."""
        try:
            block = self._blocks.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError(f"nothing came in {seconds} s") from None
        if block is None:
            self._blocks.put(None)
            raise EOFError("the stream has ended")
        self.last_id = block.id or self.last_id
        return block

    def next_event(self, seconds: float = TIMEOUT_SECONDS) -> Block:
        """The next event that is no heartbeat."""
        deadline = time.monotonic() + seconds
        while True:
            block = self.next_block(max(0.0, deadline - time.monotonic()))
            if block.is_event and not block.is_heartbeat:
                return block

    def next_named(self, name: str, seconds: float = TIMEOUT_SECONDS) -> Block:
        block = self.next_event(seconds)
        assert block.event == name, f"expected {name}, got {block.text[:300]}"
        return block

    def stays_silent(self, seconds: float) -> bool:
        """Whether no event but heartbeats comes in this time."""
        try:
            self.next_event(seconds)
        except TimeoutError:
            return True
        return False

    def wait_for_end(self, seconds: float = TIMEOUT_SECONDS) -> list[Block]:
        """The blocks up to the end of the stream."""
        blocks: list[Block] = []
        deadline = time.monotonic() + seconds
        while True:
            try:
                blocks.append(self.next_block(max(0.0, deadline - time.monotonic())))
            except EOFError:
                return blocks

    def _read_headers(self) -> dict[str, str]:
        headers = {}
        while line := self._file.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        return headers

    def _read(self) -> None:
        text = ""
        try:
            while chunk := self._read_chunk():
                self.raw += chunk
                *blocks, text = (text + chunk.decode()).split("\n\n")
                for block in blocks:
                    self._blocks.put(Block(block, time.monotonic()))
            self.is_complete = self.is_complete and not text
        except (OSError, ValueError):
            self.is_complete = False  # Cut in the middle.
        finally:
            self._blocks.put(None)

    def _read_chunk(self) -> bytes:
        if "content-length" in self.headers:
            self.is_complete = True
            return self._file.read(int(self.headers["content-length"]) - len(self.raw))
        size = int(self._file.readline(), 16)
        chunk = self._file.read(size)
        ended = self._file.readline() == b"\r\n"
        self.is_complete = size == 0 and ended
        return chunk
