"""django-rest as `make run` starts it, beside that of the stack, with settings of its own."""

import http.client
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx

from testkit.live.stack import LiveStack, wait_for
from tools import ROOT
from tools.processes import Child, free_port
from tools.run_stack import GUNICORN_FLAGS


class Server:
    def __init__(self, child: Child, port: int) -> None:
        self.child = child
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

    def access_token(self, stack: LiveStack) -> str:
        """Of the owner."""
        owner = stack.person("owner")
        given = {"username": owner.email, "password": owner.password}
        token: str = httpx.post(f"http://127.0.0.1:{self.port}/api/token", json=given, timeout=30).json()["access"]
        return token


@contextmanager
def open_api(stack: LiveStack, folder: Path, **settings: str) -> Iterator[Server]:
    """Ready when it is entered."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "config.wsgi:application", f"--bind=127.0.0.1:{port}", *GUNICORN_FLAGS]
    log, record = folder / "django-rest.log", folder / "django-rest.pid"
    environment = {**stack.environment, **settings}
    child = Child("django-rest", command, folder=ROOT / "django-rest", log=log, record=record, environment=environment)
    child.start()
    try:
        for _ in range(10):  # Each of two processes becomes ready by itself.
            wait_for(f"http://127.0.0.1:{port}/readyz")
            time.sleep(0.05)
        yield Server(child, port)
    finally:
        child.stop()
