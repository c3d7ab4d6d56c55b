"""The stream's database user: it can SELECT the published views and nothing else."""

import re
from dataclasses import dataclass
from typing import Any

import MySQLdb
from django.conf import settings
from django.db import connection as own_connection

from clinic.changefeed.definitions import defined_by_migrations
from clinic.common.mysql.connecting import CONNECT_TIMEOUT_SECONDS, open_connection, server_options

GRANT = re.compile(r"GRANT (.+?) ON (.+?) TO ")
ROLE_GRANT = re.compile(r"GRANT (.+?) TO ")
COMMA_BETWEEN_PRIVILEGES = re.compile(r",(?![^(]*\))")
# Of a table or view, on both servers. What one of them has besides is shown, and revoked, in the next pass.
ALL_BUT_SELECT = ["INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "REFERENCES", "INDEX", "ALTER", "CREATE VIEW"]
ALL_BUT_SELECT += ["SHOW VIEW", "TRIGGER"]
MAX_PASSES = 3
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
        for statement in _making(user, connection.literal(password).decode()):
            cursor.execute(statement)
        # One pass, unless a right can only be named once others are gone.
        for _ in range(MAX_PASSES):
            changes = grant_changes(_grants(cursor, user), wanted=_wanted_objects(), account=_account(user))
            for statement in changes:
                cursor.execute(statement)
            if not changes:
                break


def grant_changes(grants: list[str], *, wanted: list[str], account: str) -> list[str]:
    """The statements that lead from these grants to SELECT on the wanted objects and nothing else. What is granted
    already is never revoked on the way: a reader in the midst of it meets no refusal."""
    held: set[str] = set()
    revocations: list[str] = []
    for grant in grants:
        found = GRANT.match(grant)
        if found is None:
            revocations += [f"REVOKE {role[1]} FROM {account}"] if (role := ROLE_GRANT.match(grant)) else []
            continue
        privileges, target = found[1], found[2]
        if grant.endswith("WITH GRANT OPTION"):
            revocations.append(f"REVOKE GRANT OPTION ON {target} FROM {account}")
        surplus = [one for one in _split(privileges) if one != "USAGE"]
        if target in wanted:
            if "SELECT" in surplus or "ALL PRIVILEGES" in surplus:
                held.add(target)
            surplus = [name for one in surplus for name in (ALL_BUT_SELECT if one == "ALL PRIVILEGES" else [one])]
            surplus = [one for one in surplus if one != "SELECT"]
        if surplus:
            revocations.append(f"REVOKE {', '.join(surplus)} ON {target} FROM {account}")
    return [*(f"GRANT SELECT ON {target} TO {account}" for target in wanted if target not in held), *revocations]


def _split(privileges: str) -> list[str]:
    """`SELECT (a, b), INSERT` has two."""
    return [one.strip() for one in COMMA_BETWEEN_PRIVILEGES.split(privileges)]


def _grants(cursor: Any, user: str) -> list[str]:
    cursor.execute(f"SHOW GRANTS FOR {_account(user)}")
    return [grant for (grant,) in cursor.fetchall()]


def _account(user: str) -> str:
    return f"'{user}'@'%'"


def _wanted_objects() -> list[str]:
    database = settings.DATABASES["default"]["NAME"]
    return [f"`{database}`.`{view}`" for view in sorted(defined_by_migrations(own_connection).views)]


def _making(user: str, password_literal: str) -> list[str]:
    return [
        f"CREATE USER IF NOT EXISTS {_account(user)}",
        f"ALTER USER {_account(user)} IDENTIFIED BY {password_literal}",
    ]


def _statements(user: str, password_literal: str) -> list[str]:
    """For an administrator who makes the user by hand."""
    grants = (f"GRANT SELECT ON {target} TO {_account(user)}" for target in _wanted_objects())
    return [*_making(user, password_literal), *grants]
