"""The whole of Chairside on this machine, in one folder: database, django-rest, worker, fastapi-sse.

    python -m tools.run_stack [run | dev | status … | stop | seed … | manage COMMAND …]

`make run`, `make dev`, `make status`, `make stop` and `make seed` come here; the integration tests use `Stack`.
"""

import argparse
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Self

import MySQLdb
from MySQLdb.constants import ER
from rich.console import Console
from shared_config import ConfigurationError, DjangoSettings, StreamSettings, load_settings
from shared_config.database_tls import mysqlclient_options

from tools import ROOT
from tools.log_rotation import LogRotation
from tools.private_server import HOST, Accounts, PrivateServer
from tools.processes import (
    Child,
    Identity,
    ToolError,
    end_groups,
    is_port_taken,
    log_tail,
    port_holder,
    wait_until_gone,
    with_argument,
)
from tools.reload import POLL_SECONDS, FileWatcher, has_migrations, services_to_restart
from tools.summary import print_summary

VAR = ROOT / "var"
READY_SECONDS = 60
# Together with the database's 3 s, and some to spare, under the 10 s that Ctrl-C may take.
SERVICES_STOP_SECONDS = 6
DATABASE_STOP_SECONDS = 3

# The Dockerfile of django-rest says the same.
GUNICORN_FLAGS = [
    "--worker-class=config.server.worker.RequestWorker",
    # TRUSTED_PROXIES decides, in the application.
    "--forwarded-allow-ips=",
    "--workers=2",
    "--threads=8",
    "--keep-alive=5",
    "--graceful-timeout=3",
    "--limit-request-line=8190",
    "--limit-request-fields=100",
    "--no-control-socket",
]

Report = Callable[[str], None]


def say_nothing(_message: str) -> None: ...


def as_browsers_see_it(api_port: int, stream_port: int, *, origins: Sequence[str] = ()) -> dict[str, str]:
    """Where the pages find the stream, and that it lets them in beside the `origins` that may come anyway."""
    pages = [f"http://{host}:{api_port}" for host in ("localhost", HOST)]
    return {
        "STREAM_URL": f"http://localhost:{stream_port}",
        "CORS_ALLOWED_ORIGINS": ",".join(dict.fromkeys([*origins, *pages])),
    }


def links_into(settings: DjangoSettings) -> dict[str, str]:
    """Address that messages link to where none is set and no message leaves this machine; else `check` asks for it."""
    leaves_machine = settings.email_host or settings.twilio_account_sid
    if settings.public_url or leaves_machine:
        return {}
    return {"PUBLIC_URL": f"http://localhost:{settings.django_port}"}


