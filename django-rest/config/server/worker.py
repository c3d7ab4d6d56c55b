"""gunicorn's threaded worker, but a thread only ever sees requests that have arrived whole.

One loop accepts, reads heads and bodies under deadlines, and answers probes; threads run the application. So silent,
half-sent and slow requests cost a little memory each and never a thread, and `/livez` and `/readyz` are answered
although every thread waits, for a locked row for example. Of requests that only read and take long, it looks whether
their clients are still there, and ends what the database does for those that have gone.
"""

import errno
import logging
import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from enum import Enum, auto
from functools import partial
from typing import Any
from uuid import uuid4

from gunicorn.http.errors import NoMoreData, ParseException
from gunicorn.http.parser import RequestParser
from gunicorn.workers.gthread import ThreadWorker

from config.server.answers import REFUSALS, STATUS_OF, error_response, response
from config.server.framing import Progress, RequestReader
from config.server.parent import end_with_parent
from config.server.reading import ReadingRequests
from config.server.shared_counts import share_counts

READ_BYTES = 64 * 1024
SWEEP_SECONDS = 0.25
# A response that a client does not take holds a thread: that long at most.
SEND_SECONDS = 10
# A body gets this much longer for each of its bytes.
MIN_BODY_BYTES_PER_SECOND = 16 * 1024
MAX_BUFFERED_BYTES = 64 * 1024 * 1024
# Whole requests that wait for a thread; further ones are told to come again.
MAX_QUEUED = 500
# How long a client that still sends may read its answer before the connection is reset.
LINGER_SECONDS = 1.0
STOP_SECONDS = 2.0


class Waits(Enum):
    """For what the loop keeps a connection. Whatever follows NOTHING is new, with a deadline of its own."""

    NOTHING = auto()
    NEXT_REQUEST = auto()
    HEAD = auto()
    BODY = auto()
    CLOSE = auto()
    ROOM = auto()  # In the kernel's buffer, for the next answer.


class ClientConnection:
    """`sock`, `client` and `server` are the names by which gunicorn knows them."""

    def __init__(self, sock: socket.socket, client: Any, server: Any, reader: RequestReader, counted_as: str) -> None:
        self.sock = sock
        self.client = client
        self.server = server
        self.reader = reader
        self.counted_as = counted_as
        self.waits_for = Waits.NOTHING
        self.deadline = 0.0
        self.is_last_request = False
        self.was_told_to_continue = False
        self.buffered = 0
        self.request = b""
        self.reads: Any = None  # Of a request that only reads, while it is being answered.


class RequestWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn is not typed.
    def load_wsgi(self) -> None:
        end_with_parent(self.ppid)
        super().load_wsgi()
        # Only now: Django is set up by loading the application.
        from clinic.common import request_metrics
        from clinic.common.addresses import PROXIES
        from clinic.common.mysql.abandoning import AbandonableReads, abandonable
        from clinic.health.probes import probe_response
        from clinic.scheduling.claim_queue import limit_queues
        from django.conf import settings
        from shared_config import counted_address

        # At DEBUG gunicorn writes paths; and its lines get the form of all others.
        self.log.error_log.setLevel(max(self.log.error_log.level, logging.INFO))
        self.log.error_log.handlers.clear()
        self.log.error_log.propagate = True
        shared = settings.SHARED
        self._trusts, self._counted_address = PROXIES.trusts, counted_address
        self._probe_response = probe_response
        self._reading, self._abandonable = ReadingRequests(AbandonableReads), abandonable
        # As many threads again are left to readers.
        limit_queues(max(1, self.cfg.threads // 2))
        self._max_body_bytes: int = settings.API_MAX_UPLOAD_BYTES
        self._head_seconds: float = shared.rest_head_seconds
        self._body_seconds: float = shared.rest_body_seconds
        self._max_connections: int = shared.rest_max_connections
        self._max_per_address: int = shared.rest_max_connections_per_address
        # Never stop accepting: the oldest that waits makes room instead, or probes would wait with all others.
        self.worker_connections = float("inf")
        self._waiting: dict[ClientConnection, None] = {}
        self._by_address: Counter[str] = Counter()
        self._buffered = self._queued = 0
        self._swept_at = 0.0
        self._metrics = request_metrics
        request_metrics.CONNECTIONS_LIMIT.set(self._max_connections)
        request_metrics.THREADS.set(self.cfg.threads)

    @classmethod
    def setup(cls) -> None:
        """Called by gunicorn in the parent."""
        share_counts()

    # The loop: accept, read, give to a thread.

    def accept(self, listener: Any) -> None:
        """One in each turn: a process that took all of a burst would leave none to the others."""
        try:
            sock, client = listener.accept()
        except OSError as error:
            if error.errno in {errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED}:
                return
            if error.errno in {errno.EMFILE, errno.ENFILE}:
                self._make_room()
                return
            raise
        self._admit(sock, client, listener.getsockname())

    def _admit(self, sock: socket.socket, client: Any, server: Any) -> None:
        peer = client[0] if isinstance(client, tuple) else ""
        counted_as = "" if self._trusts(peer) else self._counted_address(peer)
        if counted_as and 0 < self._max_per_address <= self._by_address[counted_as]:
            sock.close()
            return
        if self.nr_conns >= self._max_connections and not self._make_room():
            sock.close()
            return
        sock.setblocking(False)
        reader = RequestReader(max_body_bytes=self._max_body_bytes)
        connection = ClientConnection(sock, client, server, reader, counted_as)
        self.nr_conns += 1
        self._by_address[counted_as] += 1
        self._read(connection)  # Usually the request is there already.

    def _make_room(self) -> bool:
        """Close the connection that has waited longest. False if all of them have requests that are being answered."""
        oldest = next(iter(self._waiting), None)
        if oldest is None:
            return False
        self._close(oldest)
        return True

    def _wait(self, connection: ClientConnection, waits_for: Waits) -> None:
        now = time.monotonic()
        seconds = {
            Waits.NEXT_REQUEST: self.cfg.keepalive,
            Waits.HEAD: self._head_seconds,
            Waits.BODY: self._body_seconds + (connection.reader.body_bytes or 0) / MIN_BODY_BYTES_PER_SECOND,
            Waits.CLOSE: LINGER_SECONDS,
        }[waits_for]
        connection.waits_for = waits_for
        connection.deadline = now + (seconds if self.alive else min(seconds, STOP_SECONDS))
        if connection not in self._waiting:
            self._waiting[connection] = None
            self.poller.register(connection.sock, selectors.EVENT_READ, partial(self._on_readable, connection))

    def _stop_waiting(self, connection: ClientConnection) -> None:
        if connection in self._waiting:
            del self._waiting[connection]
            self.poller.unregister(connection.sock)

    def _on_readable(self, connection: ClientConnection, _sock: socket.socket) -> None:
        self._read(connection)

    def _read(self, connection: ClientConnection) -> None:
        try:
            data = connection.sock.recv(READ_BYTES)
        except (BlockingIOError, InterruptedError):
            if connection.waits_for is Waits.NOTHING:
                self._wait(connection, Waits.HEAD)
            return
        except OSError:
            data = b""
        if not data:
            self._close(connection)
        elif connection.waits_for is not Waits.CLOSE:  # Then it is read only to be thrown away.
            connection.reader.feed(data)
            self._advance(connection)

    def _advance(self, connection: ClientConnection) -> None:
        """After more bytes, or after an answer if bytes of the next request came with the last one."""
        while self._take_step(connection):
            pass

    def _take_step(self, connection: ClientConnection) -> bool:
        """Whether there may be another step: an answered probe can have a further request behind it."""
        reader = connection.reader
        self._count_buffered(connection)
        if self._buffered > MAX_BUFFERED_BYTES and reader.progress is Progress.BODY:
            self._refuse(connection, 503, "service_unavailable", "Too much is being uploaded. Please try again.")
            return False
        progress = reader.advance()
        if progress is Progress.COMPLETE:
            return self._answer(connection)
        if progress in REFUSALS:
            self._refuse(connection, *REFUSALS[progress])
        elif progress is Progress.HEAD:
            waits_for = Waits.HEAD if reader.size else Waits.NEXT_REQUEST
            if waits_for is not connection.waits_for:  # Empty lines give no more time.
                self._wait(connection, waits_for)
        elif connection.waits_for is not Waits.BODY:
            self._wait(connection, Waits.BODY)
            if reader.expects_continue:
                self._send(connection, b"HTTP/1.1 100 Continue\r\n\r\n")
        return False

    def _answer(self, connection: ClientConnection) -> bool:
        reader = connection.reader
        if (probe := reader.probe) is not None and (answer := self._probe_response(*probe[1:])) is not None:
            return self._answer_probe(connection, *answer, has_body=probe[0])
        if self._queued >= self.cfg.threads + MAX_QUEUED:
            self._refuse(connection, 503, "service_unavailable", "Too many requests wait. Please try again.")
            return False
        connection.is_last_request = reader.is_last
        connection.request = reader.take()
        self._stop_waiting(connection)
        self._queued += 1
        self._reading.begin(connection)
        self.enqueue_req(connection)
        return False

    def _answer_probe(
        self, connection: ClientConnection, status: int, headers: dict[str, str], body: bytes, *, has_body: bool
    ) -> bool:
        closes = connection.reader.wants_close or connection.reader.is_last or not self.alive
        headers = {**headers, "X-Request-ID": connection.reader.request_id or uuid4().hex, "X-Process-Time": "0.000000"}
        connection.reader.take()
        sent = self._send(connection, response(status, headers, body if has_body else b"", closes=closes))
        if closes or not sent:
            self._close(connection)
            return False
        connection.waits_for = Waits.NOTHING
        return True

    def _refuse(self, connection: ClientConnection, status: int, code: str, detail: str) -> None:
        self._send(connection, error_response(status, code, detail))
        self._linger(connection)

    def _linger(self, connection: ClientConnection) -> None:
        """Close, but for a client that still sends not before it could read the answer: unread bytes reset it."""
        try:
            connection.sock.setblocking(False)
            connection.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(connection)
        else:
            self._wait(connection, Waits.CLOSE)

    def _send(self, connection: ClientConnection, data: bytes) -> bool:
        """Something short; a client that has no room even for that is given up."""
        try:
            return connection.sock.send(data) == len(data)
        except OSError:
            return False

    def _close(self, connection: ClientConnection) -> None:
        self._stop_waiting(connection)
        self._buffered -= connection.buffered
        connection.buffered = 0
        self.nr_conns -= 1
        self._by_address[connection.counted_as] -= 1
        if not self._by_address[connection.counted_as]:
            del self._by_address[connection.counted_as]
        connection.sock.close()

    def _count_buffered(self, connection: ClientConnection) -> None:
        size = connection.reader.size + len(connection.request)
        self._buffered += size - connection.buffered
        connection.buffered = size

    def murder_pending(self) -> None:
        """gunicorn calls it in each turn of its loop."""
        now = time.monotonic()
        if now - self._swept_at < SWEEP_SECONDS:
            return
        self._swept_at = now
        self._metrics.CONNECTIONS.set(self.nr_conns)
        self._metrics.IN_PROGRESS.set(self._queued)
        self._reading.look(now)
        for connection in [waiting for waiting in self._waiting if waiting.deadline <= now]:
            if connection.waits_for is Waits.BODY:
                self._refuse(connection, 408, "request_timeout", "The request took too long to arrive.")
            else:
                self._close(connection)

    def _cap_keepalive(self, deadline: float) -> None:
        """gunicorn calls it when it stops: a request may be on its way, silence may not hold it up."""
        for connection in self._waiting:
            connection.deadline = min(connection.deadline, deadline)

    # A thread: run the application.

    def handle(self, connection: ClientConnection) -> bool:
        """Whether the connection goes on."""
        request = None
        try:
            connection.sock.settimeout(SEND_SECONDS)
            parser = RequestParser(self.cfg, _slices(connection.request), connection.client)
            request = next(parser)
            request._expected_100_continue = False  # The loop has told it already.
            if connection.is_last_request:
                request.force_close()
            with self._abandonable(connection.reads):
                return bool(self.handle_request(request, connection)) and not connection.is_last_request
        except (NoMoreData, StopIteration):
            return False
        except OSError as error:
            self.log.debug("A connection ended early: %s", type(error).__name__)
            return False
        except Exception as error:
            self.handle_error(request, connection.sock, connection.client, error)
            return False

    def finish_request(self, connection: ClientConnection, future: Future[bool]) -> None:
        """On the loop again."""
        self._queued -= 1
        self._reading.end(connection)
        connection.request = b""
        self._count_buffered(connection)
        try:
            goes_on = future.result()
        except BaseException:
            self._close(connection)
            return
        if goes_on:
            connection.sock.setblocking(False)
            connection.waits_for = Waits.NOTHING
            if connection.reader.size:
                self._wait_for_room(connection)
            else:
                self._advance(connection)
        elif connection.is_last_request:
            self._linger(connection)
        else:
            self._close(connection)

    def _wait_for_room(self, connection: ClientConnection) -> None:
        """Before the next of several requests that came at once: a client that does not read gets no thread for it."""
        connection.waits_for = Waits.ROOM
        connection.deadline = time.monotonic() + (SEND_SECONDS if self.alive else STOP_SECONDS)
        self._waiting[connection] = None
        self.poller.register(connection.sock, selectors.EVENT_WRITE, partial(self._on_writable, connection))

    def _on_writable(self, connection: ClientConnection, _sock: socket.socket) -> None:
        self._stop_waiting(connection)
        connection.waits_for = Waits.NOTHING
        self._advance(connection)

    def handle_error(self, request: Any, client: Any, address: Any, error: Exception) -> None:
        """Neither the log nor the answer repeats what was sent: it may hold a reference or a token."""
        if isinstance(error, ParseException):
            self.log.warning("A request could not be read: %s", type(error).__name__)
            status = STATUS_OF.get(type(error).__name__, 400)
            answer = error_response(status, "parse_error", "The request is not valid HTTP.")
        else:
            self.log.error("A request failed outside of the application", exc_info=error)
            answer = error_response(500, "error", "Something went wrong.")
        try:
            client.sendall(answer)
        except OSError:
            self.log.debug("An error could not be sent.")


def _slices(request: bytes) -> Iterator[bytes]:
    """In pieces: gunicorn copies what is left of a piece with every read."""
    return (request[start : start + READ_BYTES] for start in range(0, len(request), READ_BYTES))
