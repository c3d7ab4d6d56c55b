"""A database server of a test's own, whose global variables it may change."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from django.db.migrations.loader import MigrationLoader

from tools.private_server import HOST, THROW_AWAY_FLAGS, Accounts, PrivateServer
from tools.processes import free_port


@contextmanager
def own_server(folder: Path, *flags: str) -> Iterator[PrivateServer]:
    server = PrivateServer(folder, free_port(), Accounts.fresh(), extra_flags=[*THROW_AWAY_FLAGS, *flags])
    server.start()
    try:
        yield server
    finally:
        server.stop()


def options_of(server: PrivateServer) -> dict[str, Any]:
    """Arguments of `open_connection`, as the application's user."""
    accounts = server.accounts
    return {
        "host": HOST,
        "port": server.port,
        "user": accounts.user,
        "password": accounts.password,
        "database": accounts.database,
        "charset": "utf8mb4",
    }


def administer(server: PrivateServer, *statements: str) -> None:
    with closing(server.connect(as_admin=True)) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def make_canary_schema(server: PrivateServer) -> None:
    """As much of the schema as a probe looks at: all migrations on record, and the canary's table."""
    leaves = MigrationLoader(None).graph.leaf_nodes()
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE django_migrations (app VARCHAR(255), name VARCHAR(255))")
        cursor.executemany("INSERT INTO django_migrations VALUES (%s, %s)", leaves)
        cursor.execute(
            "CREATE TABLE probe_canary (slot SMALLINT UNSIGNED PRIMARY KEY, written_at DATETIME(6), padding TEXT)"
        )
