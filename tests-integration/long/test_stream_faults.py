"""Readers while the service restarts, access is lost, a token expires, a reader is stuck, or all clinics open at once.

The stream runs with the limits it has by default, on a database of its own. CLIENTS (readers of the restarts, and
clinics that open at once) and CASES (streams that are revoked, and that expire) choose another run.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.costs import allow_open_files
from testkit.stream.service import StreamService

from . import stream_faults
from .django_here import django_led_to
from .fault_stage import Finding, Stage
from .own_database import own_database

IS_BRIEF = bool(os.environ.get("BRIEF"))
CLIENTS = int(os.environ.get("CLIENTS") or (200 if IS_BRIEF else 2_000))
CASES = int(os.environ.get("CASES") or (20 if IS_BRIEF else 100))
CONSOLE = Console(width=140)

Fault = Callable[[Stage], AsyncIterator[Finding]]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stream") / "stream.log"


@pytest.fixture(scope="module")
def stage(django_db_blocker: DjangoDbBlocker, log: Path) -> Iterator[Stage]:
    logging.getLogger("httpx").setLevel(logging.WARNING)  # One line for each request.
    allow_open_files()
    columns = (TextColumn("{task.description:<44}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        own_database() as database,
        django_led_to({**os.environ, **database.environment}, django_db_blocker),
        StreamService(database.environment, log, sse_drain_seconds=stream_faults.DRAIN_SECONDS) as service,
        Progress(*columns, console=CONSOLE) as progress,
    ):
        yield Stage(service, database, progress, CLIENTS, CASES)


def test_readers_resume_after_service_restarts(stage: Stage, log: Path) -> None:
    bring_about(stream_faults.restart, stage, log)


def test_streams_of_people_who_lose_access_end_within_a_second(stage: Stage, log: Path) -> None:
    bring_about(stream_faults.revoke, stage, log)


def test_streams_end_when_their_token_expires_and_warn_before(stage: Stage, log: Path) -> None:
    bring_about(stream_faults.expiry, stage, log)


def test_stuck_reader_is_dropped_and_delays_no_other(stage: Stage, log: Path) -> None:
    bring_about(stream_faults.stuck, stage, log)


def test_no_stream_is_lost_when_all_clinics_open_at_once(stage: Stage, log: Path) -> None:
    bring_about(stream_faults.clinics, stage, log)


def bring_about(fault: Fault, stage: Stage, log: Path) -> None:
    """Print the findings as a table in Markdown, and fail where one misses its goal."""
    logged_before = len(log.read_text())
    found = asyncio.run(_findings(fault, stage))
    CONSOLE.print(_table(found), markup=False, highlight=False, soft_wrap=True)
    assert "Traceback" not in log.read_text()[logged_before:]
    assert not [finding for finding in found if not finding.is_met]


async def _findings(fault: Fault, stage: Stage) -> list[Finding]:
    return [finding async for finding in fault(stage)]


def _table(found: list[Finding]) -> str:
    lines = ["| fault | what | measured | goal | |", "|---|---|---|---|---|"]
    for one in found:
        verdict = ("met" if one.is_met else "**missed**") if one.goal else ""
        lines.append(f"| {one.fault} | {one.what} | {one.measured} | {one.goal} | {verdict} |")
    return "\n".join(lines)
