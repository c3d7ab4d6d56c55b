"""Rows that the database reads."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def rows_read() -> Iterator[list[int]]:
    """Rows and index entries that the session's statements have read."""
    read: list[int] = []
    before = _reads()
    yield read
    read.append(_reads() - before)


def _reads() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
        return sum(int(value) for _, value in cursor.fetchall())
