"""Silent, half-sent and slow requests to django-rest without a gateway, and probes while every thread is busy."""

import io
import selectors
import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

import MySQLdb
import pytest
from PIL import Image

from testkit.live.own_api import Server, open_api
from testkit.live.stack import LiveStack

HEAD_SECONDS = 1.5
BODY_SECONDS = 2.0
THREADS = 16
HALF_HEAD = b"GET /api/v1/time/now HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
SLOW_BODY = (
    b"POST /api/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"
)


@pytest.fixture(scope="module")
def server(stack: LiveStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With short deadlines."""
    if stack.gateway_url is not None:
        pytest.skip("starts a process of its own")
    settings = {
        "REST_HEAD_SECONDS": str(HEAD_SECONDS),
        "REST_BODY_SECONDS": str(BODY_SECONDS),
        "REST_MAX_CONNECTIONS": "300",
    }
    with open_api(stack, tmp_path_factory.mktemp("impatient"), **settings) as opened:
        yield opened


@contextmanager
def open_connections(server: Server, number: int, sent: bytes) -> Iterator[list[socket.socket]]:
    with ExitStack() as opened:
        yield [opened.enter_context(closing(server.connect(sent))) for _ in range(number)]


def closed_within(connections: list[socket.socket], seconds: float) -> int:
    """Connections that the server has closed, whatever it said before."""
    deadline, closed = time.monotonic() + seconds, 0
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection, selectors.EVENT_READ)
        while selector.get_map() and time.monotonic() < deadline:
            for key, _ in selector.select(timeout=0.5):
                assert isinstance(key.fileobj, socket.socket)
                try:
                    ended = not key.fileobj.recv(65536)
                except OSError:
                    ended = True
                if ended:
                    selector.unregister(key.fileobj)
                    closed += 1
    return closed


@pytest.mark.parametrize("sent", [b"", HALF_HEAD, SLOW_BODY], ids=["silent", "half a head", "half a body"])
def test_250_connections_that_send_nothing_more_disturb_nobody_and_are_closed(server: Server, sent: bytes) -> None:
    with open_connections(server, 250, sent) as connections:
        assert [server.get(path) for path in ("/livez", "/readyz", "/api/v1/time/now")] == [200] * 3
        assert closed_within(connections, 20) == 250
    assert server.get("/api/v1/time/now", timeout=30) == 200


def test_trickling_head_is_closed_at_its_deadline(server: Server) -> None:
    with closing(server.connect(HALF_HEAD)) as connection:
        deadline = time.monotonic() + 20
        with suppress(OSError):
            while time.monotonic() < deadline:
                connection.sendall(b"a")
                time.sleep(0.2)
        assert time.monotonic() < deadline


def test_more_connections_than_the_limit_push_out_the_silent_ones(server: Server) -> None:
    """300 in each of two processes."""
    with open_connections(server, 800, b""):
        assert [server.get(path) for path in ("/livez", "/readyz", "/api/v1/time/now")] == [200] * 3


def test_clients_that_pipeline_and_never_read_take_no_threads(server: Server) -> None:
    """One answer to each of these is larger than what the kernel keeps for a client that does not read."""
    request = b"GET /api/schema HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with open_connections(server, THREADS + 8, request * 12):
        time.sleep(1)
        assert [server.get(path) for path in ("/livez", "/api/v1/time/now", "/api/v1/time/now")] == [200] * 3


def test_chunked_body_is_refused_instead_of_read_as_empty(server: Server) -> None:
    head = b"POST /api/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    body = b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    with closing(server.connect(head + body)) as connection:
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 411 ")
    assert b'"length_required"' in answer


def test_probes_answer_at_once_while_every_thread_waits_for_a_locked_row(server: Server, stack: LiveStack) -> None:
    """Required: a second. A machine that is busy with other work may add half of one to a single probe."""
    body = b'{"username": "unknown@demo.chairside.example", "password": "wrong"}'
    head = (
        b"POST /api/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    )
    with closing(MySQLdb.connect(**stack.admin_db())) as blocker, closing(blocker.cursor()) as cursor:
        # Every sign-in counts an attempt there.
        cursor.execute("SELECT * FROM attempt_count FOR UPDATE")
        with (
            open_connections(server, THREADS + 4, head % len(body) + body),
            open_connections(server, 250, b""),
        ):
            seconds = [_probe(server, path) for path in ("/livez", "/readyz") * 20]
        blocker.rollback()  # type: ignore[no-untyped-call]
    assert statistics.median(seconds) < 0.3
    assert max(seconds) < 1.5
    assert server.get("/api/v1/time/now", timeout=30) == 200


def _probe(server: Server, path: str) -> float:
    began = time.monotonic()
    assert server.get(path) == 200
    return time.monotonic() - began


def test_pipelined_and_kept_alive_requests_are_answered_in_order(server: Server) -> None:
    request = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"
    last = b"GET /api/v1/time/now HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = server.ask(request % b"/livez" + request % b"/api/v1/time/now" + request % b"/readyz" + last)
    assert answer.count(b"HTTP/1.1 200") == 4
    assert answer.index(b"alive") < answer.index(b'"utc"') < answer.index(b'"database"')


def test_upload_of_megabytes_that_expects_continue_is_stored(server: Server, stack: LiveStack) -> None:
    photo = io.BytesIO()
    Image.effect_noise((1500, 1500), 100).convert("RGB").save(photo, "PNG")
    disposition = b'Content-Disposition: form-data; name="photo"; filename="p.png"\r\nContent-Type: image/png'
    boundary = b"--boundary-of-a-photo"
    body = b"\r\n".join([boundary, disposition, b"", photo.getvalue(), boundary + b"--", b""])
    assert 2_000_000 < len(body) < 5_000_000
    head = (
        "POST /api/v1/users/me/photo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nExpect: 100-continue\r\n"
        f"Authorization: Bearer {server.access_token(stack)}\r\n"
        f"Content-Type: multipart/form-data; boundary=boundary-of-a-photo\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with closing(server.connect(head.encode())) as connection:
        assert connection.recv(1024) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"NONSENSE\r\n\r\n", 400),
        (b"GET /api/v1/time/now HTTP/1.1\r\nHost: localhost\r\nBad Name: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 70_000, 431),
        (b"POST /api/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n" + b"a" * 1000, 413),
    ],
)
def test_unserveable_request_is_refused_in_the_one_error_shape(
    server: Server, request_bytes: bytes, status: int
) -> None:
    head, _, body = server.ask(request_bytes).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b'{"type": "client_error", "errors": [{"code": ' in body
