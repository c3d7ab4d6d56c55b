"""A leading tab that stands still: the others notice, take over, and it steps down when it goes on."""

import pytest

from testkit.stream.blocking import BLOCKED
from testkit.stream.clinic import TestClinic
from testkit.stream.front_end import FrontEnd, Open

# The service's are twice as frequent, so that a busy machine makes none late.
HEARTBEAT_SECONDS = 1


def start(open_page: Open, at: str) -> FrontEnd:
    tab = open_page(at=at)
    tab.start(heartbeatSeconds=HEARTBEAT_SECONDS)
    tab.wait_for_state("live")
    return tab


@pytest.mark.parametrize("how", BLOCKED)
def test_follower_of_a_blocked_leader_reports_stale_and_takes_over(
    open_page: Open, clinic: TestClinic, origin: str, how: str
) -> None:
    leader, follower = start(open_page, origin), start(open_page, origin)
    with BLOCKED[how](leader.page):
        follower.wait_until_told("stale: silent")
        follower.wait_for_state("live")
        booked = clinic.book()
        follower.wait_for_ids(booked)
    leader.wait_for_ids(booked)
    leader.wait_for_state("live")
    leader.wait_for_connections(1)
    assert [tab.page.evaluate("live.isLeading") for tab in (leader, follower)] == [False, True]
    # Told that it may be old before anything else.
    assert leader.told["states"][1:3] == ["live", leader.told["states"][2]]
    assert leader.told["states"][2].startswith("stale: ")
