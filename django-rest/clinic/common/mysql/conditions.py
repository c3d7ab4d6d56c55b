"""Why a database refuses work that was right: the server's error numbers, by name.

Whoever wants to know at once of a condition that any request met registers with `on_condition`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Condition(StrEnum):
    READ_ONLY = "read_only"
    CLUSTER_NOT_READY = "cluster_not_ready"
    DISK_FULL = "disk_full"
    TOO_MANY_CONNECTIONS = "too_many_connections"


# --read-only and --super-read-only; a READ ONLY transaction; InnoDB in read-only mode.
READ_ONLY_CODES = frozenset({1290, 1792, 1836})
CONDITION_OF_CODE = {
    1792: Condition.READ_ONLY,
    1836: Condition.READ_ONLY,
    1047: Condition.CLUSTER_NOT_READY,
    28: Condition.DISK_FULL,
    1021: Condition.DISK_FULL,
    1114: Condition.DISK_FULL,
    1040: Condition.TOO_MANY_CONNECTIONS,
    1203: Condition.TOO_MANY_CONNECTIONS,
    1226: Condition.TOO_MANY_CONNECTIONS,
}
# Errors of files and engines in general: only the text names the cause.
NO_SPACE = ("No space left", "Errcode: 28", "error 28 ", "(errno: 28")

LOST_CODES = frozenset({2006, 2013, 2055, 1053, 1927, 4031})
INTERRUPTED = 1317
TOO_SLOW_CODES = frozenset({1969, 3024, INTERRUPTED})
LOCK_WAIT_TIMEOUT = 1205
DEADLOCK = 1213
DUPLICATE_KEY = 1062
NO_SUCH_PARENT = 1452

# "Duplicate entry 'patient-7-2026-11-20 09:30:00.000000' for key 'PRIMARY'"; MySQL names the table before the key.
DUPLICATE_ENTRY = re.compile(r"Duplicate entry '(?P<entry>.*)' for key '(?:[^'.]+\.)?(?P<key>[^'.]+)'", re.DOTALL)

_observers: list[Callable[[Condition], None]] = []


def on_condition(observer: Callable[[Condition], None]) -> None:
    _observers.append(observer)


def announce(condition: Condition) -> None:
    for observer in _observers:
        observer(condition)


def code_of(error: BaseException) -> int | None:
    code = error.args[0] if error.args else None
    return code if isinstance(code, int) else None


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A refused second entry of a unique key. `entry`: its values as the server wrote them, `-` between them."""

    key: str
    entry: str


def duplicate_in(error: BaseException) -> Duplicate | None:
    """The unique key that refused a write, without its table, on MySQL and MariaDB alike. None for other errors."""
    if code_of(error) != DUPLICATE_KEY:
        return None
    found = DUPLICATE_ENTRY.search(str(error.args[-1]))
    return Duplicate(found["key"], found["entry"]) if found is not None else None


def is_duplicate(error: BaseException, key: str) -> bool:
    """Whether this unique key refused a write."""
    duplicate = duplicate_in(error)
    return duplicate is not None and duplicate.key == key


def condition_of(error: BaseException) -> Condition | None:
    """None for errors that say nothing of the server's condition."""
    code, text = code_of(error), str(error.args[1]) if len(error.args) > 1 else ""
    if code == 1290:
        # The same number stands for --secure-file-priv, --skip-grant-tables and others.
        return Condition.READ_ONLY if "read-only" in text or "read_only" in text else None
    if code is not None and code in CONDITION_OF_CODE:
        return CONDITION_OF_CODE[code]
    return Condition.DISK_FULL if any(words in text for words in NO_SPACE) else None
