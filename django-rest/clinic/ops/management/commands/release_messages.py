import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from rich.console import Console
from rich.table import Table

from clinic.common import clock
from clinic.outbox.holding import drop_held, held_messages, release_held

MAX_LISTED = 200


class Command(BaseCommand):
    help = "List the messages that a restore holds, then send them, or discard them with --drop."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--drop", action="store_true", help="discard them instead")
        parser.add_argument("--list", action="store_true", help="only list them")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        count = held_messages().count()
        if not count:
            self.stdout.write("No message is held.")
            return
        self._list(count)
        if options["list"] or not (options["yes"] or self._agrees(drop=options["drop"])):
            return
        if options["drop"]:
            self.stdout.write(self.style.SUCCESS(f"{drop_held()} messages discarded."))
        else:
            self.stdout.write(self.style.SUCCESS(f"{release_held(now=clock.now())} messages released."))

    def _list(self, count: int) -> None:
        table = Table("Due", "Until", "Clinic", "Channel", "Message", "To", title=f"{count} held messages")
        for message in held_messages().select_related("clinic")[:MAX_LISTED]:
            until = f"{message.expires_at:%Y-%m-%d %H:%M}" if message.expires_at else "–"
            clinic = message.clinic.name if message.clinic is not None else "–"
            row = (f"{message.send_at:%Y-%m-%d %H:%M}", until, clinic, message.channel, message.template)
            table.add_row(*row, message.recipient)
        Console(file=self.stdout).print(table)  # type: ignore[arg-type]
        if count > MAX_LISTED:
            self.stdout.write(f"… and {count - MAX_LISTED} more.")

    def _agrees(self, *, drop: bool) -> bool:
        if not sys.stdin.isatty():
            self.stdout.write("Nothing is done without --yes.")
            return False
        return input("Discard them all? [y/N] " if drop else "Send them all? [y/N] ").strip().lower() == "y"
