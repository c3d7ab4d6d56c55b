"""How the service is: what the health endpoints tell."""

from typing import Any

from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor

DOWN = "unreachable"


def database_state() -> str:
    """`ok`, `unmigrated`, or `unreachable`. A few small queries."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        executor = MigrationExecutor(connection)
        behind = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except (DatabaseError, InterfaceError):
        connection.close()
        return DOWN
    return "unmigrated" if behind else "ok"


def server_version() -> str | None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT VERSION()")
            row: tuple[Any, ...] = cursor.fetchone()
    except (DatabaseError, InterfaceError):
        return None
    return str(row[0])
