"""Making a database from an archive. Nothing else may use the database meanwhile.

The migrations make the tables as the archive's version had them; then come its rows, the triggers, the later
migrations. In the end the feed has a new epoch, and messages that are due by now are held: an operator decides on them.
A mark in the database keeps everything else away until then, and the stream finds its views last of all: until it does,
open boards are stale and their sessions stay.
"""

import gzip
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from clinic.changefeed.definitions import STATEMENT
from clinic.changefeed.repair import make_triggers, make_views, repair_rows
from clinic.changefeed.stream_user import NotPrivileged, create_stream_user
from clinic.common import clock
from clinic.common.restore_marker import TABLE as MARK
from clinic.common.restore_marker import remove_mark, set_mark
from clinic.ops.backup import checking
from clinic.ops.backup.archive import MEDIA, ROWS, Archive, BackupError, Manifest
from clinic.ops.backup.rows import insert_statements, without_columns
from clinic.outbox.holding import hold_due
from clinic.worker.jobs import run_jobs

COMMITTED_EVERY = 20
# A connection that only asks whether the server is there is gone by the second look.
LOOKED_AGAIN_SECONDS = 1.5


@dataclass
class Restored:
    held: int = 0
    photos: int = 0
    problems: list[str] = field(default_factory=list)
    # Statements for an administrator to run if the stream's user could not be made.
    statements: list[str] = field(default_factory=list)


def check_may_restore(manifest: Manifest, *, replace: bool) -> None:
    """Raises BackupError for an archive of a later version, a database in use or one that has something to lose."""
    known = set(MigrationExecutor(connection).loader.disk_migrations)
    if unknown := sorted(set(manifest.migrations) - known - _of_removed_apps(manifest, known)):
        app, name = unknown[0]
        raise BackupError(
            f"The archive was made by version {manifest.version}, which is newer than this one ({settings.VERSION}):"
            f" it has {app}.{name}. Install that version first."
        )
    if not replace and not _is_empty():
        raise BackupError("The database is not empty. --replace deletes all that it has.")
    if others := _others():
        raise BackupError(f"{others} other connections use the database. Stop django-rest and the worker first.")


def restore(
    archive: Archive, *, is_throw_away: bool, say: Callable[[str], None], on_bytes: Callable[[int], None]
) -> Restored:
    """Raises BackupError. The database is not to be used then: restore again with --replace."""
    restored, manifest = Restored(), archive.manifest
    _lift_time_limits()
    say("Making the tables")
    set_mark()
    _drop_everything()
    with connection.execute_wrapper(_without_views):
        _migrate_to(manifest.migrations)
    _empty_tables()
    say("Loading the rows")
    with archive.open(ROWS) as packed, gzip.open(packed) as lines:
        _load(lines, frozenset(manifest.tables), on_bytes=on_bytes)
    say("Checking the rows, making triggers and views")
    restored.problems += checking.problems_of_rows(manifest)
    make_triggers()
    with connection.execute_wrapper(_without_views):
        call_command("migrate", verbosity=0, interactive=False, skip_checks=True, during_restore=True)
    make_triggers()
    restored.problems += checking.problems_of_history()
    now = clock.now()
    loaded = checking.future_cells(now=now)
    repair_rows(now=now)
    restored.problems += checking.problems_of_claims(loaded, checking.future_cells(now=now))
    if not is_throw_away:
        restored.photos = _restore_media(archive)
        # Steps that time alone brings about until now, so that their messages are held as well.
        run_jobs(now=clock.now())
        restored.held = hold_due(now=clock.now())
    make_views()
    if not is_throw_away:
        restored.statements = _make_stream_user()
    remove_mark()
    return restored


def _lift_time_limits() -> None:
    """A slow machine may pause between two statements, and one statement may load much."""
    wrapper: Any = connection
    wrapper.has_time_limits, wrapper.is_alone = False, True
    connection.close()


