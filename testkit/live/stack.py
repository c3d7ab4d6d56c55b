"""The running system that the stories are told against, in one of two forms: processes of our own, or containers.

Both are real: real servers, real HTTP, and what is stopped or killed here is stopped or killed for real.
"""

import fcntl
import json
import os
import shlex
import shutil
import ssl
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx

from tools import ROOT, migrated, run_stack
from tools.private_server import THROW_AWAY_FLAGS, Accounts, PrivateServer, environment_of
from tools.processes import free_port
from tools.throw_away import folder_in_memory, throw_away_folder

READY_SECONDS = 60
SECRETS = "secrets.json"
# All is plain HTTP. By default httpx reads the system's certificates for each client: 20 ms of CPU.
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass(frozen=True)
class Person:
    role: str
    email: str
    password: str


class LiveStack(ABC):
    """Addresses, database accounts, the demo clinic's people, and the means to break things."""

    api_url: str
    stream_url: str
    # Whether mails and SMS come to the tests' own stand-ins.
    tells_the_outside = False
    # nginx in front of both; only containers have it.
    gateway_url: str | None = None
    # The services' settings, as variables.
    environment: dict[str, str]

    @property
    def pages_url(self) -> str:
        """As a browser asks for pages."""
        return self.gateway_url or self.api_url

    def db(self) -> dict[str, Any]:
        """How django-rest connects."""
        return self._account("DB_USER", "DB_PASSWORD")

    def stream_db(self) -> dict[str, Any]:
        """How the stream connects."""
        return self._account("SSE_DB_USER", "SSE_DB_PASSWORD")

    def admin_db(self) -> dict[str, Any]:
        """May look at the server itself: its status, its accounts."""
        return self._account("DB_ADMIN_USER", "DB_ADMIN_PASSWORD")

    def person(self, role: str, index: int = 0) -> Person:
        found = self.credentials[role][index]
        return Person(role, found["email"], found["password"])

    @cached_property
    def credentials(self) -> dict[str, list[dict[str, str]]]:
        found: dict[str, list[dict[str, str]]] = json.loads(self._read_credentials())
        return found

    def wait_until_ready(self) -> None:
        self.wait_until_stream_ready()
        wait_for(f"{self.api_url}/readyz")

    def wait_until_stream_ready(self) -> None:
        wait_for(f"{self.stream_url}/readyz")

    @abstractmethod
    def manage(self, *arguments: str) -> str:
        """Run a command of django-rest's manage.py against this stack. Returns what it printed."""

    @abstractmethod
    def stop_database(self) -> None: ...

    @abstractmethod
    def start_database(self) -> None:
        """Returns when both services can use it again."""

    @abstractmethod
    def kill_stream(self) -> None:
        """SIGKILL: no goodbye to anybody."""

    @abstractmethod
    def stop_stream(self) -> None:
        """SIGTERM, and wait for the end."""

    @abstractmethod
    def start_stream(self) -> None:
        """Returns when it is ready."""

    @abstractmethod
    def _read_credentials(self) -> str: ...

    def _account(self, user: str, password: str) -> dict[str, Any]:
        return {
            "host": self.environment["DB_HOST"],
            "port": int(self.environment["DB_PORT"]),
            "user": self.environment[user],
            "password": self.environment[password],
            "database": self.environment["DB_NAME"],
        }


class OwnStack(LiveStack):
    tells_the_outside = True

    def __init__(self, running: run_stack.Stack, server: PrivateServer) -> None:
        self._running = self.running = running
        self._server = server
        self.api_url = running.api_url
        self.stream_url = running.stream_url
        self.environment = running.environment

    def manage(self, *arguments: str) -> str:
        return _output([sys.executable, "manage.py", *arguments], cwd=ROOT / "django-rest", env=self.environment)

    def stop_database(self) -> None:
        self._server.stop()

    def start_database(self) -> None:
        self._server.start()
        self.wait_until_ready()

    def kill_stream(self) -> None:
        self._running.stream.kill()

    def stop_stream(self) -> None:
        self._running.stream.stop()

    def start_stream(self) -> None:
        self._running.stream.start()
        self.wait_until_stream_ready()

    def _read_credentials(self) -> str:
        return self._running.credentials_file.read_text()


