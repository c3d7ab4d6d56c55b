"""Silent, half-sent and slow requests to django-rest without a gateway, and probes while every thread is busy."""

import http.client
import io
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

import httpx
import MySQLdb
import pytest
from PIL import Image
from processes import Child, free_port
from run_stack import GUNICORN_FLAGS, ROOT
from stack import LiveStack, wait_for

HEAD_SECONDS = 1.5
BODY_SECONDS = 2.0
THREADS = 16
HALF_HEAD = b"GET /api/v1/time/now HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
SLOW_BODY = (
    b"POST /api/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"
)


class Server:
    def __init__(self, port: int) -> None:
        self.port = port

    def connect(self, sent: bytes = b"") -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        if sent:
            connection.sendall(sent)
        return connection

    def get(self, path: str, *, timeout: float = 5) -> int:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)) as client:
            client.request("GET", path)
            return client.getresponse().status

    def ask(self, request: bytes) -> bytes:
        """All that comes until the server closes the connection."""
        with closing(self.connect(request)) as connection:
            answer = b""
            while data := connection.recv(65536):
                answer += data
            return answer


@pytest.fixture(scope="module")
def server(stack: LiveStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """django-rest as `make run` starts it, beside that of the stack and with short deadlines."""
    if stack.gateway_url is not None:
        pytest.skip("starts a process of its own")
    port, folder = free_port(), tmp_path_factory.mktemp("impatient")
    command = [sys.executable, "-m", "gunicorn", "config.wsgi:application", f"--bind=127.0.0.1:{port}", *GUNICORN_FLAGS]
    environment = {
        **stack.environment,
        "REST_HEAD_SECONDS": str(HEAD_SECONDS),
        "REST_BODY_SECONDS": str(BODY_SECONDS),
        "REST_MAX_CONNECTIONS": "300",
    }
    log, record = folder / "django-rest.log", folder / "django-rest.pid"
    child = Child("django-rest", command, folder=ROOT / "django-rest", log=log, record=record, environment=environment)
    child.start()
    try:
        for _ in range(10):  # Each of two processes becomes ready by itself.
            wait_for(f"http://127.0.0.1:{port}/readyz")
            time.sleep(0.05)
        yield Server(port)
    finally:
        child.stop()


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


def test_probes_answer_while_every_thread_waits_for_a_locked_row(server: Server, stack: LiveStack) -> None:
    body = b'{"username": "unknown@demo.chairside.example", "password": "wrong"}'
    head = (
        b"POST /api/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    )
    with closing(MySQLdb.connect(**stack.admin_db())) as blocker, closing(blocker.cursor()) as cursor:
        # Every sign-in counts an attempt there.
        cursor.execute("SELECT * FROM attempt_count FOR UPDATE")
        with open_connections(server, THREADS + 4, head % len(body) + body):
            time.sleep(0.5)
            assert [server.get(path, timeout=3) for path in ("/livez", "/readyz") * 5] == [200] * 10
        blocker.rollback()  # type: ignore[no-untyped-call]
    assert server.get("/api/v1/time/now", timeout=30) == 200


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
        f"Authorization: Bearer {access_token(server, stack)}\r\n"
        f"Content-Type: multipart/form-data; boundary=boundary-of-a-photo\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with closing(server.connect(head.encode())) as connection:
        assert connection.recv(1024) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")


def access_token(server: Server, stack: LiveStack) -> str:
    owner = stack.person("owner")
    given = {"username": owner.email, "password": owner.password}
    token: str = httpx.post(f"http://127.0.0.1:{server.port}/api/token", json=given, timeout=30).json()["access"]
    return token


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"NONSENSE\r\n\r\n", 400),
        (b"GET /api/v1/time/now HTTP/1.1\r\nHost: localhost\r\nBad Name: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 70_000, 431),
        (b"POST /api/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n" + b"a" * 1000, 413),
    ],
)
def test_what_cannot_be_served_is_refused_in_the_one_error_shape(
    server: Server, request_bytes: bytes, status: int
) -> None:
    head, _, body = server.ask(request_bytes).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b'{"type": "client_error", "errors": [{"code": ' in body
