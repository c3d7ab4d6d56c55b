"""What readers notice when the service is started again, access is lost, a token expires, or one of them is stuck.

    python benchmarks/faults_stream.py [--only restart revoke expiry stuck clinics] [--clients 2000] [--cases 100]

Against the stream as `make run` starts it, with the limits it has by itself, and a database of its own. `faults.py` has
the faults, `pages.py` the readers. Ends with a table in Markdown, and with 1 when a goal is missed.
"""

import argparse
import asyncio
import logging
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("tools", "fastapi-sse", "shared-config", "django-rest", "benchmarks")
sys.path[:0] = [str(ROOT / folder) for folder in FOLDERS]

from costs import allow_open_files  # noqa: E402 - found by the line above
from faults import DRAIN_SECONDS, FAULTS, Finding, Stage  # noqa: E402
from private_server import environment_of, throw_away_server  # noqa: E402
from processes import ToolError  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: E402
from stream_testkit.database import Database, Server  # noqa: E402
from stream_testkit.service import StreamService  # noqa: E402


def run(chosen: argparse.Namespace, console: Console) -> list[Finding]:
    columns = (TextColumn("{task.description:<44}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with throw_away_server() as server, Progress(*columns, console=console) as progress:
        os.environ.update(environment_of(server))
        database = Database(Server.from_environment())
        os.environ.update(database.environment)
        _set_up_django()
        log = server.folder / "stream.log"
        with StreamService(database.environment, log, sse_drain_seconds=DRAIN_SECONDS) as service:
            stage = Stage(service, database, progress, chosen.clients, chosen.cases)
            found = asyncio.run(_faults(stage, chosen.only))
        if "Traceback" in (said := log.read_text()):
            console.print(said[said.index("Traceback") - 500 :][:3000], markup=False)
            found.append(Finding("log", "errors of the service", "some", "none", is_met=False))
        return found


async def _faults(stage: Stage, names: list[str]) -> list[Finding]:
    task = stage.progress.add_task("Faults", total=len(names))
    found = []
    for name in names:
        found += [finding async for finding in FAULTS[name](stage)]
        stage.progress.advance(task)
    return found


def _set_up_django() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django

    django.setup()
    logging.disable(logging.INFO)


def table(found: list[Finding]) -> str:
    lines = ["| fault | what | measured | goal | |", "|---|---|---|---|---|"]
    for one in found:
        verdict = ("met" if one.is_met else "**missed**") if one.goal else ""
        lines.append(f"| {one.fault} | {one.what} | {one.measured} | {one.goal} | {verdict} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description="Bring faults about, and measure what readers notice.")
    parser.add_argument("--only", nargs="+", choices=FAULTS, default=list(FAULTS))
    parser.add_argument(
        "--clients", type=int, default=2_000, help="readers of the restarts, and clinics that are opened at once"
    )
    parser.add_argument("--cases", type=int, default=100, help="streams that are revoked, and that expire")
    chosen = parser.parse_args()
    console = Console(width=140)
    allow_open_files()
    try:
        found = run(chosen, console)
    except ToolError as problem:
        console.print(str(problem), markup=False)
        return 1
    print(table(found))
    return 0 if all(one.is_met for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
