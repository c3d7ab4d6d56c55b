from typing import Any

from django.core.management.base import BaseCommand

from clinic.changefeed.services import renew_epoch


class Command(BaseCommand):
    help = "After a restore of the database: make every dashboard start from a fresh snapshot."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(self.style.SUCCESS(f"The epoch is now {renew_epoch()}."))
