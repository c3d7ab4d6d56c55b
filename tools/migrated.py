"""The database as the migrations leave it: made once a test run, and copied from then on.

To migrate takes five seconds of CPU, and every worker of a test run needs databases of its own. `run-with` names a
file for the copy in MIGRATED_COPY; on a server of somebody else's there is none, and each database is migrated.
"""

import fcntl
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tools import ROOT

COPY = "MIGRATED_COPY"
FIRST = "test_migrated_first"


def fill(database: str, server: Mapping[str, str] = os.environ) -> bool:
    """Give this empty database all tables, triggers, views and rows that the migrations make. False: not here.
    `server`: another one's variables; its user has the name of ours, to whom triggers and views belong."""
    if COPY not in os.environ:
        return False
    with _the_copy().open("rb") as copy:
        _client("mariadb", database, server=server, stdin=copy)
    return True


def _the_copy() -> Path:
    path = Path(os.environ[COPY])
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            _make(path)
    return path


def _make(path: Path) -> None:
    _client("mariadb", "", "--execute", f"CREATE DATABASE {FIRST} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci")
    migrate = [sys.executable, str(ROOT / "django-rest" / "manage.py"), "migrate", "--verbosity", "0", "--skip-checks"]
    subprocess.run(migrate, env={**os.environ, "DB_NAME": FIRST}, check=True, capture_output=True)
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("wb") as copy:
        _client("mariadb-dump", FIRST, "--single-transaction", "--routines", "--triggers", stdout=copy)
    unfinished.rename(path)


def _client(
    program: str, database: str, *options: str, server: Mapping[str, str] = os.environ, **streams: object
) -> None:
    reached = [f"--{name}={server[f'DB_{name.upper()}']}" for name in ("host", "port", "user")]
    command = [program, "--no-defaults", *reached, *options, *filter(None, [database])]
    subprocess.run(command, env={**os.environ, "MYSQL_PWD": server["DB_PASSWORD"]}, check=True, **streams)  # type: ignore[call-overload]
