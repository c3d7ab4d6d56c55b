"""A backup of a clinic at work, verified, and restored into another stack whose boards are open."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from testkit.live.people import SignedIn, Watcher, free_day, free_start, sql, zone_of
from testkit.live.stack import OwnStack, live_stack
from testkit.stand_ins.twilio import TwilioStandIn
from tools import ROOT

WAIT_TIMEOUT_SECONDS = 90
DUE = """
INSERT INTO message
  (clinic_id, channel, template, recipient, subject, body, state, attempts, provider_id, error, secret,
   created_at, send_at, due_at)
VALUES
  (1, 'sms', 'reminder', '+13105550171', '', %s, 'queued', 0, '', '', 0,
   UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))
"""
# Beside those of the bookings under load, which fall due sooner or later.
HELD = "SELECT COUNT(*) FROM message WHERE state = 'held' AND body LIKE 'due before the backup %'"
UNCLAIMED = """
SELECT COUNT(*) FROM appointment a
WHERE a.status IN ('pending', 'confirmed', 'checked_in') AND a.blocked_from > UTC_TIMESTAMP(6)
  AND (SELECT COUNT(*) FROM claimed_cell c WHERE c.appointment_id = a.id) = 0
"""


@pytest.fixture
def twilio() -> Iterator[TwilioStandIn]:
    with TwilioStandIn() as stand_in:
        yield stand_in


def manage(stack: OwnStack, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "manage.py", *arguments]
    folder = ROOT / "django-rest"
    return subprocess.run(command, cwd=folder, env=stack.environment, capture_output=True, text=True, check=False)


def value(stack: OwnStack, query: str) -> Any:
    with sql(stack.db()) as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_TIMEOUT_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@contextmanager
def bookings(stack: OwnStack) -> Iterator[list[int]]:
    """The desk books and cancels without a pause."""
    ids: list[int] = []
    stop = threading.Event()

    def work() -> None:
        with SignedIn(stack, "owner") as desk:
            zone = zone_of(desk)
            day = datetime.combine(free_day(zone), datetime.min.time(), zone)
            starts = (day + timedelta(minutes=30 * number) for number in count())
            while not stop.is_set():
                booked = desk.book(next(starts))
                ids.append(booked["id"])
                desk.act(booked["id"], "cancel")

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield ids
    finally:
        stop.set()
        thread.join(30)


def test_restored_backup_is_complete_and_sends_nothing_by_itself(tmp_path: Path, twilio: TwilioStandIn) -> None:
    archive = tmp_path / "monday.tar"
    with live_stack(twilio.settings) as one:
        assert isinstance(one, OwnStack)
        one.running.worker.stop()
        with sql(one.db()) as cursor:
            cursor.executemany(DUE, [(f"due before the backup {number}",) for number in range(3)])
        with SignedIn(one, "owner") as desk, desk.watch() as board:
            board.next()
            zone = zone_of(desk)
            kept = desk.book(free_start(zone))
            with bookings(one) as booked:
                wait_until(lambda: len(booked) > 2)
                done = manage(one, "backup", str(archive), "--verify")
                assert done.returncode == 0, done.stderr
                assert "verified" in done.stdout
                during = len(booked)
                wait_until(lambda: len(booked) > during)
            lost = desk.book(free_start(zone))
            board.until(lambda shown: lost["id"] in shown)
            old_id, credentials, token = board.last_id, one.credentials, desk.token
        keys = {name: key for name, key in one.environment.items() if name.startswith("JWT_")}
    with live_stack({**twilio.settings, **keys}) as other:
        assert isinstance(other, OwnStack)
        refused = manage(other, "restore", str(archive))
        assert "The database is not empty" in refused.stderr
        refused = manage(other, "restore", str(archive), "--replace")
        assert "other connections use the database" in refused.stderr
        with SignedIn(other, "owner") as stranger, stranger.watch() as open_board:
            open_board.next()
            other.running.worker.stop()
            other.running.api.stop()
            restored = manage(other, "restore", str(archive), "--replace")
            assert restored.returncode == 0, restored.stderr
            assert "messages were due and are held" in restored.stdout
            assert value(other, HELD) == 3
            other.running.api.start()
            other.running.worker.start()
            other.wait_until_ready()
            other.credentials = credentials
            with SignedIn(other, "owner") as desk:
                truth = desk.what_rest_shows(zone)
                assert kept["id"] in truth
                assert lost["id"] not in truth
                catch_up(open_board, truth)
                for mode in ("delta", "snapshot"):
                    check_old_id(other, token, mode, old_id, truth)
                check_bookings_go_on(desk, kept)
            assert value(other, UNCLAIMED) == 0
            check_messages(other, twilio)


def check_old_id(stack: OwnStack, token: str, mode: str, old_id: str | None, truth: dict[int, Any]) -> None:
    """A board that was connected to the old stack comes back with its last id: it begins anew."""
    with Watcher(stack, token, mode=mode, last_id=old_id) as resumed:
        resumed.next()
        assert resumed.seen == ["snapshot" if mode == "delta" else "message"]
        assert resumed.shown == truth


def catch_up(board: Watcher, truth: dict[int, Any]) -> None:
    """A board that was open before the restore: its access may have ended, else it shows what is there now."""
    try:
        board.until(lambda shown: shown == truth, seconds=15)
    except (TimeoutError, EOFError):
        board.reader.wait_for_end(15)


def check_bookings_go_on(desk: SignedIn, kept: dict[str, Any]) -> None:
    """Times that are taken stay taken, and what is free can be had."""
    body = {**desk.any_booking(), "start": kept["start"], "outside_hours": True}
    assert desk.post("/api/v1/appointments", body).status_code == 409
    desk.book(free_start(zone_of(desk)))


def check_messages(stack: OwnStack, twilio: TwilioStandIn) -> None:
    """Messages that were due before the restore wait for the operator, however often the worker looks."""
    wait_until(
        lambda: value(stack, "SELECT COUNT(*) FROM job_run WHERE started_at > UTC_TIMESTAMP(6) - INTERVAL 60 SECOND")
    )
    assert sent_before_the_backup(twilio) == []
    manage(stack, "release_messages", "--list")
    assert value(stack, HELD) == 3
    assert "messages released." in manage(stack, "release_messages", "--yes").stdout
    expected = [f"due before the backup {number}" for number in range(3)]
    wait_until(lambda: sent_before_the_backup(twilio) == expected)
    time.sleep(1)
    assert sent_before_the_backup(twilio) == expected


def sent_before_the_backup(twilio: TwilioStandIn) -> list[str]:
    return sorted(sms.body for sms in twilio.sent if sms.body.startswith("due before the backup"))
