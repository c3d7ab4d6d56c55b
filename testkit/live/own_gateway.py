"""The gateway as a process of its own: nginx with the configuration that containers use."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from testkit.live.stack import LiveStack, wait_for
from tools import ROOT, run_stack
from tools.processes import Child, free_port

UNPACKED = ROOT / ".venv/nginx/usr/sbin/nginx"


@dataclass(frozen=True)
class Gateway:
    url: str
    access_log: Path
    error_log: Path

    def client(self, address: str = "127.0.0.1") -> httpx.Client:
        """A client with an address of its own: all of 127.0.0.0/8 is this machine."""
        transport = httpx.HTTPTransport(local_address=address, verify=False)  # Made for this run.
        return httpx.Client(base_url=self.url, transport=transport, timeout=30)


@contextmanager
def _working_folder() -> Iterator[Path]:
    """Where the workers may write uploads: started by root, they run as another user."""
    with tempfile.TemporaryDirectory(prefix="chairside-gateway-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def open_gateway(folder: Path, api: str, stream: str, *, is_tls: bool = False, **settings: str) -> Iterator[Gateway]:
    """`api` and `stream`: host and port of each service; `settings`: variables of `gateway/render`."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    with _working_folder() as working:
        environment = {
            "PATH": os.environ["PATH"],
            "NGINX_PROGRAM": shutil.which("nginx") or str(UNPACKED),
            "API_ADDRESS": api,
            "STREAM_ADDRESS": stream,
            "TRUSTED_PROXIES": "",
            "GATEWAY_LISTEN": f"127.0.0.1:{port}",
            "GATEWAY_FOLDER": str(working),
            "GATEWAY_ACCESS_LOG": str(folder / "gateway-access.log"),
            "GATEWAY_ERROR_LOG": str(folder / "gateway-error.log"),
            **settings,
        }
        if is_tls:
            environment |= {"TLS_CERTIFICATE_FILE": str(folder / "cert.pem"), "TLS_KEY_FILE": str(folder / "key.pem")}
            _make_certificate(folder)
        child = Child(
            "gateway",
            [str(ROOT / "gateway/run")],
            folder=ROOT,
            log=folder / "gateway.log",
            record=folder / "gateway.pid",
            environment=environment,
        )
        child.start()
        try:
            gateway = Gateway(
                f"{'https' if is_tls else 'http'}://127.0.0.1:{port}",
                folder / "gateway-access.log",
                folder / "gateway-error.log",
            )
            wait_for(f"{gateway.url}/livez", verify=False)
            yield gateway
        finally:
            child.stop()


@contextmanager
def services_beside(stack: LiveStack, folder: Path, **settings: str) -> Iterator[run_stack.Stack]:
    """Services of their own over the database of the stack, with other settings."""
    running = run_stack.Stack(
        environment={**stack.environment, **settings}, folder=folder, api_port=free_port(), stream_port=free_port()
    )
    try:
        for service in running.services:
            service.start()
        running.wait_until_ready()
        yield running
    finally:
        for service in running.services:
            service.stop()


def _make_certificate(folder: Path) -> None:
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"]
    subprocess.run([*command, *files], check=True, capture_output=True)
