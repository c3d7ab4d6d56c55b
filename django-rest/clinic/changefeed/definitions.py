"""The triggers and the published views as the migrations make them: what has to be there, and how to make it again.

Read from the migrations, so that no list beside them can disagree: not with a database that is still to be migrated,
and not after the next migration.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration, RunSQL
from django.db.migrations.executor import MigrationExecutor

STATEMENT = re.compile(r"\s*(CREATE(?: OR REPLACE)?|DROP)\s+(TRIGGER|VIEW)\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?`?(\w+)")


@dataclass(frozen=True)
class Definitions:
    """The statement that makes each, by its name, in the order of their making."""

    triggers: dict[str, str] = field(default_factory=dict)
    views: dict[str, str] = field(default_factory=dict)


def defined_by_migrations(connection: BaseDatabaseWrapper, *, applied_only: bool = True) -> Definitions:
    """By those that this database has applied, or by all there are."""
    executor = MigrationExecutor(connection)
    applied = executor.loader.applied_migrations
    definitions = Definitions()
    for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes(), clean_start=True):
        if applied_only and (migration.app_label, migration.name) not in applied:
            continue
        for statement in _statements_of(migration):
            _take_in(definitions, statement)
    return definitions


def _take_in(definitions: Definitions, statement: str) -> None:
    found = STATEMENT.match(statement)
    if found is None:
        return
    verb, kind, name = found.groups()
    made = definitions.triggers if kind == "TRIGGER" else definitions.views
    made.pop(name, None)
    if verb != "DROP":
        made[name] = statement


def _statements_of(migration: Migration) -> Iterator[str]:
    for operation in migration.operations:
        if isinstance(operation, RunSQL):
            yield from [operation.sql] if isinstance(operation.sql, str) else map(str, operation.sql)
