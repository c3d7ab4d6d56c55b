"""A push service on this machine, and browsers that decrypt what it hands them."""

import json
import os
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ENDLESS_SECONDS = 20


def base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Browser:
    """One that has subscribed at `path` of the push service."""

    path: str
    origin: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = field(default_factory=lambda: os.urandom(16))
    received: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    @property
    def subscription(self) -> dict[str, Any]:
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        keys = {"p256dh": base64url(point), "auth": base64url(self.auth)}
        return {"endpoint": f"{self.origin}{self.path}", "keys": keys}

    def take(self, body: bytes, headers: dict[str, str]) -> int:
        plain = http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth, version="aes128gcm")
        self.received.append(json.loads(plain))
        self.headers.append(headers)
        return self.answers.pop(0) if self.answers else 201


@dataclass
class PushService:
    """`endless`: what it sends of an answer again and again, for a while: lines of its head, or a body."""

    origin: str
    endless: bytes = b""
    browsers: dict[str, Browser] = field(default_factory=dict)

    def browser(self) -> Browser:
        path = f"/send/{len(self.browsers) + 1}"
        self.browsers[path] = Browser(path, self.origin)
        return self.browsers[path]


@contextmanager
def push_service() -> Iterator[PushService]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = service.browsers[self.path].take(
                body, {name.lower(): value for name, value in self.headers.items()}
            )
            if service.endless:
                self.never_end()
                return
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{service.origin}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def never_end(self) -> None:
            head = b"" if service.endless.endswith(b"\n") else b"\r\n"
            with suppress(OSError):
                self.wfile.write(b"HTTP/1.1 201 Created\r\n" + head)
                until = time.monotonic() + ENDLESS_SECONDS
                while time.monotonic() < until:
                    self.wfile.write(service.endless)
                    time.sleep(0.05)
            self.close_connection = True

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        service = PushService(f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield service
        server.shutdown()
        thread.join()
