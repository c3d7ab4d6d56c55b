from typing import Any

from django.core.management.base import BaseCommand

from clinic.changefeed.repair import repair_feed
from clinic.common import clock
from clinic.common.mysql.base import time_limits_lifted


class Command(BaseCommand):
    help = (
        "After a restore that lost triggers or views: make them again and claim the time of every appointment anew. "
        "Stop the services first."
    )
    # It is there for databases that the checks refuse.
    requires_system_checks: list[str] = []

    @time_limits_lifted()
    def handle(self, *args: Any, **options: Any) -> None:
        repair = repair_feed(now=clock.now())
        self.stdout.write(self.style.SUCCESS(f"Made again: {', '.join(repair.made) or 'nothing, all was there'}."))
        if repair.overlapping_cells:
            self.stderr.write(
                self.style.WARNING(
                    f"Appointments overlap, in {repair.overlapping_cells} cells of five minutes: they were written "
                    "while no trigger refused it. Move or cancel one of each."
                )
            )
