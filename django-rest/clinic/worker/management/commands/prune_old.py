from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from clinic.common import clock
from clinic.common.mysql.base import time_limits_lifted
from clinic.worker.retention import KINDS, expected, prune


class Command(BaseCommand):
    help = "Remove what is older than the settings KEEP_… say, as the worker does, but all at once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would go")

    @time_limits_lifted()
    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        for found in expected(now=now):
            if found.older_than is None:
                self.stdout.write(f"{found.kind.name}: kept for ever ({found.kind.setting.upper()}=0)")
                continue
            since = f"older than {found.older_than:%Y-%m-%d} ({found.kind.setting.upper()})"
            size = f"{found.words_bytes / 1e6:.1f} MB of words"
            self.stdout.write(f"{found.kind.name}: {found.rows} rows {since}, {size}")
        if options["dry_run"]:
            return
        for kind in KINDS:
            prune(kind, now=now)
        self.stdout.write(self.style.SUCCESS("They are gone."))
