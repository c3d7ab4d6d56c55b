"""Making an archive while everything runs."""

import gzip
import json
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db import connection
from pydantic import SecretStr

from clinic.common import clock
from clinic.ops.backup.archive import (
    ROWS,
    SETTINGS,
    Manifest,
    check_may_write,
    copy_media,
    describe_files,
    write_archive,
)
from clinic.ops.backup.rows import copy_rows, dump_rows

# Most of the time goes into compression; more of it saves little.
COMPRESSION = 3
# Names of settings that tell too much although they are no secrets by type.
PRIVATE = ("password", "secret", "private", "token", "sid")


def make_backup(
    target: Path, *, rows: Path | None = None, overwrite: bool = False, on_bytes: Callable[[int], None]
) -> Manifest:
    """`rows`: the file of a dump program that ran elsewhere. Raises BackupError; then nothing was written, and a file
    that was there before still is."""
    check_may_write(target, overwrite=overwrite)
    target.parent.mkdir(parents=True, exist_ok=True)
    media = Path(settings.MEDIA_ROOT)
    source: AbstractContextManager[IO[bytes]] = dump_rows() if rows is None else rows.open("rb")
    with tempfile.TemporaryDirectory(prefix=".chairside-backup-", dir=target.parent) as name:
        folder = Path(name)
        copy_media(media, folder)
        created_at = clock.now()
        with source as lines, gzip.open(folder / ROWS, "wb", compresslevel=COMPRESSION) as packed:
            contents = copy_rows(lines, packed, on_bytes=on_bytes)
        copy_media(media, folder)
        (folder / SETTINGS).write_text(json.dumps(_open_settings(), indent=1))
        manifest = Manifest(
            version=settings.VERSION,
            created_at=created_at.isoformat(),
            server=_server(),
            migrations=contents.migrations,
            tables=dict(sorted(contents.tables.items())),
            heads=contents.heads,
            files=describe_files(folder),
        )
        write_archive(target, folder, manifest, overwrite=overwrite)
    return manifest


def _open_settings() -> dict[str, Any]:
    """To look up, not to restore: secrets are kept elsewhere."""
    shared = settings.SHARED
    shown = {
        name
        for name in type(shared).model_fields
        if not isinstance(getattr(shared, name), SecretStr) and not any(word in name for word in PRIVATE)
    }
    return {name.upper(): value for name, value in shared.model_dump(mode="json", include=shown).items()}


def _server() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT VERSION()")
        return str(cursor.fetchone()[0])