def _of_removed_apps(manifest: Manifest, known: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Rows that stay in a database when a package is no longer used."""
    apps = {app for app, _ in known}
    return {(app, name) for app, name in manifest.migrations if app not in apps}


def _is_empty() -> bool:
    tables = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for table in ("clinic", "user", "message", "appointment"):
            if table in tables:
                cursor.execute(f"SELECT 1 FROM `{table}` LIMIT 1")  # noqa: S608 - a table of ours
                if cursor.fetchone():
                    return False
    return True


def _others() -> int:
    """Connections of django-rest's own account that stay; the stream only reads, and may go on."""
    first = _connection_ids()
    if first:
        time.sleep(LOOKED_AGAIN_SECONDS)
    return len(first & _connection_ids()) if first else 0


def _connection_ids() -> set[int]:
    user = str(settings.DATABASES["default"]["USER"])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM information_schema.processlist"
            " WHERE db = DATABASE() AND user = %s AND id <> CONNECTION_ID()",
            [user],
        )
        return {number for (number,) in cursor.fetchall()}


def _drop_everything() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = DATABASE()")
        found = cursor.fetchall()
        cursor.execute("SET FOREIGN_KEY_CHECKS = 0")
        for name, kind in found:
            if name == MARK:
                continue
            cursor.execute(f"DROP {'VIEW' if kind == 'VIEW' else 'TABLE'} `{name}`")
        cursor.execute("SET FOREIGN_KEY_CHECKS = 1")


def _without_views(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Of migrations: a stream that found its views would show an empty clinic and end all its users' sessions."""
    found = STATEMENT.match(sql)
    return None if found is not None and found[2] == "VIEW" else execute(sql, params, many, context)


def _migrate_to(migrations: Sequence[tuple[str, str]]) -> None:
    executor = MigrationExecutor(connection)
    known = executor.loader.disk_migrations
    executor.migrate([key for key in migrations if key in known])


def _empty_tables() -> None:
    """Without triggers, and without what the migrations themselves have written."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE()")
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP TRIGGER `{name}`")
        cursor.execute("SET FOREIGN_KEY_CHECKS = 0")
        for table in set(connection.introspection.table_names(cursor)) - {MARK}:
            cursor.execute(f"DELETE FROM `{table}`")  # noqa: S608 - a table of ours
        cursor.execute("SET FOREIGN_KEY_CHECKS = 1")


def _load(lines: Iterable[bytes], tables: frozenset[str], *, on_bytes: Callable[[int], None]) -> None:
    connection.ensure_connection()
    driver = connection.connection
    there, generated = set(connection.introspection.table_names()), _generated_columns()
    with driver.cursor() as cursor:
        cursor.execute("SET SESSION foreign_key_checks = 0, unique_checks = 0, sql_mode = 'NO_AUTO_VALUE_ON_ZERO'")
        driver.autocommit(False)
        for number, (table, statement) in enumerate(insert_statements(lines), 1):
            if table in tables & there:
                statement = without_columns(statement, generated[table])
                # As bytes: the values are not the driver's to look into.
                driver.query(statement.rstrip(b";\r\n"))
                driver.store_result()
            on_bytes(len(statement))
            if number % COMMITTED_EVERY == 0:
                driver.commit()
        driver.commit()
    connection.close()  # The next one has the usual settings.


def _generated_columns() -> defaultdict[str, frozenset[str]]:
    found: defaultdict[str, frozenset[str]] = defaultdict(frozenset)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = DATABASE() AND extra LIKE '%% GENERATED'",
            [],
        )
        for table, column in cursor.fetchall():
            found[table] |= {column}
    return found


def _restore_media(archive: Archive) -> int:
    """Files that are there and not in the archive stay."""
    root = Path(settings.MEDIA_ROOT)
    for name in archive.media():
        path = root / name.removeprefix(MEDIA)
        path.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(name) as file:
            path.write_bytes(file.read())
    return len(archive.media())


def _make_stream_user() -> list[str]:
    try:
        create_stream_user()
    except NotPrivileged as refusal:
        return refusal.statements or [refusal.reason]
    return []
