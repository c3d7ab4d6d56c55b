"""The stream service as a process of its own, reached over real HTTP."""

import os
import secrets
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import httpx
import jwt
import psutil

from testkit.stream.forked import ForkedService
from testkit.stream.wire import SseReader
from tools import ROOT

START_SECONDS = 60.0
STOP_SECONDS = 30.0  # A second on an idle machine; only a process that hangs takes this long.
POLL_SECONDS = 0.02
JWT_SECRET_KEY = secrets.token_hex(32)
# All is plain HTTP. By default httpx reads the system's certificates for each request: 20 ms of CPU.
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class StreamService:
    def __init__(self, environment: Mapping[str, str], log_path: Path, **settings: object) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log_path = log_path
        self.uvicorn_version: str | None = None  # Set before the start, the version that uvicorn claims to have.
        self.environment = {
            "PATH": os.environ["PATH"],
            # Told, not raised: raised while the event loop closes, it would keep the loop from closing.
            "PYTHONWARNINGS": "error,default::ResourceWarning",
            "JWT_SECRET_KEY": JWT_SECRET_KEY,
            "FASTAPI_PORT": str(self.port),
            **environment,
            **{name.upper(): str(value).lower() for name, value in settings.items()},
        }
        self._process: ForkedService | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, *, wait_for: str = "/readyz") -> None:
        self._process = ForkedService(
            self.environment, ROOT / "fastapi-sse", self._log_path, uvicorn_version=self.uvicorn_version
        )
        try:
            self.wait_until(wait_for, 200, START_SECONDS)
        except AssertionError:
            self.kill()
            raise

    def stop(self) -> int:
        """Ask it to stop as an operator would. Returns its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def wait_for_exit(self, seconds: float = 10.0) -> int:
        assert self._process is not None
        return self._process.wait(seconds)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def process_id(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def resident_bytes(self) -> int:
        assert self._process is not None
        return int(psutil.Process(self._process.pid).memory_info().rss)

    @property
    def log(self) -> str:
        return self._log_path.read_text()

    def get(self, path: str, *, token: str | None = None, headers: dict[str, str] | None = None) -> httpx.Response:
        authorization = {} if token is None else {"Authorization": f"Bearer {token}"}
        return httpx.get(
            self.url + path, headers={**authorization, **(headers or {})}, timeout=10, verify=NO_CERTIFICATES
        )

    def stream(
        self,
        token: str | None,
        query: str = "",
        *,
        of: str = "appointments",
        last_event_id: str | None = None,
        **headers: str,
    ) -> SseReader:
        if last_event_id is not None:
            headers["Last-Event-ID"] = last_event_id
        return SseReader(f"{self.url}/api/v1/sse/{of}?{query}", token=token, headers=headers)

    def post(self, path: str, *, token: str | None = None) -> httpx.Response:
        return self._request("POST", path, token)

    def delete(self, path: str, *, token: str | None = None) -> httpx.Response:
        return self._request("DELETE", path, token)

    def _request(self, method: str, path: str, token: str | None) -> httpx.Response:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return httpx.request(method, self.url + path, headers=headers, timeout=10, verify=NO_CERTIFICATES)

    def wait_to_see(self, event_id: str, token: str, seconds: float = 5.0) -> None:
        """Wait until a new stream begins at this id: a commit is seen at the next poll, not at once."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with self.stream(token) as stream:
                if stream.next_event().id == event_id:
                    return
        raise TimeoutError(f"{event_id} was not seen in {seconds} s")

    def wait_until(self, path: str, status: int, seconds: float = 5.0) -> None:
        deadline = time.monotonic() + seconds
        while self._status(path) != status:
            assert self._process is None or self._process.poll() is None, f"the service has died:\n{self.log}"
            assert time.monotonic() < deadline, f"{path} did not become {status}:\n{self.log}"
            time.sleep(POLL_SECONDS)

    def _status(self, path: str) -> int | None:
        try:
            return self.get(path).status_code
        except httpx.TransportError:
            return None

    def _end(self, number: int) -> int:
        if self._process is None:
            return 0
        process, self._process = self._process, None
        process.send_signal(number)
        try:
            return process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


StartService = Callable[..., StreamService]


def sign(
    claims: Mapping[str, Any],
    *,
    key: str = JWT_SECRET_KEY,
    algorithm: str = "HS256",
    seconds: float = 300,
    **changed: Any,
) -> str:
    """An access token as django-rest would sign it. A claim changed to None is left out."""
    now = datetime.now(UTC)
    full = {
        "iss": "chairside",
        "aud": "chairside",
        "exp": int((now + timedelta(seconds=seconds)).timestamp()),
        "iat": int(now.timestamp()),
        "jti": secrets.token_hex(16),
        "token_type": "access",
        **claims,
        **changed,
    }
    kept = {name: value for name, value in full.items() if value is not None or name == "clinic_id"}
    return jwt.encode(kept, key, algorithm=algorithm)


def sign_ticket(claims: Mapping[str, Any], *, stays_seconds: float = 300, **changed: Any) -> str:
    """A ticket for the stream as django-rest would sign it, asked for with a token that is good for `stays_seconds`."""
    session_exp = int((datetime.now(UTC) + timedelta(seconds=stays_seconds)).timestamp())
    ticket = {"aud": "chairside-stream", "token_type": "stream_ticket", "session_exp": session_exp, "seconds": 60}
    return sign(claims, **{**ticket, **changed})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
