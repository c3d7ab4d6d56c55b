from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError

from clinic.common.mysql.base import time_limits_lifted
from clinic.ops.backup.archive import BackupError, as_called, open_archive
from clinic.ops.backup.progress import progress_of
from clinic.ops.backup.restoring import Restored, check_may_restore, restore


class Command(BaseCommand):
    help = "Make the database from an archive of `backup`. Stop django-rest and the worker first."
    # The database may be empty, or one that the checks refuse.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="an archive of `backup`")
        parser.add_argument("--replace", action="store_true", help="delete all that the database has")
        parser.add_argument("--throw-away", action="store_true", help="rows alone, to check the archive")

    @time_limits_lifted()
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with open_archive(as_called(options["file"])) as archive:
                check_may_restore(archive.manifest, replace=options["replace"])
                with progress_of("Rows", self.stdout) as on_bytes:
                    restored = restore(
                        archive, is_throw_away=options["throw_away"], say=self.stdout.write, on_bytes=on_bytes
                    )
        except BackupError as problem:
            raise CommandError(str(problem)) from None
        except (DatabaseError, InterfaceError) as problem:
            raise CommandError(f"The database refused: {problem}. If it is incomplete now, use --replace.") from problem
        self._report(restored)
        if restored.problems:
            raise CommandError(f"Restored, but not as it should be: {'; '.join(restored.problems)}.")

    def _report(self, restored: Restored) -> None:
        self.stdout.write(self.style.SUCCESS(f"Restored, with {restored.photos} photos and a new epoch."))
        if restored.statements:
            self.stderr.write("The stream's database user could not be made. As an administrator, run:")
            self.stderr.write("\n".join(f"  {statement};" for statement in restored.statements))
        if restored.held:
            self.stdout.write(
                f"{restored.held} messages were due and are held. `manage.py release_messages` lists and releases them."
            )
