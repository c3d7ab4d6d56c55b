"""A mark in the database while a restore is under way. It stays after one that failed, until another one succeeds."""

from typing import Any

from django.db import connection

TABLE = "unfinished_restore"
SENTENCE = "A restore into this database has not been finished. Run it again, with --replace."


def set_mark() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {TABLE} (id INT PRIMARY KEY)")


def remove_mark() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {TABLE}")


def is_marked(cursor: Any) -> bool:
    """One query. `cursor`: of Django or of the driver."""
    cursor.execute(
        "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = %s", [TABLE]
    )
    return bool(cursor.fetchone()[0])
