"""Django's backend for MySQL and MariaDB, in three things faster. Named by `DATABASES`.

Instants come aware out of the driver, by C. A connection that has just answered is not asked whether it still does.
Its connections measure `clinic.common.clock`.
"""

import time
from datetime import datetime
from typing import Any

from django.db.backends.mysql import base
from django.db.backends.mysql.operations import DatabaseOperations as Operations
from MySQLdb.constants import FIELD_TYPE

from clinic.common import clock
from clinic.common.mysql.connecting import open_connection

# If the database restarts meanwhile, a request is answered 503 with Retry-After, as one in the midst of it is.
ANSWERED_JUST_NOW_SECONDS = 1.0


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


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations
    asked_at = float("-inf")

    def get_connection_params(self) -> dict[str, Any]:
        parameters: dict[str, Any] = super().get_connection_params()
        instants = {FIELD_TYPE.DATETIME: instant_of, FIELD_TYPE.TIMESTAMP: instant_of}
        return {**parameters, "conv": {**parameters["conv"], **instants}}

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        return open_connection(**conn_params)

    def close_if_health_check_failed(self) -> None:
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
