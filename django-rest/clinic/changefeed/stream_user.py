"""The stream's database user: it can SELECT the published views and nothing else."""

from dataclasses import dataclass
from typing import Any

import MySQLdb
from django.conf import settings
from django.db import connection as own_connection

from clinic.changefeed.definitions import defined_by_migrations
from clinic.common.mysql.connecting import CONNECT_TIMEOUT_SECONDS, open_connection, server_options

MAY_NOT_CREATE_USERS = frozenset({1045, 1044, 1142, 1227, 1410})


@dataclass
class NotPrivileged(Exception):  # noqa: N818 - named as the user would say it
    """The server refuses; `statements` are what an administrator has to run, with the password left out."""

    reason: str
    statements: list[str]


def create_stream_user() -> str:
    """Make the user, or make it what it should be: its password, and its grants no more than the views.

    Signs in as DB_ADMIN_USER where that is set, else as the service's own user. Returns the user's name.
    Raises NotPrivileged.
    """
    shared = settings.SHARED
    if shared.sse_db_password is None:
        raise NotPrivileged("SSE_DB_PASSWORD is not set.", [])
    password = shared.sse_db_password.get_secret_value()
    try:
        connection = open_connection(**_administrator())
        try:
            _run(connection, shared.sse_db_user, password)
        finally:
            connection.close()  # type: ignore[no-untyped-call]
    except MySQLdb.Error as error:
        if error.args[0] not in MAY_NOT_CREATE_USERS:
            raise
        raise NotPrivileged(str(error.args[1]), _statements(shared.sse_db_user, "'…'")) from error
    return str(shared.sse_db_user)


def _administrator() -> dict[str, Any]:
    shared = settings.SHARED
    user, password = shared.db_user, shared.db_password
    if shared.db_admin_user is not None and shared.db_admin_password is not None:
        user, password = shared.db_admin_user, shared.db_admin_password
    return {
        **server_options(shared),
        "user": user,
        "password": password.get_secret_value(),
        "charset": "utf8mb4",
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
    }


def _run(connection: Any, user: str, password: str) -> None:
    with connection.cursor() as cursor:
        for statement in _statements(user, connection.literal(password).decode()):
            cursor.execute(statement)


def _statements(user: str, password_literal: str) -> list[str]:
    database = settings.DATABASES["default"]["NAME"]
    account = f"'{user}'@'%'"
    views = sorted(defined_by_migrations(own_connection).views)
    return [
        f"CREATE USER IF NOT EXISTS {account}",
        f"ALTER USER {account} IDENTIFIED BY {password_literal}",
        f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {account}",
        *(f"GRANT SELECT ON `{database}`.`{view}` TO {account}" for view in views),
    ]
