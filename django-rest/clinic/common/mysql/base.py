"""Django's backend for MySQL and MariaDB. Named by `DATABASES`.

Faster in two things: instants come aware out of the driver, by C, and a connection that has just answered is not asked
whether it still does. Stricter in five: statements and idle transactions have limits (`session.py`), reads of a client
that has gone are ended (`abandoning.py`), a connection to a server that became read-only is dropped, conditions of the
server are announced, and it is known whether a request may have changed something.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import MySQLdb
from django.conf import settings
from django.db import connection as default_connection
from django.db.backends.mysql import base
from django.db.backends.mysql.operations import DatabaseOperations as Operations
from MySQLdb.constants import FIELD_TYPE

from clinic.common import clock
from clinic.common.mysql.abandoning import read_by
from clinic.common.mysql.conditions import LOST_CODES, Condition, announce, code_of, condition_of
from clinic.common.mysql.connecting import open_connection
from clinic.common.mysql.session import SOCKET_SECONDS, init_command

# If the database restarts meanwhile, a request is answered 503 with Retry-After, as one in the midst of it is.
ANSWERED_JUST_NOW_SECONDS = 1.0
IDLE_SECONDS_ALONE = 3600
# Another server may be the one that writes by now.
DEMOTING = frozenset({Condition.READ_ONLY, Condition.CLUSTER_NOT_READY})
READING = ("SELECT", "SHOW", "SET", "EXPLAIN")


class _Generation:
    """Counts demotions that this process has met: connections of an earlier number are not used again."""

    number = 0


def instant_of(text: str) -> datetime | None:
    """`2026-11-20 08:30:00.123456`, UTC: the session's zone. None for what is no date, as the driver has it."""
    try:
        return datetime.fromisoformat(f"{text}Z")
    except ValueError:
        return None


class DatabaseOperations(Operations):
    def get_db_converters(self, expression: Any) -> list[Any]:
        converters: list[Any] = super().get_db_converters(expression)
        # Instants are aware already.
        return [one for one in converters if one != self.convert_datetimefield_value]


class CursorWrapper(base.CursorWrapper):
    def __init__(self, cursor: Any, wrapper: "DatabaseWrapper") -> None:
        super().__init__(cursor)
        self._wrapper = wrapper

    def execute(self, query: Any, args: Any = None) -> Any:
        try:
            with read_by(self._wrapper, str(query)):
                return super().execute(query, args)
        except MySQLdb.Error as error:
            self._wrapper.note_error(error, str(query))
            raise

    def executemany(self, query: Any, args: Any) -> Any:
        try:
            return super().executemany(query, args)
        except MySQLdb.Error as error:
            self._wrapper.note_error(error, str(query))
            raise


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations
    asked_at = float("-inf")
    generation = 0
    has_time_limits = True
    # The only user of the database, as during a restore: an idle transaction blocks no other.
    is_alone = False
    # Whether a statement of this connection was killed: the next one might be hit.
    is_spent = False
    # Whether a change was sent to be kept, and may have been, since the request began.
    may_have_changed = False

    def get_connection_params(self) -> dict[str, Any]:
        parameters: dict[str, Any] = super().get_connection_params()
        instants = {FIELD_TYPE.DATETIME: instant_of, FIELD_TYPE.TIMESTAMP: instant_of}
        parameters["conv"] = {**parameters["conv"], **instants}
        if self.has_time_limits:
            return {**parameters, "read_timeout": SOCKET_SECONDS, "write_timeout": SOCKET_SECONDS}
        unlimited = init_command(idle_seconds=self._idle_seconds, statement_seconds=0)
        return {**parameters, "init_command": unlimited}

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        self.generation = _Generation.number
        self.is_spent = False
        try:
            return open_connection(**conn_params)
        except MySQLdb.Error as error:
            self.note_error(error, "SELECT")
            raise

    def ensure_connection(self) -> None:
        if self.is_spent and not self.in_atomic_block:
            self.close()
        super().ensure_connection()

    def create_cursor(self, name: Any = None) -> CursorWrapper:
        return CursorWrapper(self.connection.cursor(), self)

    def note_error(self, error: BaseException, query: str) -> None:
        if code_of(error) in LOST_CODES and self.autocommit and not query.lstrip("( ").upper().startswith(READING):
            self.may_have_changed = True
        condition = condition_of(error)
        if condition is None:
            return
        if condition in DEMOTING:
            _Generation.number += 1
        announce(condition)

    def _commit(self) -> None:
        self.may_have_changed = True
        try:
            super()._commit()  # type: ignore[misc]
        except MySQLdb.Error as error:
            self.note_error(error, "COMMIT")
            raise

    def _set_autocommit(self, autocommit: bool) -> None:
        """On MySQL together with the idle limit, which it has for whole sessions alone: without transactions they may
        be idle for long."""
        if self._is_mariadb():
            super()._set_autocommit(autocommit)  # type: ignore[misc]
            return
        seconds = "DEFAULT" if autocommit else str(self._idle_seconds)
        with self.wrap_database_errors:
            self.connection.query(f"SET autocommit = {int(autocommit)}, SESSION wait_timeout = {seconds}")

    @property
    def _idle_seconds(self) -> int:
        return IDLE_SECONDS_ALONE if self.is_alone else int(settings.SHARED.db_idle_transaction_seconds)

    def _is_mariadb(self) -> bool:
        return "MariaDB" in self.connection.get_server_info()

    def is_usable(self) -> bool:
        """Whether it answers, and its server still writes. One query, as the ping it stands for."""
        try:
            with self.connection.cursor() as cursor:
                cursor.execute("SELECT @@global.read_only")
                return str(cursor.fetchone()[0]).upper() in {"0", "OFF"}
        except MySQLdb.Error:
            return False

    def close_if_health_check_failed(self) -> None:
        self._close_if_demoted()
        now = time.monotonic()
        if now - self.asked_at < ANSWERED_JUST_NOW_SECONDS:
            self.health_check_done = True
        super().close_if_health_check_failed()
        self.asked_at = now
        if self.connection is not None:
            clock.measure(self.connection)

    def init_connection_state(self) -> None:
        super().init_connection_state()
        clock.measure(self.connection)

    def close_if_unusable_or_obsolete(self) -> None:
        self._close_if_demoted()
        super().close_if_unusable_or_obsolete()

    def _close_if_demoted(self) -> None:
        if self.connection is not None and self.generation != _Generation.number and not self.in_atomic_block:
            self.close()


@contextmanager
def time_limits_lifted() -> Iterator[None]:
    """For migrations and maintenance, which may take long: this thread's connection without limits of time. The idle
    limit of transactions and the waits for locks stay. Inside a transaction: nothing changes."""
    wrapper: Any = default_connection
    if wrapper.in_atomic_block or not wrapper.has_time_limits:
        yield
        return
    wrapper.close()
    wrapper.has_time_limits = False
    try:
        yield
    finally:
        wrapper.has_time_limits = True
        if not wrapper.in_atomic_block:
            wrapper.close()