class ComposeStack(LiveStack):
    """Containers that tools/test_compose has started; it says where in the environment."""

    def __init__(self) -> None:
        self.api_url = os.environ["CHAIRSIDE_API_URL"]
        self.stream_url = os.environ["CHAIRSIDE_STREAM_URL"]
        self.gateway_url = os.environ.get("CHAIRSIDE_GATEWAY_URL")
        self.environment = dict(os.environ)

    def manage(self, *arguments: str) -> str:
        return self._compose("exec", "-T", "django-rest", "python", "manage.py", *arguments)

    def stop_database(self) -> None:
        self._compose("stop", "database")

    def start_database(self) -> None:
        self._compose("start", "database")
        self.wait_until_ready()

    def kill_stream(self) -> None:
        self._compose("kill", "-s", "SIGKILL", "fastapi-sse")

    def stop_stream(self) -> None:
        self._compose("stop", "fastapi-sse")

    def start_stream(self) -> None:
        self._compose("start", "fastapi-sse")
        self.wait_until_stream_ready()

    def _read_credentials(self) -> str:
        return self._compose("exec", "-T", "django-rest", "cat", "/app/var/seed/credentials.json")

    def _compose(self, *arguments: str) -> str:
        compose = shlex.split(os.environ.get("CHAIRSIDE_COMPOSE_COMMAND", "docker compose"))
        files = ["-f", "docker-compose.yml", "-f", "tools/compose-published.yml"]
        project = os.environ["CHAIRSIDE_COMPOSE_PROJECT"]
        return _output([*compose, "-p", project, *files, *arguments], cwd=ROOT, env=self.environment)


@contextmanager
def live_stack(
    outside: Mapping[str, str] = MappingProxyType({}), *, origins: Sequence[str] = (), shared: Path | None = None
) -> Iterator[LiveStack]:
    """The stack that the environment names, or one of our own for as long as this lasts. `outside`: the settings by
    which our own one reaches mail server and SMS provider. `origins`: of front ends that it lets in. `shared`: a folder
    of several processes, in which the first one leaves its database for the others."""
    if os.environ.get("CHAIRSIDE_API_URL"):
        yield ComposeStack()
        return
    with throw_away_folder(folder_in_memory()) as folder:
        template = _seeded_template(shared or folder, outside)
        template.copy_to(folder)
        # Not the throw-away server of other tests: stories stop and start this one.
        server = template.server(folder)
        api_port, stream_port = free_port(), free_port()
        in_browsers = run_stack.as_browsers_see_it(api_port, stream_port, origins=origins)
        with run_stack.Stack(
            environment={
                **os.environ,
                **template.environment,
                "DB_PORT": str(server.port),
                **in_browsers,
                **outside,
                # By default it looks 67 times a second, which takes a tenth of a core all along.
                "SSE_POLL_INTERVAL_MS": "50",
                "PUBLIC_URL": f"http://127.0.0.1:{api_port}",
            },
            folder=folder,
            api_port=api_port,
            stream_port=stream_port,
            server=server,
            is_prepared=True,
        ) as running:
            yield OwnStack(running, server)


@dataclass(frozen=True)
class Template:
    """The data of a stopped server with the demo clinic, and the secrets that go with it."""

    folder: Path
    accounts: Accounts
    environment: dict[str, str]

    @classmethod
    def read(cls, folder: Path) -> "Template":
        kept = json.loads((folder / SECRETS).read_text())
        return cls(folder, Accounts(**kept["accounts"]), kept["environment"])

    def write(self) -> None:
        kept = {"accounts": asdict(self.accounts), "environment": self.environment}
        self.secrets.write_text(json.dumps(kept))

    @property
    def secrets(self) -> Path:
        return self.folder / SECRETS

    def server(self, folder: Path) -> PrivateServer:
        return PrivateServer(folder / "db", free_port(), self.accounts, extra_flags=THROW_AWAY_FLAGS)

    def copy_to(self, folder: Path) -> None:
        shutil.copytree(self.folder / "db" / "data", folder / "db" / "data")
        shutil.copytree(self.folder / "seed", folder / "seed")


def _seeded_template(shared: Path, outside: Mapping[str, str]) -> Template:
    """Made by the first process that asks; the others wait for it. The static files are collected on the way."""
    folder = shared / "template"
    with (shared / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            unfinished = shared / "template.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(mode=0o700)
            with throw_away_folder(folder_in_memory()) as making:
                template = _make_template(making, outside)
                template.copy_to(unfinished)
                shutil.copy(template.secrets, unfinished)
            unfinished.rename(folder)
    return Template.read(folder)


def _make_template(folder: Path, outside: Mapping[str, str]) -> Template:
    server = PrivateServer(folder / "db", free_port(), Accounts.fresh(), extra_flags=THROW_AWAY_FLAGS)
    template = Template(folder, server.accounts, environment_of(server))
    making = run_stack.Stack(
        environment={**os.environ, **template.environment, **outside},
        folder=folder,
        api_port=free_port(),
        stream_port=free_port(),
        server=server,
    )
    try:
        server.start()
        making.prepare(is_migrated=migrated.fill(server.accounts.database, template.environment))
        making.seed(shown=False)
    finally:
        server.stop(READY_SECONDS)
    template.write()
    return template


def wait_for(url: str, *, verify: ssl.SSLContext | bool = NO_CERTIFICATES) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not _is_ready(url, verify=verify):
        assert time.monotonic() < deadline, f"{url} is not ready after {READY_SECONDS} s"
        time.sleep(0.1)


def _is_ready(url: str, *, verify: ssl.SSLContext | bool) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(url, timeout=5, verify=verify).is_success
    return False


def _output(command: list[str], *, cwd: Path, env: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, f"{shlex.join(command)} failed:\n{done.stdout}{done.stderr}"
    return done.stdout