class Stack:
    """All services, from migrated database to ready, on the given ports.

    `environment` is the whole environment of the services; without a `server`, it names a database that runs already.
    `folder` gets log/ and run/. Each service is a `Child` that can be killed and started by itself. `is_prepared`:
    database and static files are as `prepare` leaves them.
    """

    def __init__(
        self,
        *,
        environment: Mapping[str, str],
        folder: Path,
        api_port: int,
        stream_port: int,
        server: PrivateServer | None = None,
        seed_arguments: list[str] | None = None,
        is_prepared: bool = False,
        report: Report = say_nothing,
    ) -> None:
        self.folder = folder
        self.api_port = api_port
        self.stream_port = stream_port
        self.server = server
        self.seed_arguments = seed_arguments
        self.is_prepared = is_prepared
        self.report = report
        self._log_rotation = LogRotation(folder / "log", keep_days=int(environment.get("KEEP_LOGS_DAYS", "30")))
        self.environment = {
            "EMAIL_FOLDER": str(folder / "mail"),
            "SMS_FOLDER": str(folder / "sms"),
            **environment,
            "DJANGO_PORT": str(api_port),
            "FASTAPI_PORT": str(stream_port),
            "PYTHONUNBUFFERED": "1",
        }
        python = sys.executable
        bind = f"--bind={HOST}:{api_port}"
        self.api = self._child(
            "django-rest", [python, "-m", "gunicorn", "config.wsgi:application", bind, *GUNICORN_FLAGS], "django-rest"
        )
        self.worker = self._child("worker", [python, "manage.py", "run_worker"], "django-rest")
        self.stream = self._child("fastapi-sse", [python, "-m", "clinic_stream"], "fastapi-sse")

    @property
    def api_url(self) -> str:
        return f"http://{HOST}:{self.api_port}"

    @property
    def stream_url(self) -> str:
        return f"http://{HOST}:{self.stream_port}"

    @property
    def credentials_file(self) -> Path:
        """Accounts of the demo clinic; written by seed_demo."""
        return self.folder / "seed" / "credentials.json"

    @property
    def services(self) -> list[Child]:
        return [self.api, self.worker, self.stream]

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self) -> None:
        end_leftovers(self.folder, self.report)
        if self.server:
            self.server.end_leftover()
        self._check_ports()
        if self.server:
            self.server.start()
            self.report(f"Database on {HOST}:{self.server.port}")
        if not self.is_prepared:
            self.prepare()
        if self.seed_arguments is not None:
            self.seed(*self.seed_arguments, shown=self.report is not say_nothing)
        for service in self.services:
            service.start()
        self.wait_until_ready()

    def prepare(self, *, is_migrated: bool = False) -> None:
        if not is_migrated:
            self.manage("migrate", "--noinput")
        self.manage("create_stream_user")
        self.report("Schema up to date, the stream's database user can read its views")
        self.manage("collectstatic", "--noinput")

    def seed(self, *arguments: str, shown: bool) -> None:
        self.manage("seed_demo", "--folder", str(self.credentials_file.parent), *arguments, shown=shown)

    def stop(self) -> None:
        for service in self.services:
            service.ask_to_stop()
        deadline = time.monotonic() + SERVICES_STOP_SECONDS
        for service in self.services:
            service.stop(deadline - time.monotonic())
        if self.server:
            self.server.stop(DATABASE_STOP_SECONDS)

    def wait_until_ready(self) -> None:
        for service, url in ((self.api, self.api_url), (self.stream, self.stream_url)):
            self._wait_until_ready(service, f"{url}/readyz")
            self.report(f"{service.name} on {url}")
        self.fail_if_ended()

    def wait_until_stream_ready(self) -> None:
        self._wait_until_ready(self.stream, f"{self.stream_url}/readyz")

    def restart(self, names: Sequence[str], *, migrate: bool = False) -> None:
        """Restart these services, and wait until all are ready. Raises ToolError if one does not start."""
        chosen = [service for service in self.services if service.name in names]
        for service in chosen:
            service.ask_to_stop()
        for service in chosen:
            service.stop(SERVICES_STOP_SECONDS)
        if migrate:
            self.prepare()
        for service in chosen:
            service.start()
        self.wait_until_ready()

    def fail_if_ended(self) -> None:
        self._log_rotation.turn()
        database = [self.server.child] if self.server else []
        for child in [*database, *self.services]:
            if not child.is_running:
                raise ToolError(
                    f"{child.name} ended by itself with exit code {child.exit_code}. "
                    f"Its log, {_short(child.log)}, ends with:\n{child.log_tail()}"
                )

    def manage(self, *arguments: str, shown: bool = False) -> None:
        """A command of django-rest, to its end. Its output goes to the log, or to the terminal when `shown`."""
        if self.exit_code_of(*arguments, shown=shown):
            log = self._log_of(arguments[0])
            said = "see above." if shown else f"{_short(log)} ends with:\n{log_tail(log)}"
            raise ToolError(f"manage.py {arguments[0]} failed, {said}")

    def exit_code_of(self, *arguments: str, shown: bool = True) -> int:
        log = self._log_of(arguments[0])
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            done = subprocess.run(
                [sys.executable, "manage.py", *arguments],
                cwd=ROOT / "django-rest",
                # A path that a person gave is meant from where they are.
                env={**self.environment, "CHAIRSIDE_CALLED_FROM": str(Path.cwd())},
                stdin=subprocess.DEVNULL,
                stdout=None if shown else output,
                stderr=None if shown else subprocess.STDOUT,
                start_new_session=True,
            )
        return done.returncode

    def _log_of(self, command: str) -> Path:
        return self.folder / "log" / f"{command}.log"

    def _child(self, name: str, command: list[str], folder: str) -> Child:
        log = self.folder / "log" / f"{name}.log"
        record = self.folder / "run" / f"{name}.pid"
        return Child(name, command, folder=ROOT / folder, log=log, record=record, environment=self.environment)

    def _check_ports(self) -> None:
        wanted = {"django-rest": (self.api_port, "DJANGO_PORT"), "fastapi-sse": (self.stream_port, "FASTAPI_PORT")}
        if self.server:
            wanted["the database"] = (self.server.port, self.server.port_setting)
        problems = [
            f"Port {port} for {name} is taken by {port_holder(port)}. End that, or set {setting} in shared-config/.env."
            for name, (port, setting) in wanted.items()
            if is_port_taken(port)
        ]
        if problems:
            raise ToolError("\n".join(problems))

    def _wait_until_ready(self, service: Child, url: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not _answers(url):
            self.fail_if_ended()
            if time.monotonic() > deadline:
                raise ToolError(
                    f"{service.name} is not ready after {READY_SECONDS} s ({url}). "
                    f"Its log, {_short(service.log)}, ends with:\n{service.log_tail()}"
                )
            time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310  # Our own addresses.
            return True
    except (OSError, urllib.error.URLError):
        return False


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def end_leftovers(folder: Path, report: Report = say_nothing) -> bool:
    """End what an earlier run in this folder left running when it was cut off. Call while no other run is going on."""
    leftovers = []
    for record in sorted((folder / "run").glob("*.pid")):
        identity = Identity.read(record)
        if identity and identity.pid == os.getpid():
            continue
        if identity and identity.is_alive():
            report(f"An earlier run left {record.stem} (pid {identity.pid}): ending it")
            leftovers.append(identity)
        record.unlink(missing_ok=True)
    end_groups(leftovers, SERVICES_STOP_SECONDS)
    return bool(leftovers)


# The command line


class Interrupted(BaseException):
    """Ctrl-C or SIGTERM."""


def local_stack(report: Report, *, folder: Path = VAR) -> Stack:
    """The stack that the settings describe. Raises `ConfigurationError`, `ToolError`."""
    settings = load_settings(DjangoSettings)
    load_settings(StreamSettings)
    server = None
    if "db_host" in settings.model_fields_set:
        _check_own_database(settings)
        report(f"Database on {settings.db_host}:{settings.db_port}, as DB_HOST says")
    else:
        server = _server_of(settings, folder, report)
    in_browsers = as_browsers_see_it(settings.django_port, settings.fastapi_port, origins=settings.cors_allowed_origins)
    if settings.stream_url:
        in_browsers["STREAM_URL"] = settings.stream_url
    stack = Stack(
        environment={
            **os.environ,
            **in_browsers,
            **links_into(settings),
            "KEEP_LOGS_DAYS": str(settings.keep_logs_days),
        },
        folder=folder,
        api_port=settings.django_port,
        stream_port=settings.fastapi_port,
        server=server,
        report=report,
    )
    if not stack.credentials_file.exists() or (server and server.is_new):
        stack.seed_arguments = []
    return stack


def _server_of(settings: DjangoSettings, folder: Path, report: Report) -> PrivateServer:
    password = settings.db_admin_password
    if password is None:
        raise ToolError("DB_ADMIN_PASSWORD is missing in shared-config/.env: the private database server needs it.")
    accounts = Accounts(
        settings.db_name,
        settings.db_user,
        settings.db_password.get_secret_value(),
        settings.db_admin_user or "root",
        password.get_secret_value(),
    )
    return PrivateServer(folder / "db", settings.db_port, accounts, log=folder / "log/database.log", report=report)


def _check_own_database(settings: DjangoSettings) -> None:
    where = f"{settings.db_host}:{settings.db_port}"
    tls = mysqlclient_options(settings, library_version=MySQLdb.get_client_info())  # type: ignore[no-untyped-call]
    try:
        with closing(
            MySQLdb.connect(
                host=settings.db_host,
                port=settings.db_port,
                user=settings.db_user,
                password=settings.db_password.get_secret_value(),
                database=settings.db_name,
                connect_timeout=5,
                **tls,
            )
        ):
            return
    except MySQLdb.OperationalError as refusal:
        code, message = refusal.args[0], refusal.args[1]
    ways_on = {
        ER.ACCESS_DENIED_ERROR: "See DB_USER and DB_PASSWORD in shared-config/.env.",
        ER.BAD_DB_ERROR: f"Make it: CREATE DATABASE {settings.db_name} CHARACTER SET utf8mb4;",
    }
    way_on = ways_on.get(code, "Start it, or leave DB_HOST out of shared-config/.env for a private server.")
    raise ToolError(f"The database at {where} does not let us in: {message}\n{way_on}")


@contextmanager
def the_only_run(folder: Path) -> Iterator[None]:
    """Hold the folder. The kernel lets go of the lock however this process ends."""
    (folder / "run").mkdir(parents=True, exist_ok=True)
    record = folder / "run" / "run_stack.pid"
    with (folder / "run" / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            running = Identity.read(record)
            pid = f" (pid {running.pid})" if running else ""
            raise ToolError(
                f"Chairside is already running in this folder{pid}. "
                "End it there with Ctrl-C, or from anywhere with: make stop"
            ) from None
        if identity := Identity.of(os.getpid()):
            identity.write(record)
        try:
            yield
        finally:
            record.unlink(missing_ok=True)


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Within, Ctrl-C and SIGTERM raise `Interrupted` once; a second one does not disturb the clearing up."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        raise Interrupted

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    yield


def run(console: Console) -> None:
    def watch(stack: Stack) -> None:
        while True:
            stack.fail_if_ended()
            time.sleep(0.5)

    _run_until_interrupted(console, watch)


def dev(console: Console) -> None:
    """As `run`, with debug on, and services restarted when their files change. A service that ends by itself, after a
    mistake in its code for example, is started again with the next change."""
    for setting in ("DJANGO_DEBUG", "FASTAPI_DEBUG"):
        os.environ.setdefault(setting, "true")

    def watch(stack: Stack) -> None:
        watcher, reported = FileWatcher(), ""
        console.print("Files are watched: a change restarts the services concerned.\n")
        while True:
            changed = watcher.changed()
            try:
                if changed:
                    _reload(stack, changed, console)
                stack.fail_if_ended()
                reported = ""
            except ToolError as problem:
                if changed or str(problem) != reported:
                    reported = str(problem)
                    console.print(f"[red]✗[/red] {_plain(problem)}", highlight=False, soft_wrap=True)
            time.sleep(POLL_SECONDS)

    _run_until_interrupted(console, watch)


def _reload(stack: Stack, changed: set[Path], console: Console) -> None:
    names = services_to_restart(changed)
    if not names:
        return
    shown = ", ".join(sorted(map(str, changed))[:3]) + (" …" if len(changed) > 3 else "")
    console.print(f"[cyan]↻[/cyan] {shown}: restarting {', '.join(names)}", highlight=False, soft_wrap=True)
    stack.restart(names, migrate=has_migrations(changed))


def _run_until_interrupted(console: Console, watch: Callable[[Stack], None]) -> None:
    def report(message: str) -> None:
        console.print("[green]✓[/green]", message, highlight=False)

    with stopped_by_signals(), the_only_run(VAR):
        stack = local_stack(report)
        try:
            with stack:
                print_summary(console, stack.api_port, stack.stream_port, _credentials(stack.credentials_file))
                watch(stack)
        except Interrupted:
            console.print("\n[green]✓[/green] Stopped.")


def status(arguments: list[str]) -> int:
    """Exit code of `manage.py status`: 0 if all is well. Raises ToolError if nothing runs here."""
    settings = load_settings(DjangoSettings)
    if "db_host" not in settings.model_fields_set and not is_running():
        raise ToolError("Nothing is running in this folder. Start it with: make run")
    with stopped_by_signals():
        return local_stack(say_nothing).exit_code_of("status", *arguments)


def _credentials(file: Path) -> dict[str, list[dict[str, str]]]:
    with suppress(OSError, ValueError):
        found: dict[str, list[dict[str, str]]] = json.loads(file.read_text())
        return found
    return {}


def stop(console: Console) -> None:
    running = Identity.read(VAR / "run" / "run_stack.pid")
    was_running = running is not None and running.is_alive()
    if running and was_running:
        os.kill(running.pid, signal.SIGTERM)
        if wait_until_gone([running], 20):
            raise ToolError(f"The run with pid {running.pid} does not end. Its processes are in var/run.")
    with the_only_run(VAR):
        databases = with_argument(f"--datadir={VAR / 'db' / 'data'}")
        end_groups(databases, DATABASE_STOP_SECONDS)
        was_running |= end_leftovers(VAR) or bool(databases)
    console.print("[green]✓[/green] Stopped." if was_running else "Nothing was running.")


def seed(arguments: list[str]) -> None:
    """Into the database of the run that is going on, or of a server started for this."""
    with stopped_by_signals():
        try:
            with the_only_run(VAR):
                _seed_alone(arguments)
        except ToolError:
            if not is_running():
                raise
            local_stack(say_nothing).seed(*arguments, shown=True)


def _seed_alone(arguments: list[str]) -> None:
    stack = local_stack(say_nothing)
    try:
        if stack.server:
            stack.server.start()
        stack.prepare()
        stack.seed(*arguments, shown=True)
    finally:
        stack.stop()


def manage(arguments: list[str]) -> None:
    """A command of django-rest, on the database of the run that is going on or of a server started for this."""
    with stopped_by_signals():
        try:
            with the_only_run(VAR):
                stack = local_stack(say_nothing)
                try:
                    if stack.server:
                        stack.server.start()
                    stack.manage(*arguments, shown=True)
                finally:
                    stack.stop()
        except ToolError:
            if not is_running():
                raise
            local_stack(say_nothing).manage(*arguments, shown=True)


def is_running() -> bool:
    running = Identity.read(VAR / "run" / "run_stack.pid")
    return running is not None and running.is_alive() and running.pid != os.getpid()


def main() -> int:
    parser = argparse.ArgumentParser(description="The whole of Chairside on this machine.")
    parser.add_argument("action", nargs="?", choices=["run", "dev", "status", "stop", "seed", "manage"], default="run")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="of status, seed_demo or manage.py")
    chosen = parser.parse_args()
    console = Console(stderr=False)
    try:
        if chosen.action == "seed":
            seed(chosen.arguments)
        elif chosen.action == "manage":
            manage(chosen.arguments)
        elif chosen.action == "status":
            return status(chosen.arguments)
        elif chosen.action == "stop":
            stop(console)
        elif chosen.action == "dev":
            dev(console)
        else:
            run(console)
    except (ToolError, ConfigurationError) as problem:
        Console(stderr=True).print(f"\n[red]✗[/red] {_plain(problem)}", highlight=False, soft_wrap=True)
        return 1
    except Interrupted:
        return 0
    return 0


def _plain(problem: Exception) -> str:
    return str(problem).replace("[", r"\[")  # Brackets in a log are no markup.


if __name__ == "__main__":
    sys.exit(main())
