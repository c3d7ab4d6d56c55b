"""Whether an acknowledged change survives a loss of power, and whether the system's time zone tables agree with ours.
Run by `migrate` and `check --database default`."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Info
from django.core.checks import Warning as Advice
from django.db import connections
from shared_config import zones_that_differ

from clinic.common import clock

# Variable, the values that keep what was acknowledged, and a name for its warning.
DURABLE = (
    ("innodb_flush_log_at_trx_commit", frozenset({"1"}), "1", "common.W001"),
    ("sync_binlog", frozenset({"1"}), "1", "common.W002"),
    ("innodb_doublewrite", frozenset({"1", "ON", "DETECT_AND_RECOVER"}), "ON", "common.W003"),
)


def check_durability(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    return [message for alias in databases or [] for message in _warnings(_variables(alias))]


def _variables(alias: str) -> dict[str, str]:
    with connections[alias].cursor() as cursor:
        names = [name for name, *_ in DURABLE] + ["log_bin"]
        cursor.execute(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({', '.join(['%s'] * len(names))})", names)
        return {name.lower(): str(value).upper() for name, value in cursor.fetchall()}


def _warnings(variables: dict[str, str]) -> list[CheckMessage]:
    return [
        Advice(
            f"A loss of power can lose changes that were acknowledged: {name} is {variables[name]}.",
            hint=f"Set {name} = {right} under [mysqld] in the server's configuration.",
            id=number,
        )
        for name, durable, right, number in DURABLE
        if variables.get(name) is not None
        and variables[name] not in durable
        # Without a binary log there is nothing to keep in step with.
        and (name != "sync_binlog" or variables.get("log_bin") in {"ON", "1"})
    ]


def check_time_zone_tables(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Zones in which the system's tables differ from the locked package: other programs here show other times."""
    if not databases:
        return []
    different = zones_that_differ(now=clock.now())
    if not different:
        return []
    used = sorted(set(different) & _zones_of_clinics(databases[0]))
    named = ", ".join(used or different)
    kind = Advice if used else Info
    return [
        kind(
            f"The system's time zone tables differ from the locked tzdata in {len(different)} zones"
            f"{', used by clinics' if used else ''}: {named}.",
            hint="Both services use the locked tzdata. Update the system's tables, and see manage.py zone_changes.",
            id="common.W004",
        )
    ]


def _zones_of_clinics(alias: str) -> set[str]:
    """Empty before the first migration."""
    with connections[alias].cursor() as cursor:
        if "clinic" not in connections[alias].introspection.table_names(cursor):
            return set()
        cursor.execute("SELECT DISTINCT timezone FROM clinic")
        return {name for (name,) in cursor.fetchall()}
