"""The database between two tests."""

from time import monotonic, sleep

from clinic.health.probes import NEVER, OK, PROBES
from django.core.cache import cache as remembered
from django.db import connection


def start_numbering() -> None:
    remembered.clear()  # What is remembered by these numbers is of another test.
    with connection.cursor() as cursor:
        cursor.execute("INSERT IGNORE INTO stream_head (clinic_id, seq) VALUES (0, 0)")
        cursor.execute("INSERT IGNORE INTO stream_epoch (id, epoch) VALUES (1, 'testtesttesttest')")


def wait_for_the_probes() -> None:
    """The process's own probes report for a second that a request met a deadlock, also one of an earlier test."""
    deadline = monotonic() + 10
    while PROBES.state is not NEVER and PROBES.reason() != OK and monotonic() < deadline:
        sleep(0.02)


def empty_what_numbers_its_deletes() -> None:
    """The flush deletes tables in any order; a trigger that finds its stream head gone refuses."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT event_object_table FROM information_schema.triggers"
            " WHERE trigger_schema = DATABASE() AND event_manipulation = 'DELETE'"
        )
        tables = [table for (table,) in cursor.fetchall()]
        cursor.execute("SET FOREIGN_KEY_CHECKS = 0")
        for table in tables:
            cursor.execute(f"DELETE FROM `{table}`")
        cursor.execute("SET FOREIGN_KEY_CHECKS = 1")
