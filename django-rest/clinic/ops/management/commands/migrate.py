import time
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connection

from clinic.common.mysql.base import time_limits_lifted
from clinic.common.mysql.conditions import LOCK_WAIT_TIMEOUT, code_of
from clinic.common.mysql.session import MIGRATION_LOCK_WAIT_SECONDS
from clinic.common.restore_marker import SENTENCE, is_marked

TRIES = 30
PAUSE_SECONDS = 1.0


class Command(migrate.Command):
    help = (
        "Django's own command, which waits for a table in use for a moment only and tries again: whoever reads or "
        "writes the table waits behind a migration that waits."
    )

    # Of a restore, which calls it.
    stealth_options = ("during_restore",)

    def handle(self, *args: Any, **options: Any) -> None:
        with time_limits_lifted():
            with connection.cursor() as cursor:
                if not options.get("during_restore") and is_marked(cursor):
                    raise CommandError(SENTENCE)
                cursor.execute("SELECT @@session.lock_wait_timeout")
                before = int(cursor.fetchone()[0])
                cursor.execute(f"SET SESSION lock_wait_timeout = {MIGRATION_LOCK_WAIT_SECONDS}")
            try:
                with connection.execute_wrapper(self._try_again):
                    super().handle(*args, **options)
            finally:
                with connection.cursor() as cursor:
                    cursor.execute(f"SET SESSION lock_wait_timeout = {before}")

    def _try_again(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        """A statement outside of a transaction that got no lock had no effect, so it may be repeated."""
        for attempt in range(1, TRIES + 1):
            try:
                return execute(sql, params, many, context)
            except OperationalError as error:
                is_last = attempt == TRIES or connection.in_atomic_block
                if code_of(error) != LOCK_WAIT_TIMEOUT or is_last:
                    raise
                self.stderr.write(f"A table is in use, trying again ({attempt} of {TRIES - 1}).")
                time.sleep(PAUSE_SECONDS)
        raise AssertionError("unreachable")
