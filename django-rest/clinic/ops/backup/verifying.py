"""Verification: a restore into a throw-away server or, where no server program exists, a throw-away database."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import MySQLdb
from django.conf import settings

from clinic.common.mysql.connecting import open_connection, server_options
from clinic.ops.backup.archive import BackupError

START_SECONDS = 60
PATHS = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONDONTWRITEBYTECODE")


def verify_archive(path: Path) -> None:
    """Raises BackupError, with what differs."""
    server, installer = shutil.which("mariadbd", path=PATHS), shutil.which("mariadb-install-db", path=PATHS)
    place = _throw_away_server(server, installer) if server and installer else _throw_away_database()
    with place as database, tempfile.TemporaryDirectory(prefix="chairside-media-") as media:
        command = [sys.executable, "manage.py", "restore", str(path.resolve()), "--throw-away"]
        environment = {**_environment(), **database, "MEDIA_FOLDER": media}
        done = subprocess.run(  # noqa: S603 - our own arguments
            command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise BackupError(f"The archive was written and does not hold: {done.stderr.strip()}")


def _environment() -> dict[str, str]:
    """Secrets made up: a restore signs nothing."""
    made_up = {name: secrets.token_hex(24) for name in ("DJANGO_SECRET_KEY", "JWT_SECRET_KEY")}
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {**kept, **made_up, "JWT_ALGORITHM": "HS256", "CHAIRSIDE_NO_ENV_FILES": "1"}


@contextmanager
def _throw_away_server(server: str, installer: str) -> Iterator[Mapping[str, str]]:
    password, port = secrets.token_hex(24), _free_port()
    as_root = ["--user=root"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="chairside-verify-") as name:
        folder = Path(name)
        made = ["--no-defaults", f"--datadir={folder / 'data'}", "--auth-root-authentication-method=normal"]
        _run([installer, *made, "--skip-test-db", "--skip-name-resolve", *as_root])
        account = folder / "account.sql"
        account.touch(mode=0o600)
        account.write_text(
            f"CREATE DATABASE verify CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;\n"
            f"ALTER USER root@localhost IDENTIFIED BY '{password}';\n"
            f"CREATE USER IF NOT EXISTS root@'127.0.0.1' IDENTIFIED BY '{password}';\n"
            f"ALTER USER root@'127.0.0.1' IDENTIFIED BY '{password}';\n"
            f"GRANT ALL ON *.* TO root@'127.0.0.1';\n"
        )
        flags = ["--bind-address=127.0.0.1", f"--port={port}", f"--socket={folder / 's'}", f"--init-file={account}"]
        fast = ["--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=256M", "--skip-name-resolve"]
        command = [server, "--no-defaults", f"--datadir={folder / 'data'}", f"--tmpdir={folder}", *flags, *fast]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([*command, *as_root], stdout=log, stderr=log)  # noqa: S603 - our own arguments
            try:
                environment = _database("127.0.0.1", port, "verify", "root", password)
                _wait_for(environment, process, folder / "log")
                yield environment
            finally:
                process.kill()
                process.wait()


@contextmanager
def _throw_away_database() -> Iterator[Mapping[str, str]]:
    shared = settings.SHARED
    if shared.db_admin_user is None or shared.db_admin_password is None:
        raise BackupError("--verify needs a server program (mariadb-server-core), or DB_ADMIN_USER to make a database.")
    name, password = f"verify_{secrets.token_hex(6)}", shared.db_admin_password.get_secret_value()
    account: dict[str, Any] = {**server_options(shared), "user": shared.db_admin_user, "password": password}
    with closing(open_connection(**account, connect_timeout=5)) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci")
    try:
        tls = {"DB_SSL_MODE": shared.db_tls_mode, "DB_SSL_CA": str(shared.db_ssl_ca or "")}
        yield {**_database(shared.db_host, shared.db_port, name, shared.db_admin_user, password), **tls}
    finally:
        with closing(open_connection(**account, connect_timeout=5)) as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE `{name}`")


def _database(host: str, port: int, name: str, user: str, password: str) -> dict[str, str]:
    return {"DB_HOST": host, "DB_PORT": str(port), "DB_NAME": name, "DB_USER": user, "DB_PASSWORD": password}


def _wait_for(database: Mapping[str, str], process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        with suppress(MySQLdb.OperationalError):
            MySQLdb.connect(
                host=database["DB_HOST"],
                port=int(database["DB_PORT"]),
                user=database["DB_USER"],
                password=database["DB_PASSWORD"],
            ).close()  # type: ignore[no-untyped-call]
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise BackupError(f"The throw-away server did not start: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
    if done.returncode:
        raise BackupError(f"{Path(command[0]).name} failed: {done.stdout}{done.stderr}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
