"""The present time, by the database's clock: one clock for all processes and machines.

A process measures its distance to that clock with each new connection, and again with the first statement after ten
seconds. In between it counts by a timer that no administrator and no time service can set. So a process whose own
clock is wrong decides and writes the same instants as any other; `skew_seconds` says how wrong it is.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, connection
from MySQLdb import Error as DriverError

from clinic.common.instants import EPOCH

MEASURED_EVERY_SECONDS = 10
# Time services keep machines within milliseconds of each other; leases and reminders tolerate a few seconds.
MAX_SKEW_SECONDS = 5.0
NANOSECONDS = 1_000_000_000


def boot_timer_ns() -> int:
    """Counts through a suspended machine as well, which `time.monotonic_ns` does not."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class DatabaseClock:
    """Database time as timer plus offset. Safe for threads: they may measure twice, and each result is right."""

    def __init__(
        self, *, timer_ns: Callable[[], int] = boot_timer_ns, local_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self._timer_ns, self._local_ns = timer_ns, local_ns
        # The local clock is believed until the first measurement.
        self._offset_ns = local_ns() - timer_ns()
        self._measured_ns: int | None = None

    @property
    def is_measured(self) -> bool:
        return self._measured_ns is not None

    @property
    def is_stale(self) -> bool:
        measured = self._measured_ns
        return measured is None or self._timer_ns() - measured > MEASURED_EVERY_SECONDS * NANOSECONDS

    def now(self) -> datetime:
        return EPOCH + timedelta(microseconds=(self._timer_ns() + self._offset_ns) // 1000)

    def skew_seconds(self) -> float:
        """The local clock minus the database's: positive when the local clock is ahead."""
        return (self._local_ns() - self._timer_ns() - self._offset_ns) / NANOSECONDS

    def measure(self, ask: Callable[[], int]) -> None:
        """`ask` returns the database's time in nanoseconds. The answer fits any offset between the two instants around
        it; the offset moves only as far as it must, so a slow answer does not move a correct clock."""
        before = self._timer_ns()
        answered = ask()
        after = self._timer_ns()
        self._offset_ns = min(max(self._offset_ns, answered - after), answered - before)
        self._measured_ns = after


_clock = DatabaseClock()


def now() -> datetime:
    """No query, except for the first call of a process. The local clock's time while the database is out of reach."""
    if not _clock.is_measured:
        with suppress(DatabaseError):
            connection.ensure_connection()
    return _clock.now()


def skew_seconds() -> float:
    """How far this process's own clock is ahead of the database's; negative when behind."""
    return _clock.skew_seconds()


def is_off() -> bool:
    return abs(skew_seconds()) > MAX_SKEW_SECONDS


def measure(driver_connection: Any) -> None:
    """One query, unless one was made within ten seconds. An error is left to the statement that comes next."""
    if _clock.is_stale:
        with suppress(DriverError):
            _clock.measure(lambda: _database_time_ns(driver_connection))


def measure_again() -> None:
    """One query, always. Raises DatabaseError."""
    with connection.wrap_database_errors:
        connection.ensure_connection()
        _clock.measure(lambda: _database_time_ns(connection.connection))


def _database_time_ns(driver_connection: Any) -> int:
    # A cursor of the driver: this is no part of what the caller asks.
    with driver_connection.cursor() as cursor:
        cursor.execute("SELECT CAST(UTC_TIMESTAMP(6) AS CHAR)")
        (text,) = cursor.fetchone()
    since_epoch = datetime.fromisoformat(f"{text}+00:00") - EPOCH
    return (since_epoch // timedelta(microseconds=1)) * 1000
