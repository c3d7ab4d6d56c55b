"""The rows as SQL: read from the server's dump program or its file, and written back statement by statement.

Of a dump nothing but its INSERT statements counts. So it makes no difference which program wrote it, as which account,
and what it says about locks, variables, definers or GTIDs.
"""

import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from django.conf import settings

from clinic.ops.backup.archive import BackupError

INSERT = re.compile(rb"INSERT INTO `(\w+)` ")
QUOTED = re.compile(rb"'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'", re.DOTALL)
VALUE = re.compile(rb"(?:_\w+ )?'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'|[^,()\s;']+", re.DOTALL)
COLUMN = re.compile(rb"`(\w+)`")
HEAD = re.compile(rb"\((\d+),\s*(\d+)[,)]")
MIGRATION = re.compile(rb"\(\d+,\s*'([^']*)',\s*'([^']*)',")
OPTIONS = (
    "--single-transaction",
    "--quick",
    "--no-create-info",
    "--skip-triggers",
    "--complete-insert",
    "--hex-blob",
    "--no-tablespaces",
    "--default-character-set=utf8mb4",
)


@dataclass
class Contents:
    """Numbers collected while rows pass: like the rows, all of one instant."""

    tables: Counter[str] = field(default_factory=Counter)
    heads: dict[str, int] = field(default_factory=dict)
    migrations: list[tuple[str, str]] = field(default_factory=list)

    def note(self, table: str, statement: bytes) -> None:
        values = QUOTED.sub(b"''", statement.partition(b" VALUES")[2])
        self.tables[table] += values.count(b"(")
        if table == "stream_head":
            self.heads |= {clinic.decode(): int(seq) for clinic, seq in HEAD.findall(statement)}
        elif table == "django_migrations":
            self.migrations += [(app.decode(), name.decode()) for app, name in MIGRATION.findall(statement)]


def insert_statements(lines: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """Table and statement. Line breaks within values are escaped, so a statement ends where a line ends with `;`."""
    table = ""
    parts: list[bytes] = []
    for line in lines:
        if not parts:
            found = INSERT.match(line)
            if found is None:
                continue
            table = found[1].decode()
        parts.append(line)
        if line.rstrip(b"\r\n").endswith(b";"):
            yield table, b"".join(parts)
            parts = []
    if parts:
        raise BackupError("The dump ends in the middle of a statement.")


def without_columns(statement: bytes, dropped: frozenset[str]) -> bytes:
    """MariaDB's program writes generated columns as well, and MySQL takes no value for them."""
    start, _, values = statement.partition(b" VALUES")
    table, *columns = COLUMN.findall(start)
    kept = [place for place, column in enumerate(columns) if column.decode() not in dropped]
    if len(kept) == len(columns):
        return statement
    found = VALUE.findall(values)
    if len(found) % len(columns):
        raise BackupError(f"A statement for {table.decode()} cannot be read.")
    rows = (found[first : first + len(columns)] for first in range(0, len(found), len(columns)))
    names = b", ".join(b"`%s`" % columns[place] for place in kept)
    written = b",".join(b"(%s)" % b",".join(row[place] for place in kept) for row in rows)
    return b"INSERT INTO `%s` (%s) VALUES %s;\n" % (table, names, written)


class Target(Protocol):
    def write(self, content: bytes, /) -> object: ...


def copy_rows(source: Iterable[bytes], target: Target, *, on_bytes: Callable[[int], None]) -> Contents:
    contents = Contents()
    for table, statement in insert_statements(source):
        contents.note(table, statement)
        target.write(statement)
        on_bytes(len(statement))
    if not contents.migrations:
        raise BackupError("The dump has no migrations: it is not a database of Chairside.")
    return contents


@contextmanager
def dump_rows() -> Iterator[IO[bytes]]:
    """The output of the server's dump program, as of one instant. Raises BackupError at its end if it failed."""
    program = dump_program()
    with tempfile.TemporaryDirectory(prefix="chairside-backup-") as folder:
        account = Path(folder) / "account.cnf"
        account.touch(mode=0o600)
        account.write_text(_option_file(is_mariadb=_is_mariadb(program)))
        errors = (Path(folder) / "errors").open("w+b")
        more = [] if _is_mariadb(program) else ["--set-gtid-purged=OFF"]
        command: list[str] = [
            program,
            f"--defaults-file={account}",
            *OPTIONS,
            *more,
            str(settings.DATABASES["default"]["NAME"]),
        ]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)  # noqa: S603 - our own arguments
        if process.stdout is None:
            raise BackupError(f"{Path(program).name} has no output.")
        try:
            yield process.stdout
            if process.wait():
                errors.seek(0)
                raise BackupError(f"{Path(program).name} failed: {errors.read().decode(errors='replace').strip()}")
        finally:
            process.stdout.close()
            if process.poll() is None:
                process.kill()
                process.wait()
            errors.close()


def dump_program() -> str:
    found = shutil.which("mariadb-dump") or shutil.which("mysqldump")
    if found is None:
        raise BackupError("Neither mariadb-dump nor mysqldump is installed (Debian: apt-get install mariadb-client).")
    return found


def _is_mariadb(program: str) -> bool:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    return "MariaDB" in said.stdout


def _option_file(*, is_mariadb: bool) -> str:
    """So that no password stands on a command line."""
    shared = settings.SHARED
    lines = [
        "[client]",
        f"host={_quoted(shared.db_host)}",
        f"port={shared.db_port}",
        "protocol=TCP",
        f"user={_quoted(shared.db_user)}",
        f"password={_quoted(shared.db_password.get_secret_value())}",
        *(_mariadb_tls() if is_mariadb else [f"ssl-mode={shared.db_tls_mode.upper()}"]),
    ]
    if shared.db_ssl_ca:
        lines.append(f"ssl-ca={_quoted(str(shared.db_ssl_ca))}")
    return "\n".join(lines) + "\n"


def _mariadb_tls() -> list[str]:
    mode = settings.SHARED.db_tls_mode
    if mode == "disabled":
        return ["skip-ssl"]
    return ["ssl", "ssl-verify-server-cert" if mode == "verify_identity" else "skip-ssl-verify-server-cert"]


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
