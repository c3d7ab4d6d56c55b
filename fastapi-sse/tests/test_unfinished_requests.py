"""Silent, half-sent and slow requests: closed in time, bounded in number, in nobody's way."""

import contextlib
import select
import signal
import socket
import time
from collections.abc import Iterator

import pytest

from testkit.stream.clinic import TestClinic
from testkit.stream.service import StartService, StreamService

COUNT = 240
SILENT = b""
HALF_A_LINE = b"GET /api/v1/sse/appo"
HALF_A_HEAD = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
HALF_A_BODY = b"POST /api/v1/sse/connections/0-0-1/renew HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"
COMPLETE = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"


@contextlib.contextmanager
def connections(service: StreamService, count: int, text: bytes) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(connect(service, text)) for _ in range(count)]


def connect(service: StreamService, text: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", service.port), timeout=5)
    connection.sendall(text)
    return connection


def closed(connections: list[socket.socket]) -> int:
    """How many the service has ended by now."""
    return sum(is_closed(connection) for connection in connections)


def is_closed(connection: socket.socket) -> bool:
    while select.select([connection], [], [], 0)[0]:
        try:
            if not connection.recv(65536):
                return True
        except ConnectionResetError:
            return True
    return False


def wait_until_closed(connections: list[socket.socket], count: int, *, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    left = list(connections)
    while len(connections) - len(left) < count:
        assert time.monotonic() < deadline, f"{len(connections) - len(left)} of {count} were closed"
        left = [connection for connection in left if not is_closed(connection)]
        time.sleep(0.05)


@pytest.mark.parametrize("text", [SILENT, HALF_A_LINE, HALF_A_HEAD, HALF_A_BODY, COMPLETE, COMPLETE + HALF_A_LINE])
def test_connection_without_a_complete_request_is_closed_while_probes_and_streams_go_on(
    start_service: StartService, clinic: TestClinic, text: bytes
) -> None:
    service = start_service(sse_request_seconds=0.5, sse_max_unfinished_requests_per_address=0)
    with service.stream(clinic.owner.token()) as stream, connections(service, COUNT, text) as silent:
        stream.next_event()
        assert service.get("/livez").status_code == service.get("/readyz").status_code == 200
        wait_until_closed(silent, COUNT)
        clinic.book()
        stream.next_event()


@pytest.mark.parametrize("setting", ["sse_max_unfinished_requests", "sse_max_unfinished_requests_per_address"])
def test_over_the_limit_the_oldest_is_closed_and_newcomers_are_answered(
    start_service: StartService, clinic: TestClinic, setting: str
) -> None:
    service = start_service(sse_request_seconds=60, trusted_proxies="192.0.2.1", **{setting: 20})
    with (
        service.stream(clinic.owner.token()) as stream,
        connections(service, 60, HALF_A_HEAD) as silent,
    ):
        stream.next_event()
        wait_until_closed(silent[:40], 40)
        assert closed(silent[40:]) == 0
        assert service.get("/readyz").status_code == 200
        assert "chairside_stream_unfinished_closed_total" in service.get("/metrics").text
        clinic.book()
        stream.next_event()


def test_burst_of_500_requests_from_one_address_loses_none(start_service: StartService, clinic: TestClinic) -> None:
    """All boards behind one address after a restart: connected before the service reads the first request."""
    service = start_service(
        trusted_proxies="192.0.2.1", sse_max_unfinished_requests_per_address=200, sse_max_connections_per_user=0
    )
    head = "GET /api/v1/sse/appointments?mode=delta HTTP/1.1\r\nHost: localhost\r\n"
    request = f"{head}Authorization: Bearer {clinic.owner.token()}\r\n\r\n"
    with contextlib.ExitStack() as stack:
        stack.enter_context(connections(service, 150, HALF_A_HEAD))
        service.signal(signal.SIGSTOP)
        try:
            boards = stack.enter_context(connections(service, 500, SILENT))
        finally:
            service.signal(signal.SIGCONT)
        assert service.get("/livez").status_code == 200  # It came after them: all have been accepted.
        with contextlib.suppress(ConnectionError):
            for board in boards:
                board.sendall(request.encode())
        assert sum(is_given_its_rows(board) for board in boards) == 500


def is_given_its_rows(board: socket.socket) -> bool:
    told = b""
    board.settimeout(30)
    with contextlib.suppress(ConnectionResetError):
        while b"\n\n" not in told.partition(b"event: snapshot")[2]:
            received = board.recv(65536)
            if not received:
                return False
            told += received
        return told.startswith(b"HTTP/1.1 200")
    return False


def test_head_that_never_ends_is_refused(service: StreamService) -> None:
    with connect(service, b"GET /livez HTTP/1.1\r\nHost: localhost\r\n") as connection:
        with contextlib.suppress(ConnectionError):
            for _ in range(40):
                connection.sendall(b"X-Long: " + b"a" * 4000 + b"\r\n")
                time.sleep(0.001)
        with contextlib.suppress(ConnectionError):
            assert connection.recv(65536).startswith(b"HTTP/1.1 431 ")
    assert service.get("/livez").status_code == 200
