"""What the database must be like for the claims and the feed to hold.

Run by `migrate` and `check --database default`.
"""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error
from django.db import connections
from django.db.backends.utils import CursorWrapper

TRIGGERS = frozenset(
    {
        *(
            f"{table}_claims_on_{moment}"
            for table in ("appointment", "hold")
            for moment in ("insert", "update", "delete")
        ),
        *(
            f"{table}_feed_on_{moment}"
            for table in ("appointment", "hold")
            for moment in ("insert", "update", "delete")
        ),
        *(f"{table}_feed_on_insert" for table in ("clinic", "practitioner", "patient")),
        *(f"{table}_feed_on_update" for table in ("clinic", "practitioner", "patient", "service", "account_user")),
        *(f"{table}_feed_on_delete" for table in ("practitioner", "patient", "account_user")),
    }
)
VIEWS = frozenset({"live_head", "live_event", "live_clinic", "live_appointment", "live_hold", "live_session"})


def check_database(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    messages: list[CheckMessage] = []
    for alias in databases or []:
        with connections[alias].cursor() as cursor:
            messages += [*_check_isolation(cursor), *_check_triggers_allowed(cursor), *_check_published(cursor)]
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


def _check_triggers_allowed(cursor: CursorWrapper) -> list[CheckMessage]:
    refuses = _is_on(cursor, "log_bin") and not _is_on(cursor, "log_bin_trust_function_creators")
    if not refuses or _missing_triggers(cursor) == frozenset() or _is_superuser(cursor):
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


def _check_published(cursor: CursorWrapper) -> list[CheckMessage]:
    if not _feed_is_migrated(cursor):
        return []
    messages: list[CheckMessage] = []
    if missing := sorted(_missing_triggers(cursor)):
        messages.append(
            Error(
                f"Triggers are missing: {', '.join(missing)}. Changes would go unseen and overlaps unrefused.",
                hint="A dump that is restored needs --triggers. Make them again: manage.py migrate changefeed 0001, "
                "manage.py migrate appointments 0001, manage.py migrate scheduling 0001, manage.py migrate.",
                id="changefeed.E003",
            )
        )
    if missing := sorted(VIEWS - _names(cursor, "SELECT table_name FROM information_schema.views", "table_schema")):
        messages.append(
            Error(
                f"Published views are missing: {', '.join(missing)}. The stream cannot read.",
                hint="Make them again: manage.py migrate changefeed 0002, then manage.py migrate, "
                "then manage.py create_stream_user.",
                id="changefeed.E004",
            )
        )
    return messages


def _feed_is_migrated(cursor: CursorWrapper) -> bool:
    if not _names(cursor, "SELECT table_name FROM information_schema.tables", "table_schema") >= {"django_migrations"}:
        return False
    cursor.execute("SELECT 1 FROM django_migrations WHERE app = 'changefeed' AND name = '0003_live_views'")
    return cursor.fetchone() is not None


def _missing_triggers(cursor: CursorWrapper) -> frozenset[str]:
    return TRIGGERS - _names(cursor, "SELECT trigger_name FROM information_schema.triggers", "trigger_schema")


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
