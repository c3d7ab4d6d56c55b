"""The database goes away, the stream service dies: no change is missed. Real servers, really stopped."""

import time

import pytest

from testkit.live.people import SignedIn, free_start, row_of, zone_of
from testkit.live.stack import LiveStack

# Reading on in real time: these stories take as long as the outages they tell of.
OUTAGE_SECONDS = 10
TIMEOUT_SECONDS = 30


def test_the_database_is_away_for_ten_seconds_and_no_stream_is_lost(stack: LiveStack) -> None:
    with SignedIn(stack, "owner") as owner, owner.watch() as board, owner.watch(mode="snapshot") as wall:
        for watcher in (board, wall):
            watcher.next()
        start = free_start(zone_of(owner))
        stack.stop_database()
        assert board.next(TIMEOUT_SECONDS).event == "stale"
        time.sleep(OUTAGE_SECONDS)
        assert owner.http.get("/readyz").status_code == 503
        stack.start_database()
        booked = owner.book(start)
        for watcher in (board, wall):
            watcher.until(lambda shown: booked["id"] in shown, TIMEOUT_SECONDS)
            assert watcher.shown[booked["id"]] == row_of(booked)
            assert "fresh" in watcher.seen


@pytest.mark.parametrize("mode", ["delta", "snapshot"])
def test_the_stream_service_is_killed_and_dashboards_resume_by_id(stack: LiveStack, mode: str) -> None:
    with SignedIn(stack, "owner") as owner:
        zone = zone_of(owner)
        with owner.watch(mode=mode) as board:
            board.next()
            before = owner.book(free_start(zone))
            board.until(lambda shown: before["id"] in shown)
            stack.kill_stream()
            board.reader.wait_for_end(10)
        missed = owner.book(free_start(zone))
        owner.act(before["id"], "cancel")
        stack.start_stream()
        with owner.watch(mode=mode, last_id=board.last_id) as again:
            again.shown = board.shown
            again.until(lambda shown: missed["id"] in shown and shown[before["id"]]["status"] == "cancelled")
            assert again.shown == owner.what_rest_shows(zone)
            assert mode == "snapshot" or again.seen == ["change"]


def test_reader_who_missed_nothing_gets_nothing_again(stack: LiveStack) -> None:
    with SignedIn(stack, "owner") as owner:
        with owner.watch() as board:
            board.next()
        stack.kill_stream()
        stack.start_stream()
        with owner.watch(last_id=board.last_id) as again:
            assert again.reader.stays_silent(1.5)


def test_a_stream_that_is_asked_to_stop_ends_every_stream_completely(stack: LiveStack) -> None:
    with SignedIn(stack, "owner") as owner, owner.watch() as board:
        board.next()
        stack.stop_stream()
        blocks = board.reader.wait_for_end(10)
        stack.start_stream()
        assert blocks[-1].event == "drain"
        assert board.reader.is_complete


def test_an_id_that_nobody_gave_gets_a_snapshot(stack: LiveStack) -> None:
    with SignedIn(stack, "owner") as owner:
        for strange in ("nonsense", "0000000000000000.1.5", "x.y.z", "9" * 60):
            with owner.watch(last_id=strange) as board:
                assert board.next().event == "snapshot"
