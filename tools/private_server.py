"""A private MariaDB server in a folder of its own, on a port of its own.

`make run` keeps one in var/db. Tests get one that is thrown away:

    python -m tools.private_server run-with -- COMMAND …

starts it on a free port, tells COMMAND about it through the environment, and returns COMMAND's exit code.
"""

import argparse
import hashlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import MySQLdb
from MySQLdb.constants import ER

from tools.memory import buffer_pool_mb, memory_bytes
from tools.migrated import COPY as MIGRATED_COPY
from tools.processes import (
    Child,
    ToolError,
    end_groups,
    free_port,
    is_port_taken,
    log_tail,
    port_holder,
    with_argument,
)
from tools.throw_away import folder_in_memory, throw_away_folder
from tools.token_keys import fresh_token_keys

HOST = "127.0.0.1"
MAX_SOCKET_PATH = 107
START_SECONDS = 60

# A slow disk costs a throw-away server nothing: what a crash would lose is thrown away anyhow.
THROW_AWAY_FLAGS = [
    "--innodb-flush-log-at-trx-commit=0",
    "--sync-binlog=0",
    "--innodb-log-file-size=32M",
    "--innodb-buffer-pool-size=128M",
]


@dataclass(frozen=True)
class Accounts:
    database: str
    user: str
    password: str = field(repr=False)
    admin_user: str
    admin_password: str = field(repr=False)

    @classmethod
    def fresh(cls) -> "Accounts":
        return cls("chairside", "chairside", secrets.token_hex(24), "root", secrets.token_hex(24))


