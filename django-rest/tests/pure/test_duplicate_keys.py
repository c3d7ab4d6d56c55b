"""The unique key that refused a write, by the words of either server."""

import pytest
from clinic.common.mysql.conditions import Duplicate, duplicate_in, is_duplicate
from clinic.scheduling.models import CellKind
from clinic.scheduling.services import overlap_in
from django.db import IntegrityError

CELL = "patient-7-2026-11-20 09:30:00.000000"


def duplicate(entry: str, key: str) -> IntegrityError:
    return IntegrityError(1062, f"Duplicate entry '{entry}' for key '{key}'")


@pytest.mark.parametrize("key", ["PRIMARY", "claimed_cell.PRIMARY"], ids=["MariaDB", "MySQL"])
def test_key_is_named_without_its_table(key: str) -> None:
    assert duplicate_in(duplicate(CELL, key)) == Duplicate("PRIMARY", CELL)
    assert overlap_in(duplicate(CELL, key)) is CellKind.PATIENT


def test_entry_may_hold_quotes_and_line_ends() -> None:
    entry = "o'hara' for key 'x'\n@example.org"
    assert duplicate_in(duplicate(entry, "account_user.email")) == Duplicate("email", entry)


@pytest.mark.parametrize(
    "error",
    [
        IntegrityError(1452, "Cannot add or update a child row: a foreign key constraint fails"),
        IntegrityError(),
        IntegrityError(1062),
        duplicate("1", "other"),
        duplicate("clinic-7-2026-11-20 09:30:00.000000", "PRIMARY"),
    ],
)
def test_other_error_is_no_overlap(error: IntegrityError) -> None:
    assert overlap_in(error) is None


def test_other_key_is_another_duplicate() -> None:
    assert is_duplicate(duplicate("a", "idempotency_key_once"), "idempotency_key_once")
    assert not is_duplicate(duplicate("a", "idempotency_key_once"), "PRIMARY")
