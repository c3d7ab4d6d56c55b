"""Requirements on the database without which the claims and the feed do not hold.

Run by `migrate` and `check --database default`.
"""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error
from django.db import connections
from django.db.backends.utils import CursorWrapper

from clinic.changefeed.definitions import Definitions, defined_by_migrations


def check_database(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    messages: list[CheckMessage] = []
    for alias in databases or []:
        with connections[alias].cursor() as cursor:
            messages += [
                *_check_isolation(cursor),
                *_check_triggers_allowed(cursor, defined_by_migrations(connections[alias], applied_only=False)),
                *_check_published(cursor, defined_by_migrations(connections[alias])),
            ]
    return messages


def _check_isolation(cursor: CursorWrapper) -> list[CheckMessage]:
    isolation = _variable(cursor, "transaction_isolation") or _variable(cursor, "tx_isolation")
    if isolation == "READ-COMMITTED":
        return []
    return [
        Error(
            f"The database session runs at {isolation}, not READ-COMMITTED.",
            hint="Leave DATABASES['default']['OPTIONS']['isolation_level'] at 'read committed': under REPEATABLE READ "
            "a claim decides on what it read before it had the lock.",
            id="changefeed.E001",
        )
    ]


def _check_triggers_allowed(cursor: CursorWrapper, wanted: Definitions) -> list[CheckMessage]:
    refuses = _is_on(cursor, "log_bin") and not _is_on(cursor, "log_bin_trust_function_creators")
    if not refuses or not missing_triggers(cursor, frozenset(wanted.triggers)) or _is_superuser(cursor):
        return []
    return [
        Error(
            "The server will refuse to create triggers (error 1419).",
            hint="Its binary log is on and this user is not privileged. As an administrator: "
            "SET GLOBAL log_bin_trust_function_creators = 1; and put log_bin_trust_function_creators=1 under [mysqld] "
            "in the server's configuration, so that it holds after a restart.",
            id="changefeed.E002",
        )
    ]


def _check_published(cursor: CursorWrapper, wanted: Definitions) -> list[CheckMessage]:
    messages: list[CheckMessage] = []
    if missing := missing_triggers(cursor, frozenset(wanted.triggers)):
        messages.append(
            Error(
                f"Triggers are missing: {', '.join(missing)}. Changes would go unseen and overlaps unrefused.",
                hint="A dump that is restored needs --triggers. Stop the services and make them again: "
                "manage.py repair_feed.",
                id="changefeed.E003",
            )
        )
    if missing := missing_views(cursor, frozenset(wanted.views)):
        messages.append(
            Error(
                f"Published views are missing: {', '.join(missing)}. The stream cannot read.",
                hint="Make them again: manage.py repair_feed, then manage.py create_stream_user.",
                id="changefeed.E004",
            )
        )
    return messages


def missing_triggers(cursor: CursorWrapper, wanted: frozenset[str]) -> list[str]:
    there = _names(cursor, "SELECT trigger_name FROM information_schema.triggers", "trigger_schema")
    return sorted(wanted - there)


def missing_views(cursor: CursorWrapper, wanted: frozenset[str]) -> list[str]:
    return sorted(wanted - _names(cursor, "SELECT table_name FROM information_schema.views", "table_schema"))


def _names(cursor: CursorWrapper, select: str, schema_column: str) -> frozenset[str]:
    cursor.execute(f"{select} WHERE {schema_column} = DATABASE()")
    return frozenset(name for (name,) in cursor.fetchall())


def _variable(cursor: CursorWrapper, name: str) -> str | None:
    cursor.execute("SHOW VARIABLES LIKE %s", [name])
    row = cursor.fetchone()
    return row[1] if row else None


def _is_on(cursor: CursorWrapper, name: str) -> bool:
    return _variable(cursor, name) in {"ON", "1"}


def _is_superuser(cursor: CursorWrapper) -> bool:
    cursor.execute("SHOW GRANTS")
    return any(
        " ON *.* " in grant and ("SUPER" in grant or "ALL PRIVILEGES" in grant) for (grant,) in cursor.fetchall()
    )
