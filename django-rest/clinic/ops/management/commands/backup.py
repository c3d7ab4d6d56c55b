import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from clinic.common import clock
from clinic.common.mysql.base import time_limits_lifted
from clinic.ops.backup.archive import BackupError, as_called
from clinic.ops.backup.making import make_backup
from clinic.ops.backup.progress import progress_of
from clinic.ops.backup.verifying import verify_archive
from clinic.worker.job_runs import BACKUP, keep_run


class Command(BaseCommand):
    help = "Write rows, photos and settings without secrets into one archive, while everything runs."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the archive, for example backups/monday.tar")
        parser.add_argument("--overwrite", action="store_true", help="replace the file if there is one")
        parser.add_argument("--rows", type=Path, help="the output of a dump program that ran elsewhere")
        parser.add_argument("--verify", action="store_true", help="restore it into a throw-away database and check it")

    @time_limits_lifted()
    def handle(self, *args: Any, **options: Any) -> None:
        began, now = time.monotonic(), clock.now()
        try:
            rows = self._make(options)
        except CommandError as problem:
            keep_run(BACKUP, now=now, seconds=time.monotonic() - began, did=0, error=str(problem))
            raise
        keep_run(BACKUP, now=now, seconds=time.monotonic() - began, did=rows, error="")

    def _make(self, options: dict[str, Any]) -> int:
        """Returns the number of rows in it."""
        path = as_called(options["file"])
        rows_file = as_called(options["rows"]) if options["rows"] is not None else None
        try:
            with progress_of("Rows", self.stdout) as on_bytes:
                manifest = make_backup(path, rows=rows_file, overwrite=options["overwrite"], on_bytes=on_bytes)
            if options["verify"]:
                self.stdout.write("Restoring it into a throw-away database")
                verify_archive(path)
        except BackupError as problem:
            raise CommandError(str(problem)) from None
        except OSError as problem:
            raise CommandError(f"{problem.filename or path}: {problem.strerror or problem}.") from None
        rows, photos = sum(manifest.tables.values()), sum(name.startswith("media/") for name in manifest.files)
        verified = ", verified" if options["verify"] else ""
        self.stdout.write(self.style.SUCCESS(f"{path}: {rows} rows, {photos} photos{verified}."))
        return rows
