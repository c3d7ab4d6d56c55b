import signal
import time
from contextlib import ExitStack

import pytest

from testkit.stream.clinic import TestClinic
from testkit.stream.service import StartService
from testkit.stream.stuck import NOTES_LENGTH, PAUSE_SECONDS, ROUNDS, fill_up, open_stuck


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_streams_end_complete_within_five_seconds(
    start_service: StartService, clinic: TestClinic, number: signal.Signals
) -> None:
    service = start_service()
    clinic.book()
    with ExitStack() as stack:
        streams = [stack.enter_context(service.stream(clinic.owner.token())) for _ in range(10)]
        for stream in streams:
            stream.next_event()
        asked_at = time.monotonic()
        service.signal(number)
        retries = set()
        for stream in streams:
            [closing_event] = stream.wait_for_end()
            assert closing_event.event == "drain"
            retries.add(int(closing_event.field("retry") or 0))
            assert stream.is_complete
        assert service.wait_for_exit() == 0
        assert time.monotonic() - asked_at < 5
    assert all(500 <= retry <= 3000 for retry in retries)
    assert len(retries) > 1, "readers come back one by one"
    assert "Traceback" not in service.log


def test_readiness_is_withdrawn_first_and_newcomers_are_sent_elsewhere(
    start_service: StartService, clinic: TestClinic
) -> None:
    service = start_service()
    with ExitStack() as stack:
        streams = [stack.enter_context(service.stream(clinic.owner.token())) for _ in range(30)]
        for stream in streams:
            stream.next_event()
        service.signal(signal.SIGTERM)
        service.wait_until("/readyz", 503)
        assert service.get("/livez").status_code == 200
        newcomer = stack.enter_context(service.stream(clinic.owner.token()))
        assert newcomer.status == 200
        assert [block.event for block in newcomer.wait_for_end()] == ["drain"]
        assert service.wait_for_exit() == 0


def test_reader_that_takes_nothing_cannot_hold_up_the_end(start_service: StartService, clinic: TestClinic) -> None:
    service = start_service()
    stuck = open_stuck(service.port, clinic.owner.token())
    try:
        fill_up(clinic)
        asked_at = time.monotonic()
        service.signal(signal.SIGTERM)
        service.wait_for_exit()
        assert time.monotonic() - asked_at < 5.5
    finally:
        stuck.close()


def test_reader_that_takes_nothing_is_cut_off(start_service: StartService, clinic: TestClinic) -> None:
    service = start_service()
    stuck = open_stuck(service.port, clinic.owner.token())
    try:
        with service.stream(clinic.owner.token(), "mode=delta") as healthy:
            healthy.next_event()
            fill_up(clinic)
            deadline = time.monotonic() + 12
            while service.get("/api/v1/health").json()["connections"] > 1:
                assert time.monotonic() < deadline, "the stuck reader is still there"
                time.sleep(0.1)
            assert healthy.next_named("change").is_event
            booked = clinic.book(day=2)
            while booked not in [row["id"] for row in healthy.next_named("change").json["upserts"]]:
                pass
    finally:
        stuck.close()


def test_reader_that_stops_is_noticed_before_a_megabyte(start_service: StartService, clinic: TestClinic) -> None:
    """Left to itself the kernel would take several for it, and nobody would know that it reads no more."""
    service = start_service()
    stopped = open_stuck(service.port, clinic.staff.token(), mode="delta")  # Snapshots have pauses.
    try:
        booked = clinic.book(notes="x" * NOTES_LENGTH)
        for number in range(ROUNDS):
            clinic.update(booked, cancel_reason=str(number))
            time.sleep(PAUSE_SECONDS)
        [listed] = service.get("/api/v1/sse/connections", token=clinic.owner.token()).json()["results"]
        assert listed["lag_seconds"] > 0
    finally:
        stopped.close()
