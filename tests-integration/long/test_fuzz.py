"""People work in three clinics while everything around them breaks, one thing after another.

Nothing that was acknowledged is lost, nothing is booked twice, and no board says "live" while it does not show what it
should. SECONDS and SEED choose another run, ONLY_OUTAGES (by commas) other outages.
"""

import logging
import os
import random
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from .fuzz_outages import OUTAGES
from .fuzz_people import DELETED, Acknowledged, Board, Desk, Ledger, SqlDesk, sign_in
from .fuzz_world import World, running_world, starts_ahead

SECONDS = float(os.environ.get("SECONDS") or (110 if os.environ.get("BRIEF") else 600))
SEED = int(os.environ.get("SEED") or 1)
CALM_SECONDS = (1.0, 4.0)
SETTLE_SECONDS = 40.0
# 2.5 heartbeats of a second, a poll, and what two busy cores add.
MAX_LIE_SECONDS = 4.0


def test_no_write_is_lost_or_doubled_and_no_board_lies_while_everything_breaks() -> None:
    console = Console(width=140)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # One line for each request.
    with running_world() as world:
        ledger = Ledger()
        desks, boards = _people(world, ledger)
        outages = _break_things(world, console)
        for desk in desks:
            desk.end()
        for desk in desks:
            desk.join(60)
        problems = [*ledger.wrong, *_settle(world, boards)]
        for board in boards:
            board.end()
        lies = _lies(ledger, boards)
        problems += lies[1]
        problems += _lost(world, ledger)
        problems += _inconsistencies(world)
        _report(console, ledger, boards, outages, lies[0])
    for problem in problems[:40]:
        console.print(f"WRONG: {problem}", markup=False)
    assert not problems


def _people(world: World, ledger: Ledger) -> tuple[list[Desk | SqlDesk], list[Board]]:
    desks: list[Desk | SqlDesk] = []
    boards = []
    touched_by_sql: dict[int, int] = {}
    for clinic in world.clinics:
        starts = starts_ahead()
        for practitioner in clinic.practitioners:
            desk = Desk(world, clinic, ledger, starts, practitioner, SEED * 100 + practitioner)
            desks.append(desk)
        with httpx.Client(base_url=world.stack.api_url, timeout=20) as http:
            http.headers["Authorization"] = f"Bearer {sign_in(http, clinic)}"
            body = {
                "patient": clinic.patients[0],
                "practitioner": clinic.practitioners[0],
                "start": next(starts).isoformat(),
            }
            answer = http.post("/api/v1/appointments", json=body)
            assert answer.status_code == 201, answer.text
            touched_by_sql[clinic.id] = answer.json()["id"]
        boards += [Board(world, clinic, desk.token, mode) for mode in ("delta", "delta", "snapshot")]
    desks.append(SqlDesk(world, ledger, touched_by_sql, SEED))
    for person in [*desks, *boards]:
        person.start()
    return desks, boards


