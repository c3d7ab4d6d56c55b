import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.markup import escape

from clinic.ops.stack_status import Addresses, Finding, stack_status
from clinic.scheduling.models import Clinic

NAME_WIDTH = 12
MAX_LINES = 10


class Command(BaseCommand):
    help = "Show whether a running stack is well: services, database, worker, queues, and the rows that each shows."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        shared = settings.SHARED
        parser.add_argument("--api", default=f"http://127.0.0.1:{shared.django_port}", help="django-rest's address")
        parser.add_argument("--stream", default=f"http://127.0.0.1:{shared.fastapi_port}", help="the stream's address")
        parser.add_argument("--clinic", action="append", help="the slug of a clinic to compare; may be repeated")

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(file=self.stdout, highlight=False, soft_wrap=True)  # type: ignore[arg-type]
        addresses = Addresses(options["api"].rstrip("/"), options["stream"].rstrip("/"))
        problems = 0
        for finding in stack_status(addresses, clinics=_clinics(options["clinic"])):
            _show(console, finding)
            problems += len(finding.problems)
        if problems:
            console.print(f"\n[red]✗[/red] {problems} problem{'s' if problems > 1 else ''}.")
            sys.exit(1)
        console.print("\n[green]✓[/green] All is well.")


def _clinics(slugs: list[str] | None) -> list[Clinic] | None:
    if not slugs:
        return None
    clinics = list(Clinic.objects.filter(slug__in=slugs))
    if missing := sorted(set(slugs) - {clinic.slug for clinic in clinics}):
        raise CommandError(f"No clinic has the slug {', '.join(missing)}.")
    return clinics


def _show(console: Console, finding: Finding) -> None:
    mark = "[red]✗[/red]" if finding.problems else "[yellow]![/yellow]" if finding.notes else "[green]✓[/green]"
    console.print(f"{mark} [bold]{finding.name:<{NAME_WIDTH}}[/bold] {escape(finding.summary)}")
    lines = [("red", text) for text in finding.problems] + [("yellow", text) for text in finding.notes]
    for colour, text in lines[:MAX_LINES]:
        console.print(f"  {'':<{NAME_WIDTH}} [{colour}]{escape(text)}[/{colour}]")
    if len(lines) > MAX_LINES:
        console.print(f"  {'':<{NAME_WIDTH}} … and {len(lines) - MAX_LINES} more.")
