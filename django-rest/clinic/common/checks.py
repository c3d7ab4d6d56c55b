"""Whether an acknowledged change survives a loss of power. Run by `migrate` and `check --database default`."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage
from django.core.checks import Warning as Advice
from django.db import connections

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
