"""Many readers in one thread, as cheap as Python can have them: what they cost must not hide what a server costs.

They know how many bytes they wait for, and nothing of what these say.
"""

import os
import select
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

OPENING_AT_ONCE = 50
EVENTS_AT_ONCE = 1024
BUFFER_BYTES = 1 << 18
HEAD_END = b"\r\n\r\n"

Request = Callable[[], bytes]


@dataclass(frozen=True)
class Opened:
    """How it went: not every server opens as many as it is asked to."""

    count: int
    lost: int
    seconds: float


class Readers:
    def __init__(self, port: int, request: Request) -> None:
        self._port = port
        self._request = request
        self._epoll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._buffer = bytearray(BUFFER_BYTES)
        self._publisher = ThreadPoolExecutor(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._publisher.shutdown()
        for one in self._sockets.values():
            # A reset leaves no port behind that waits for a minute.
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            one.close()
        self._epoll.close()

    def __len__(self) -> int:
        return len(self._sockets)

    def open(
        self,
        count: int,
        patience: float,
        tick: Callable[[int], None] = lambda _: None,
        *,
        at_once: int = OPENING_AT_ONCE,
        has_begun: Callable[[bytes], bool] | None = None,
    ) -> Opened:
        """Open is a reader who has been told anything at all after the headers, or what `has_begun` looks for."""
        has_begun = has_begun or _has_begun
        began_at = time.perf_counter()
        heads: dict[int, bytes] = {}
        started = opened = lost = 0
        while opened + lost < count and time.perf_counter() - began_at < patience:
            while started < count and len(heads) < at_once:
                heads[self._connect()] = b""
                started += 1
            for descriptor, _ in self._epoll.poll(0.1, EVENTS_AT_ONCE):
                came = self._read(descriptor)
                if came is None:
                    lost += heads.pop(descriptor, None) is not None
                elif descriptor in heads:
                    heads[descriptor] += self._buffer[:came]
                    if has_begun(heads[descriptor]):
                        del heads[descriptor]
                        opened += 1
                        tick(1)
        return Opened(opened, lost + started - opened - lost, time.perf_counter() - began_at)

    def sample(self, publish: Callable[[], None], patience: float, quiet: float = 1.0) -> bytes:
        """The bytes to the first reader for one message, with the chunks of HTTP around it."""
        first = next(iter(self._sockets))
        publishing = self._publisher.submit(publish)
        came, ends_at = b"", time.perf_counter() + patience
        while time.perf_counter() < ends_at:
            for descriptor, _ in self._epoll.poll(0.05, EVENTS_AT_ONCE):
                length = self._read(descriptor)
                if length and descriptor == first:
                    came += self._buffer[:length]
                    ends_at = time.perf_counter() + quiet
        publishing.result()
        return came

    def hear(self, publish: Callable[[], None], wire_bytes: int, patience: float) -> list[float]:
        """Publish one message; the seconds until each reader had as many bytes as it takes."""
        missing = dict.fromkeys(self._sockets, wire_bytes)
        times: list[float] = []
        poll, readv, buffers, clock = self._epoll.poll, os.readv, [self._buffer], time.perf_counter
        began_at = clock()
        publishing = self._publisher.submit(publish)
        while len(times) < len(missing) and clock() - began_at < patience:
            for descriptor, _ in poll(0.1, EVENTS_AT_ONCE):
                try:
                    length = readv(descriptor, buffers)
                except OSError:
                    length = 0
                if not length:
                    self._forget(descriptor)
                    missing.pop(descriptor, None)
                    continue
                left = missing[descriptor]
                missing[descriptor] = left - length
                if 0 < left <= length:
                    times.append(clock() - began_at)
        publishing.result()
        return times

    def follow(self, is_over: Callable[[], bool]) -> Iterator[tuple[int, float, bytes]]:
        """Which of them got what, when."""
        while not is_over():
            for descriptor, _ in self._epoll.poll(0.05, EVENTS_AT_ONCE):
                if length := self._read(descriptor):
                    yield descriptor, time.monotonic(), bytes(self._buffer[:length])

    def drain_for(self, seconds: float) -> None:
        """Read and discard events."""
        ends_at = time.perf_counter() + seconds
        while (left := ends_at - time.perf_counter()) > 0:
            for descriptor, _ in self._epoll.poll(left, EVENTS_AT_ONCE):
                self._read(descriptor)

    def _connect(self) -> int:
        one = socket.create_connection(("127.0.0.1", self._port), timeout=10)
        one.sendall(self._request())
        one.setblocking(False)
        self._sockets[one.fileno()] = one
        self._epoll.register(one.fileno(), select.EPOLLIN)
        return one.fileno()

    def _read(self, descriptor: int) -> int | None:
        """None when it has ended."""
        try:
            length = os.readv(descriptor, [self._buffer])
        except OSError:
            length = 0
        if not length:
            self._forget(descriptor)
            return None
        return length

    def _forget(self, descriptor: int) -> None:
        self._epoll.unregister(descriptor)
        self._sockets.pop(descriptor).close()


def _has_begun(came: bytes) -> bool:
    head, _, body = came.partition(HEAD_END)
    return bool(body) and b" 200 " in head.split(b"\r\n", 1)[0]


def without_chunks(body: bytes) -> bytes:
    """The bytes of an event as they stand in chunks of HTTP/1.1, or as they are."""
    whole = b""
    rest = body
    while rest:
        size, separator, rest = rest.partition(b"\r\n")
        if not separator or not size or size.strip(b"0123456789abcdefABCDEF"):
            return body
        whole += rest[: int(size, 16)]
        rest = rest[int(size, 16) + 2 :]
    return whole
