import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from rich.console import Console
from rich.table import Table
from shared_config import system_zone

from clinic.clinic_setup.services.zone_changes import (
    ZoneChange,
    in_safe_order,
    record_offsets,
    refusal_of,
    unrecorded_count,
    zone_changes,
)
from clinic.common import clock
from clinic.common.instants import zone_of
from clinic.common.plain_names import shown_name

MAX_LISTED = 200


class Command(BaseCommand):
    help = (
        "List future visits whose local time changes with the locked time zone tables, then keep their local time: "
        "they move to another instant, and patients and clinic are notified."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--list", action="store_true", help="only list them")
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument(
            "--unrecorded",
            choices=["system", "locked"],
            help="the tables by which visits without a recorded offset were booked (before an upgrade)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now, booked_with_system = clock.now(), options["unrecorded"] == "system"
        console = Console(file=self.stdout, highlight=False)  # type: ignore[arg-type]
        unknown = unrecorded_count(now=now)
        changes = list(zone_changes(now=now, unrecorded=system_zone if booked_with_system else lambda _name: None))
        if unknown and options["unrecorded"] is None:
            console.print(
                f"{unknown} future visits have no recorded offset and are left out. --unrecorded says by which tables "
                "they were booked."
            )
        if changes:
            console.print(_table(changes))
        else:
            console.print("No future visit changes its local time.")
        has_work = changes or (unknown and options["unrecorded"])
        if options["list"] or not has_work or not (options["yes"] or self._agrees(len(changes))):
            return
        refused = [
            (change, reason) for change in in_safe_order(changes) if (reason := refusal_of(change, now=clock.now()))
        ]
        for change, reason in refused:
            console.print(f"[red]✗[/red] Appointment {change.appointment.pk} stays where it is: {reason}")
        if options["unrecorded"] is not None and not refused:
            record_offsets(now=clock.now())
        console.print(f"[green]✓[/green] {len(changes) - len(refused)} visits keep their local time.")
        if refused:
            sys.exit(1)

    def _agrees(self, count: int) -> bool:
        if not sys.stdin.isatty():
            self.stdout.write("Nothing is done without --yes.")
            return False
        return input(f"Keep the local time of {count} visits, and notify? [y/N] ").strip().lower() == "y"


def _table(changes: list[ZoneChange]) -> Table:
    table = Table(title=f"{len(changes)} visits")
    for heading in ("Visit", "Clinic", "Patient", "Practitioner", "Agreed", "Without a change"):
        table.add_column(heading, no_wrap=heading in {"Visit", "Agreed", "Without a change"})
    for change in changes[:MAX_LISTED]:
        visit = change.appointment
        by_new_rules = visit.starts_at.astimezone(zone_of(visit.clinic.timezone))
        table.add_row(
            str(visit.pk),
            visit.clinic.name,
            shown_name(visit.patient.name),
            visit.practitioner.name,
            f"{change.start_local:%Y-%m-%d %H:%M}",
            f"{by_new_rules:%Y-%m-%d %H:%M}",
        )
    if len(changes) > MAX_LISTED:
        table.caption = f"… and {len(changes) - MAX_LISTED} more."
    return table
