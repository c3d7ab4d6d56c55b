"""Failover with real replication: two servers, and a primary that dies with commits its replica never got.

Both services reach the database through one address. The replica is promoted, the address leads to it, and every reader
has to show what REST shows: connected ones, those that come back with a lost id, and `chairside-live.js` in a browser.
"""

import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, sync_playwright
from rich.console import Console

from testkit.headless import chromium_program
from testkit.live.people import Watcher
from testkit.live.stack import OwnStack
from testkit.stream.clinic import TestClinic
from testkit.stream.database import Database, Server
from testkit.stream.front_end import evaluate_within
from testkit.stream.gate import Gate
from tools import run_stack
from tools.private_server import HOST, PrivateServer, environment_of, throw_away_server
from tools.processes import free_port

MODES = ["snapshot", "delta"]
# Time that readers may take after the promoted server answers.
RIGHT_WITHIN_SECONDS = 5.0
REPLICATED_WITHIN_SECONDS = 30.0
# How many changes the promoted server has taken before the services reach it: their numbers are the lost ones', too.
CASES = [2] if os.environ.get("BRIEF") else [0, 1, 2, 5]
LOST_COMMITS = 2
CONSOLE = Console(width=120)
logging.getLogger("httpx").setLevel(logging.WARNING)  # One line for each request.

START = """async (token) => {
  const { LiveAppointments } = await import("/chairside-live.js");
  window.states = [];
  window.live = new LiveAppointments({
    url: location.origin + "/api/v1/sse/appointments",
    token: async () => token,
    onstate: (state) => window.states.push(state),
  });
  await window.live.start();
}"""


class Pair:
    """A primary, its replica, and the services that reach one of them through the gate. One clinic, and its owner."""

    def __init__(self, primary: PrivateServer, replica: PrivateServer, gate: Gate, stack: OwnStack) -> None:
        self.primary, self.replica, self.gate, self.stack = primary, replica, gate, stack
        self.clinic = TestClinic(self._database_on(primary))
        key = stack.environment["JWT_PRIVATE_KEY"].replace("\\n", "\n")
        self.token = self.clinic.owner.token(key=key, algorithm=stack.environment["JWT_ALGORITHM"])
        self.http = httpx.Client(base_url=stack.api_url, timeout=10, headers={"Authorization": f"Bearer {self.token}"})

    def watch(self, mode: str = "delta", last_id: str | None = None) -> Watcher:
        return Watcher(self.stack, self.token, mode=mode, last_id=last_id)

    def what_rest_shows(self) -> dict[int, dict[str, Any]]:
        """Rows that a stream without filters should show, by id."""
        days = {"from": self.clinic.day(0).isoformat(), "to": self.clinic.day(7).isoformat()}
        response = self.http.get("/api/v1/appointments", params={"scope": "all", "page_size": 200, **days})
        assert response.status_code == 200, response.text
        return {row["id"]: row for row in response.json()["results"]}

    def _database_on(self, server: PrivateServer) -> Database:
        accounts = server.accounts
        user = (accounts.user, accounts.password)
        return Database.existing(Server(HOST, server.port, *user, None, None), accounts.database)

    def wait_until_replicated(self) -> None:
        wait_until(lambda: self.replica.has_caught_up_with(self.primary), REPLICATED_WITHIN_SECONDS)

    def note_on(self, server: PrivateServer, row_id: int, notes: str) -> None:
        """Raw SQL, as any writer."""
        database = self._database_on(server)
        database.execute("UPDATE appointment SET notes = %s WHERE id = %s", notes, row_id)
        database.close()

    def fail_over(self, changes: Callable[[], None]) -> float:
        """Kill the primary and promote the replica, which takes these changes before the services reach it. Returns
        when it answers them."""
        self.primary.kill()
        self.gate.close()
        self.replica.promote()
        changes()
        self.gate.lead_to(HOST, self.replica.port)
        self.gate.open()
        return time.monotonic()


@contextmanager
def running_pair(**stream_settings: str) -> Iterator[Pair]:
    folder = Path(tempfile.mkdtemp(prefix="chairside-failover-"))
    try:
        with (
            throw_away_server() as primary,
            throw_away_server(replica_of=primary) as replica,
            Gate(HOST, primary.port) as gate,
            run_stack.Stack(
                environment={
                    **os.environ,
                    **environment_of(primary),
                    "DB_PORT": str(gate.port),
                    **{name: value.format(replica_port=replica.port) for name, value in stream_settings.items()},
                },
                folder=folder,
                api_port=free_port(),
                stream_port=free_port(),
            ) as running,
        ):
            pair = Pair(primary, replica, gate, OwnStack(running, primary))
            yield pair
            pair.http.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def page_of(pair: Pair) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_program(), args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        page = browser.new_page()
        page.goto(f"{pair.stack.stream_url}/livez")
        evaluate_within(page, START, pair.token)
        yield page
        browser.close()


