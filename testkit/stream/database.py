"""A database of the test's own, with the real migrations, written to by raw SQL as anybody might."""

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import MySQLdb

from tools import ROOT, migrated


@dataclass(frozen=True)
class Server:
    """The MySQL-compatible server that `tools.private_server run-with` or an operator offers in the environment."""

    host: str
    port: int
    user: str
    password: str
    admin_user: str | None
    admin_password: str | None

    @classmethod
    def from_environment(cls) -> "Server":
        return cls(
            os.environ["DB_HOST"],
            int(os.environ["DB_PORT"]),
            os.environ["DB_USER"],
            os.environ["DB_PASSWORD"],
            os.environ.get("DB_ADMIN_USER"),
            os.environ.get("DB_ADMIN_PASSWORD"),
        )

    @property
    def has_admin(self) -> bool:
        return bool(self.admin_user and self.admin_password)

    def connect(self, *, as_admin: bool = False, database: str | None = None) -> Any:
        return MySQLdb.connect(
            host=self.host,
            port=self.port,
            user=(self.admin_user if as_admin else self.user) or "",
            password=(self.admin_password if as_admin else self.password) or "",
            database=database or "",
            autocommit=True,
            charset="utf8mb4",
            init_command="SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        )


class Database:
    """One database with its stream user."""

    def __init__(self, server: Server) -> None:
        suffix = secrets.token_hex(6)
        self.server = server
        self.name = f"test_sse_{suffix}"
        # A user of its own: to (re)make one takes back all it was granted elsewhere.
        self.stream_user = f"sse_{suffix}" if server.has_admin else server.user
        self.stream_password = secrets.token_hex(16) if server.has_admin else server.password
        self.run_sql_on_server(f"CREATE DATABASE {self.name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci")
        if not migrated.fill(self.name):
            self._manage("migrate", "--verbosity", "0")
        if server.has_admin:
            self._manage("create_stream_user")
        self._connection = server.connect(database=self.name)

    @classmethod
    def existing(cls, server: Server, name: str) -> Self:
        """One that is there already, with a stream user that somebody else has made."""
        database = cls.__new__(cls)
        database.server, database.name = server, name
        database._connection = server.connect(database=name)
        return database

    def close(self) -> None:
        self._connection.close()

    def drop(self) -> None:
        self.close()
        self.run_sql_on_server(f"DROP DATABASE {self.name}")
        if self.server.has_admin:
            self.run_sql_on_server(f"DROP USER '{self.stream_user}'@'%'", as_admin=True)

    def run_sql_on_server(self, statement: str, *, as_admin: bool = False) -> None:
        connection = self.server.connect(as_admin=as_admin)
        try:
            connection.cursor().execute(statement)
        finally:
            connection.close()

    def execute(self, statement: str, *args: object) -> int:
        """Run one statement in autocommit. Returns the id it gave, if any."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement, args)
            return int(cursor.lastrowid or 0)

    def rows(self, statement: str, *args: object) -> tuple[tuple[Any, ...], ...]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, args)
            return tuple(cursor.fetchall())

    def value(self, statement: str, *args: object) -> Any:
        return self.rows(statement, *args)[0][0]

    def insert(self, table: str, **columns: object) -> int:
        names = ", ".join(columns)
        places = ", ".join(["%s"] * len(columns))
        return self.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", *columns.values())

    @contextmanager
    def transaction(self) -> Iterator[Callable[..., Any]]:
        """Several statements of one commit, on a connection of their own."""
        connection = self.server.connect(database=self.name)
        try:
            connection.begin()
            yield connection.cursor().execute
            connection.commit()
        finally:
            connection.close()

    @property
    def environment(self) -> dict[str, str]:
        """The settings that lead both services here."""
        return {
            "CHAIRSIDE_NO_ENV_FILES": "1",
            "DB_HOST": self.server.host,
            "DB_PORT": str(self.server.port),
            "DB_NAME": self.name,
            "SSE_DB_USER": self.stream_user,
            "SSE_DB_PASSWORD": self.stream_password,
        }

    def _manage(self, *arguments: str) -> None:
        environment = {
            **os.environ,
            **self.environment,
            "DJANGO_DEBUG": "true",
            "DJANGO_SECRET_KEY": secrets.token_hex(32),
            "JWT_ALGORITHM": "HS256",
            "JWT_SECRET_KEY": secrets.token_hex(32),
        }
        subprocess.run(
            [sys.executable, str(ROOT / "django-rest" / "manage.py"), *arguments],
            env=environment,
            check=True,
            capture_output=True,
        )
