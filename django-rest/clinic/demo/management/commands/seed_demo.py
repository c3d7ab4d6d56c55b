from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from shared_config import is_time_zone

from clinic.common import clock
from clinic.common.mysql.base import time_limits_lifted
from clinic.demo.plan import build_plan
from clinic.demo.seeding import demo_clinic, fill_demo, remove_demo, write_papers

FOLDER = settings.BASE_DIR.parent / "var" / "seed"


def _time_zone(name: str) -> ZoneInfo:
    if not is_time_zone(name):
        raise ArgumentTypeError("not an IANA time zone, such as Europe/Berlin")
    return ZoneInfo(name)


class Command(BaseCommand):
    help = "Fill a demo clinic: people, schedules, 600 appointments around today. A second time does nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--seed", type=int, default=1, help="another number, another clinic; the same one, the same"
        )
        parser.add_argument("--timezone", type=_time_zone, default=ZoneInfo("Europe/London"), help="the clinic's")
        parser.add_argument("--folder", type=Path, default=FOLDER, help="for credentials.json and report.json")
        parser.add_argument("--reset", action="store_true", help="remove the demo clinic and start again")

    @time_limits_lifted()
    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(file=self.stdout)  # type: ignore[arg-type]
        if options["reset"]:
            remove_demo()
        elif demo_clinic() is not None:
            console.print("The demo clinic is there already; --reset starts again.")
            return
        elif remove_demo():
            console.print("An earlier seeding was cut off: starting again.")
        plan = build_plan(seed=options["seed"], now=clock.now(), zone=options["timezone"])
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console) as progress:
            task = progress.add_task("Appointments", total=len(plan.appointments))
            demo = fill_demo(plan, timezone=options["timezone"].key, on_appointment=lambda: progress.advance(task))
        write_papers(demo, options["folder"])
        console.print(f"[green]✓[/green] {demo.clinic.name}: {len(plan.appointments)} appointments.")