def wait_until(holds: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)


def wait_until_shows(watcher: Watcher, expected: dict[int, Any], deadline: float) -> None:
    while watcher.shown != expected:
        left = deadline - time.monotonic()
        assert left > 0, "a reader still shows the lost history"
        try:
            watcher.next(left)
        except TimeoutError:
            continue


def shown_by(page: Page) -> dict[int, dict[str, Any]]:
    return {row["id"]: row for row in page.evaluate("live.rows")}


@pytest.mark.parametrize("taken", CASES, ids=lambda taken: f"{taken} changes before anybody looks")
def test_every_reader_shows_what_rest_shows_after_a_failover_that_lost_commits(taken: int) -> None:
    with running_pair() as pair, ExitStack() as opened:
        lost_row, *others = (pair.clinic.book() for _ in range(3))
        pair.wait_until_replicated()
        page = opened.enter_context(page_of(pair))
        connected = [opened.enter_context(pair.watch(mode)) for mode in MODES]
        before = pair.what_rest_shows()
        assert set(before) == {lost_row, *others}
        for watcher in connected:
            wait_until_shows(watcher, before, time.monotonic() + RIGHT_WITHIN_SECONDS)

        pair.replica.run_as_admin("STOP SLAVE IO_THREAD")
        for number in range(LOST_COMMITS):
            pair.note_on(pair.primary, lost_row, f"lost {number}")
        for watcher in connected:
            watcher.until(lambda shown: shown[lost_row]["notes"] == f"lost {LOST_COMMITS - 1}")
        page.wait_for_function(f"live.rows.some(({{ notes }}) => notes === 'lost {LOST_COMMITS - 1}')")
        lost_ids = [watcher.last_id for watcher in connected]

        def change() -> None:
            for number in range(taken):
                pair.note_on(pair.replica, others[number % len(others)], f"after {number}")

        answers_at = pair.fail_over(change)
        deadline = answers_at + RIGHT_WITHIN_SECONDS
        wait_until(lambda: pair.http.get("/api/v1/clinic").status_code == 200, RIGHT_WITHIN_SECONDS)
        after = pair.what_rest_shows()
        assert after[lost_row]["notes"] == before[lost_row]["notes"]
        took = []
        for watcher in connected:
            wait_until_shows(watcher, after, deadline)
            took.append(time.monotonic() - answers_at)
            assert "stale" in watcher.seen
        wait_until(lambda: shown_by(page) == after, max(0.1, deadline - time.monotonic()))
        took.append(time.monotonic() - answers_at)
        assert "stale" in page.evaluate("states")
        for mode, lost_id in zip(MODES, lost_ids, strict=True):
            with pair.watch(mode, lost_id) as back:
                assert "appointments" in back.next().json
                assert back.shown == after
        seconds = ", ".join(f"{one:.2f} s" for one in took)
        CONSOLE.print(f"\n{taken} changes: {', '.join(MODES)} and the browser are right after {seconds}")


def test_readers_of_a_replica_that_stops_following_are_told_so() -> None:
    """The writing side lives: only the pulse tells that what the replica shows may be old."""
    with running_pair(SSE_DB_HOST=HOST, SSE_DB_PORT="{replica_port}") as pair:
        row_id = pair.clinic.book()
        pair.wait_until_replicated()
        with pair.watch() as watcher:
            watcher.until(lambda shown: row_id in shown)
            pair.replica.run_as_admin("STOP SLAVE IO_THREAD")
            stopped_at = time.monotonic()
            pair.note_on(pair.primary, row_id, "not there yet")
            while watcher.next(6).event != "stale":
                pass
            took = time.monotonic() - stopped_at
            CONSOLE.print(f"\nstale {took:.2f} s after the replica stopped")
            assert took < 4.5
            assert watcher.shown[row_id]["notes"] != "not there yet"
            pair.replica.run_as_admin("START SLAVE IO_THREAD")
            while watcher.seen[-1] != "fresh" and watcher.shown[row_id]["notes"] != "not there yet":
                watcher.next()
            watcher.settle()
            assert watcher.seen.count("fresh") == watcher.seen.count("stale")
            assert watcher.shown == pair.what_rest_shows()