class PrivateServer:
    """`folder` holds all of it: the data, the log, the socket where its path is short enough."""

    def __init__(
        self,
        folder: Path,
        port: int,
        accounts: Accounts,
        *,
        log: Path | None = None,
        extra_flags: list[str] | None = None,
        server_id: int = 1,
        port_setting: str = "DB_PORT",
        report: Callable[[str], None] = lambda _message: None,
    ) -> None:
        self.folder = folder.resolve()
        self.port = port
        self.accounts = accounts
        self.log = log or self.folder / "server.log"
        self.extra_flags = extra_flags or []
        self.server_id = server_id
        self.port_setting = port_setting
        self.report = report
        self._child: Child | None = None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def scratch(self) -> Path:
        """A server that starts deletes every temporary table it finds in its folder, another server's too."""
        return self.folder / "scratch"

    @property
    def socket(self) -> Path:
        path = self.folder / "server.sock"
        if len(os.fsencode(path)) <= MAX_SOCKET_PATH:
            return path
        digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"chairside-{digest}.sock"

    @property
    def is_new(self) -> bool:
        """Whether no data was ever kept here."""
        return not self.data.exists()

    @property
    def child(self) -> Child:
        assert self._child is not None, "not started"
        return self._child

    def start(self) -> None:
        self.end_leftover()
        if is_port_taken(self.port):
            raise ToolError(
                f"Port {self.port} for the database is taken by {port_holder(self.port)}.\n"
                f"End that, or choose another port: {self.port_setting} in shared-config/.env."
            )
        self.scratch.mkdir(parents=True, mode=0o700, exist_ok=True)
        if self.is_new:
            self._bootstrap()
        accounts_file = self._write_accounts()
        self._child = Child(
            "database",
            self._command(accounts_file),
            folder=self.folder,
            log=self.log,
            record=self.folder / "server.process.pid",
            environment=os.environ,
        )
        try:
            self._child.start()
            self._wait_until_it_answers()
        except BaseException:
            self.stop()
            raise
        finally:
            accounts_file.unlink(missing_ok=True)

    def stop(self, seconds: float = 8) -> None:
        if self._child is not None:
            self._child.stop(seconds)
        self.socket.unlink(missing_ok=True)

    def connect(self, *, as_admin: bool = False, **options: Any) -> MySQLdb.Connection:
        accounts = self.accounts
        return MySQLdb.connect(
            host=HOST,
            port=self.port,
            user=accounts.admin_user if as_admin else accounts.user,
            password=accounts.admin_password if as_admin else accounts.password,
            database=accounts.database,
            autocommit=True,
            connect_timeout=5,
            **options,
        )

    def kill(self) -> None:
        """SIGKILL: what it had not sent to its replicas is lost to them."""
        self.child.kill()

    def replicate_from(self, primary: "PrivateServer") -> None:
        """Follow this server from its first commit on. Both need the same accounts, and this one no data yet."""
        assert self.server_id != primary.server_id
        accounts = primary.accounts
        self.run_as_admin(
            f"CHANGE MASTER TO MASTER_HOST = {_quoted(HOST)}, MASTER_PORT = {primary.port},"
            f" MASTER_USER = {_quoted(accounts.admin_user)}, MASTER_PASSWORD = {_quoted(accounts.admin_password)},"
            " MASTER_CONNECT_RETRY = 1, MASTER_USE_GTID = slave_pos",
            "START SLAVE",
        )

    def has_caught_up_with(self, primary: "PrivateServer") -> bool:
        own, theirs = (server.value_as_admin("SELECT @@gtid_current_pos") for server in (self, primary))
        return bool(own == theirs)

    def promote(self) -> None:
        """Apply what has arrived, then take writes."""
        self.run_as_admin("STOP SLAVE IO_THREAD")
        while "waiting for more updates" not in self._sql_thread_state():
            time.sleep(0.02)
        self.run_as_admin("STOP SLAVE", "RESET SLAVE ALL", "SET GLOBAL read_only = 0")

    def run_as_admin(self, *statements: str) -> None:
        with closing(self.connect(as_admin=True)) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def value_as_admin(self, query: str) -> Any:
        with closing(self.connect(as_admin=True)) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchone()[0]

    def _sql_thread_state(self) -> str:
        return str(
            self.value_as_admin(
                "SELECT COALESCE(MAX(state), '') FROM information_schema.processlist WHERE command = 'Slave_SQL'"
            )
        )

    def end_leftover(self) -> None:
        leftover = with_argument(f"--datadir={self.data}")
        if leftover:
            pids = ", ".join(str(identity.pid) for identity in leftover)
            self.report(f"An earlier run left its database server (pid {pids}): ending it")
            end_groups(leftover, 10)
        self.socket.unlink(missing_ok=True)

    def _bootstrap(self) -> None:
        # Under another name until it is whole: one that was cut off is never taken for a database.
        unfinished = self.folder / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True, mode=0o700)
        command = [
            _program("mariadb-install-db"),
            "--no-defaults",
            f"--datadir={unfinished}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--skip-name-resolve",
            *_as_root(),
        ]
        environment = {**os.environ, "TMPDIR": str(self.scratch)}
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.folder, env=environment)
        if done.returncode:
            raise ToolError(f"The database could not be made in {self.folder}:\n{done.stdout}{done.stderr}")
        unfinished.rename(self.data)

    def _command(self, accounts_file: Path) -> list[str]:
        return [
            _program("mariadbd"),
            "--no-defaults",
            f"--datadir={self.data}",
            f"--socket={self.socket}",
            f"--pid-file={self.folder / 'server.pid'}",
            f"--tmpdir={self.scratch}",
            f"--init-file={accounts_file}",
            f"--bind-address={HOST}",
            f"--port={self.port}",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            "--collation-server=utf8mb4_unicode_520_ci",
            "--max-connections=500",
            # As MySQL has it: without the binary log MariaDB would allow triggers that MySQL refuses.
            "--log-bin=binlog",
            f"--server-id={self.server_id}",
            "--log-bin-trust-function-creators=1",
            "--binlog-expire-logs-seconds=86400",
            "--max-binlog-size=64M",
            # Acknowledged writes survive a loss of power.
            "--innodb-flush-log-at-trx-commit=1",
            "--sync-binlog=1",
            "--innodb-doublewrite=ON",
            f"--innodb-buffer-pool-size={buffer_pool_mb(memory_bytes())}M",
            *_as_root(),
            *self.extra_flags,
        ]

    def _write_accounts(self) -> Path:
        # Run by the server at every start, before it listens: no password stands on a command line, and
        # passwords that were changed in shared-config/.env hold from the next start on.
        path = self.folder / "accounts.sql"
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text("\n".join(account_statements(self.accounts)) + "\n")
        return path

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with closing(self.connect()):
                    return
            except MySQLdb.OperationalError as refusal:
                problem = refusal
            if self.child.exit_code is not None:
                raise ToolError(f"The database server ended while starting ({self.log}):\n{log_tail(self.log)}")
            if time.monotonic() > deadline or problem.args[0] == ER.ACCESS_DENIED_ERROR:
                raise ToolError(
                    f"The database server on port {self.port} does not answer: {problem.args[1]}\n"
                    f"Its log, {self.log}, ends with:\n{log_tail(self.log)}"
                )
            time.sleep(0.03)