def _break_things(world: World, console: Console) -> dict[str, int]:
    """One outage after another, each at least once where the time allows."""
    chance = random.Random(SEED)
    names = list(filter(None, os.environ.get("ONLY_OUTAGES", "").split(","))) or list(OUTAGES)
    counts: dict[str, int] = {}
    deck: list[str] = []
    began_at = time.monotonic()
    columns = (TextColumn("{task.description:<34}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("calm", total=SECONDS)
        while (passed := time.monotonic() - began_at) < SECONDS:
            if not deck:
                deck = chance.sample(names, len(names))
            name = deck.pop()
            counts[name] = counts.get(name, 0) + 1
            progress.update(task, completed=passed, description=name)
            OUTAGES[name](world, chance)
            progress.update(task, completed=time.monotonic() - began_at, description="calm")
            time.sleep(chance.uniform(*CALM_SECONDS))
    world.stack.wait_until_ready()
    return counts


def _settle(world: World, boards: list[Board]) -> list[str]:
    """Wait until every board shows what REST does. Returns what is still wrong at the end."""
    expected = {clinic.id: _shown_by_rest(world, clinic.email) for clinic in world.clinics}
    deadline = time.monotonic() + SETTLE_SECONDS

    def is_right(board: Board) -> bool:
        return bool(board.is_live and board.shown == expected[board.clinic.id])

    while not all(map(is_right, boards)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return [
        f"a board of clinic {board.clinic.id} ({board.mode}) is {'live' if board.is_live else 'not live'} "
        f"and differs in {_difference(board.shown, expected[board.clinic.id])}, at {board.last_id}"
        for board in boards
        if not is_right(board)
    ]


def _difference(shown: dict[int, dict[str, object]], expected: dict[int, dict[str, object]]) -> list[str]:
    ids = sorted(shown.keys() | expected.keys())
    return [
        f"{row_id}: {shown.get(row_id, {}).get('version')} for {expected.get(row_id, {}).get('version')}"
        for row_id in ids
        if shown.get(row_id) != expected.get(row_id)
    ][:5]


def _shown_by_rest(world: World, email: str) -> dict[int, dict[str, object]]:
    [clinic] = [clinic for clinic in world.clinics if clinic.email == email]
    with httpx.Client(base_url=world.stack.api_url, timeout=30) as http:
        http.headers["Authorization"] = f"Bearer {sign_in(http, clinic)}"
        found: dict[int, dict[str, object]] = {}
        url: str | None = "/api/v1/appointments?scope=all&page_size=200"
        while url:
            page = http.get(url).raise_for_status().json()
            found |= {row["id"]: row for row in page["results"]}
            url = page["next"]
        return found


def _lies(ledger: Ledger, boards: list[Board]) -> tuple[float, list[str]]:
    """The longest time for which a board said "live" while it lacked an acknowledged write, and each one too long."""
    now = time.monotonic()
    longest, problems = 0.0, []
    for board in boards:
        for write in ledger.writes:
            if write.clinic_id != board.clinic.id:
                continue
            lie = board.longest_lie(write, now)
            longest = max(longest, lie)
            if lie > MAX_LIE_SECONDS:
                problems.append(_describe(lie, write, board))
    return longest, problems


def _describe(lie: float, write: Acknowledged, board: Board) -> str:
    return (
        f"a board of clinic {board.clinic.id} ({board.mode}) said live for {lie:.1f} s without version {write.version} "
        f"of appointment {write.appointment_id}"
    )


def _lost(world: World, ledger: Ledger) -> list[str]:
    problems = []
    rows = {row[0]: row[1:] for row in world.rows("SELECT id, version, status FROM appointment")}
    for appointment_id, (version, status) in ledger.latest.items():
        found = rows.get(appointment_id, (DELETED, "gone"))
        if found[0] < version or found[1] == "gone" or (found[0] == version and found[1] != status):
            problems.append(f"appointment {appointment_id}: {version} {status} was acknowledged, {found} is there")
    doubled = world.rows(
        "SELECT SUBSTRING_INDEX(notes, ' ', 1) AS word, COUNT(*) FROM appointment WHERE notes LIKE '%%-%%-%%' "
        "GROUP BY word HAVING COUNT(*) > 1"
    )
    return problems + [f"booked {count} times under the key {key}" for key, count in doubled]


CHECKS: dict[str, str] = {
    "two active visits of a practitioner overlap": """
        SELECT a.id, b.id FROM appointment a JOIN appointment b ON a.practitioner_id = b.practitioner_id AND a.id < b.id
        WHERE a.status IN ('pending', 'confirmed', 'checked_in') AND b.status IN ('pending', 'confirmed', 'checked_in')
        AND a.blocked_from < b.blocked_until AND b.blocked_from < a.blocked_until""",
    "the numbers of a clinic have a gap": """
        SELECT clinic_id, COUNT(*), MIN(seq), MAX(seq) FROM realtime_event
        GROUP BY clinic_id HAVING COUNT(*) <> MAX(seq) - MIN(seq) + 1""",
    "a head is not the newest event": """
        SELECT h.clinic_id, h.seq, MAX(e.seq) FROM stream_head h JOIN realtime_event e ON e.clinic_id = h.clinic_id
        GROUP BY h.clinic_id, h.seq HAVING h.seq <> MAX(e.seq)""",
    "a visit has another status than its history": """
        SELECT a.id, a.status, e.to_status FROM appointment a JOIN appointment_event e ON e.appointment_id = a.id
        WHERE e.id = (SELECT MAX(id) FROM appointment_event WHERE appointment_id = a.id AND to_status IS NOT NULL
                      AND to_status <> '') AND e.to_status <> a.status""",
}


def _inconsistencies(world: World) -> list[str]:
    return [f"{name}: {row}" for name, query in CHECKS.items() for row in world.rows(query)]


def _report(console: Console, ledger: Ledger, boards: list[Board], outages: dict[str, int], longest_lie: float) -> None:
    table = Table("what", "count", title=f"{SECONDS:.0f} s, seed {SEED}")
    lines: list[tuple[str, object]] = [
        *((f"outage: {name}", count) for name, count in sorted(outages.items())),
        ("acknowledged writes", len(ledger.writes)),
        *((f"answer: {answer}", count) for answer, count in sorted(ledger.answers.items())),
        ("slowest answer", f"{ledger.slowest_seconds:.1f} s"),
        ("times a board left live", sum(sum(board.causes.values()) for board in boards)),
        *((f"  by {cause}", count) for cause, count in _sum(boards, lambda board: board.causes).items()),
        *((f"stream answered {status}", count) for status, count in _sum(boards, lambda board: board.refused).items()),
        ("longest time live without an acknowledged write", f"{longest_lie:.2f} s"),
    ]
    for what, count in lines:
        table.add_row(what, str(count))
    console.print(table)


def _sum(boards: list[Board], counts: Callable[[Board], Mapping[Any, int]]) -> dict[Any, int]:
    total: dict[Any, int] = {}
    for board in boards:
        for name, count in counts(board).items():
            total[name] = total.get(name, 0) + count
    return dict(sorted(total.items(), key=str))


if __name__ == "__main__":
    raise SystemExit(pytest.main([__file__, "-s", "-p", "no:randomly"]))