def account_statements(accounts: Accounts) -> list[str]:
    """One statement a line, as a server's init file wants them."""
    database = accounts.database.replace("_", r"\_")
    statements = [
        "SET sql_log_bin = 0;",
        "DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host NOT IN ('localhost', '127.0.0.1'));",
        "FLUSH PRIVILEGES;",
        f"CREATE DATABASE IF NOT EXISTS `{accounts.database}` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;",
    ]
    for host in ("localhost", "127.0.0.1"):
        for admin in dict.fromkeys(["root", accounts.admin_user]):
            statements += _account(admin, host, accounts.admin_password)
            statements.append(f"GRANT ALL ON *.* TO {_quoted(admin)}@'{host}' WITH GRANT OPTION;")
        if accounts.user not in {"root", accounts.admin_user}:
            statements += _account(accounts.user, host, accounts.password)
            for pattern in (database, r"test\_%"):
                statements.append(f"GRANT ALL ON `{pattern}`.* TO {_quoted(accounts.user)}@'{host}';")
            # To report old transactions of any session in health.
            statements.append(f"GRANT PROCESS ON *.* TO {_quoted(accounts.user)}@'{host}';")
    return statements


def _account(user: str, host: str, password: str) -> list[str]:
    return [
        f"CREATE USER IF NOT EXISTS {_quoted(user)}@'{host}';",
        f"ALTER USER {_quoted(user)}@'{host}' IDENTIFIED BY {_quoted(password)};",
    ]


def _quoted(value: str) -> str:
    escaped = value.replace("\\", r"\\").replace("'", r"\'").replace("\n", r"\n")
    return f"'{escaped}'"


def _as_root() -> list[str]:
    # The server refuses to run as root unless told to.
    return ["--user=root"] if os.geteuid() == 0 else []


def _program(name: str) -> str:
    # Not on every user's path.
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    found = shutil.which(name, path=path)
    if found is None:
        raise ToolError(
            f"{name} is not installed. Run tools/setup, or: apt-get install mariadb-server-core mariadb-client-core"
        )
    return found


@contextmanager
def throw_away_server(
    replica_of: PrivateServer | None = None, *, parent: Path | None = None
) -> Iterator[PrivateServer]:
    """With `replica_of`, one that follows that server and takes no writes of its own until it is promoted. `parent`:
    of its folder; None: temporary files."""
    with throw_away_folder(parent) as folder:
        server = PrivateServer(
            folder,
            free_port(),
            replica_of.accounts if replica_of else Accounts.fresh(),
            extra_flags=[*THROW_AWAY_FLAGS, *(["--read-only=1"] if replica_of else [])],
            server_id=replica_of.server_id + 1 if replica_of else 1,
        )
        try:
            server.start()
            if replica_of:
                server.replicate_from(replica_of)
            yield server
        finally:
            server.stop()


def environment_of(server: PrivateServer) -> dict[str, str]:
    """All that both services need to run on this server, with secrets of their own, and no settings file read."""
    return {
        "CHAIRSIDE_NO_ENV_FILES": "1",
        "DB_HOST": HOST,
        "DB_PORT": str(server.port),
        "DB_NAME": server.accounts.database,
        "DB_USER": server.accounts.user,
        "DB_PASSWORD": server.accounts.password,
        # A busy machine pauses tests that write for longer than any process of a clinic.
        "DB_IDLE_TRANSACTION_SECONDS": "60",
        "DB_ADMIN_USER": server.accounts.admin_user,
        "DB_ADMIN_PASSWORD": server.accounts.admin_password,
        **fresh_secrets(),
    }


def fresh_secrets() -> dict[str, str]:
    return {
        "SSE_DB_USER": "chairside_stream",
        "SSE_DB_PASSWORD": secrets.token_hex(24),
        "DJANGO_SECRET_KEY": secrets.token_hex(24),
        "VAPID_SECRET": secrets.token_hex(24),
        "JWT_ALGORITHM": "ES256",
        **fresh_token_keys(),
    }


def run_with(command: list[str], environment: Mapping[str, str]) -> int:
    """Run the command to its end, with our environment and these variables."""
    ours = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(command, env={**ours, **environment})
    # Ctrl-C reaches the command as well, and it knows best how to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda _number, _frame: process.terminate())
    code = process.wait()
    return code if code >= 0 else 128 - code


def main() -> int:
    parser = argparse.ArgumentParser(description="A throw-away database server around a command.")
    parser.add_argument("action", choices=["run-with"])
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if not command:
        parser.error("which command?")
    try:
        with throw_away_server(parent=folder_in_memory()) as server:
            copy = {MIGRATED_COPY: str(server.folder / "migrated.sql")}
            return run_with(command, {**environment_of(server), **copy})
    except ToolError as problem:
        print(problem, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
