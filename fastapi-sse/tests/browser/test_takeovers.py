"""A leading tab that stands still: the others notice, take over, and it steps down when it goes on."""

import pytest

from testkit.stream.blocking import BLOCKED
from testkit.stream.clinic import TestClinic
from testkit.stream.front_end import FrontEnd, Open
from testkit.stream.service import StreamService

# The service's are twice as frequent, so that a busy machine makes none late.
HEARTBEAT_SECONDS = 1


@pytest.fixture(params=["web locks", "no web locks"])
def place(request: pytest.FixtureRequest, origin: str, lan_origin: str) -> str:
    return origin if request.param == "web locks" else lan_origin


# As a tab with an older or a broken script.
DEAF = """() => Object.defineProperty(BroadcastChannel.prototype, "onmessage", { set() {} })"""


def start(open_page: Open, at: str, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> FrontEnd:
    tab = open_page(at=at)
    tab.start(heartbeatSeconds=heartbeat_seconds)
    tab.wait_for_state("live")
    return tab


def leaders_of(*tabs: FrontEnd) -> int:
    return sum(tab.page.evaluate("live.isLeading") for tab in tabs)


def test_without_web_locks_a_follower_of_a_blocked_leader_takes_over(
    open_page: Open, clinic: TestClinic, lan_origin: str
) -> None:
    leader, follower = start(open_page, lan_origin), start(open_page, lan_origin)
    with BLOCKED["alert"](leader.page):
        follower.wait_until_told("stale: silent")
        booked = clinic.book()
        follower.wait_for_ids(booked)
        follower.wait_for_state("live")
    leader.wait_for_ids(booked)
    leader.wait_for_state("live")
    leader.wait_for_connections(1)
    assert leaders_of(leader, follower) == 1


@pytest.mark.parametrize("how", ["alert", "debugger"])
def test_newcomer_leads_while_the_leader_stands_still_and_one_of_both_gives_way(
    open_page: Open, clinic: TestClinic, place: str, how: str
) -> None:
    """A tab that stands still neither hears nor speaks, and keeps its connection."""
    first = clinic.book()
    leader = start(open_page, place)
    with BLOCKED[how](leader.page):
        newcomer = start(open_page, place)
        newcomer.wait_for_ids(first)
        assert newcomer.page.evaluate("live.isLeading")
        newcomer.wait_for_connections(2)
    leader.wait_for_connections(1)
    second = clinic.book(day=1)
    for tab in (leader, newcomer):
        tab.wait_for_ids(first, second)
        tab.wait_for_state("live")
    assert leaders_of(leader, newcomer) == 1


def test_leader_that_speaks_but_never_answers_is_replaced(open_page: Open, clinic: TestClinic, place: str) -> None:
    leader = open_page(at=place)
    leader.page.goto(f"{place}/index.html")
    leader.page.evaluate(DEAF)
    # It speaks every 100 ms, so some of it falls into each claim of the newcomer's.
    leader.begin(heartbeatSeconds=0.4)
    leader.wait_for_state("live")
    newcomer = open_page(at=place)
    newcomer.start(heartbeatSeconds=HEARTBEAT_SECONDS)
    newcomer.wait_until_told("stale: silent")
    # In one look: the deaf tab hears no answer either, and takes the lead back after a while.
    newcomer.page.wait_for_function("live.state === 'live' && live.isLeading")
    newcomer.wait_for_ids(clinic.book())


def test_of_many_followers_that_take_over_at_once_one_has_a_stream(
    open_page: Open, clinic: TestClinic, place: str
) -> None:
    leader, *followers = [start(open_page, place) for _ in range(4)]
    with BLOCKED["alert"](leader.page):
        for follower in followers:
            follower.wait_until_told("stale: silent")
        booked = clinic.book()
        for follower in followers:
            follower.wait_for_ids(booked)
            follower.wait_for_state("live")
        assert leaders_of(*followers) == 1
    leader.wait_for_ids(booked)
    leader.wait_for_connections(1)
    assert leaders_of(leader, *followers) == 1


def test_leader_whose_token_request_never_resolves_lets_another_tab_lead(
    open_page: Open, service: StreamService, clinic: TestClinic, place: str
) -> None:
    leader, follower = start(open_page, place), start(open_page, place)
    leader.page.evaluate("() => { window.askForToken = () => new Promise(() => {}); }")
    service.stop()
    service.start()
    booked = clinic.book()
    for tab in (follower, leader):
        tab.wait_for_ids(booked)
        tab.wait_for_state("live")
    assert follower.page.evaluate("live.isLeading")


def test_first_token_request_that_never_resolves_is_reported(open_page: Open, origin: str) -> None:
    tab = open_page()
    tab.page.goto(f"{origin}/index.html")
    tab.page.evaluate("() => { window.askForToken = () => new Promise(() => {}); }")
    tab.begin(waits=False, heartbeatSeconds=0.5)
    tab.wait_until_told("offline: token")


COUNT_LISTS = """() => {
  const post = BroadcastChannel.prototype.postMessage;
  window.lists = 0;
  BroadcastChannel.prototype.postMessage = function (message) {
    window.lists += message.whole !== undefined;
    post.call(this, message);
  };
}"""


def test_newcomer_is_sent_the_list_once(open_page: Open, clinic: TestClinic, origin: str) -> None:
    booked = clinic.book()
    leader = start(open_page, origin, 15)
    leader.wait_for_ids(booked)
    leader.page.evaluate(COUNT_LISTS)
    start(open_page, origin, 15).wait_for_ids(booked)
    start(open_page, origin, 15).wait_for_ids(booked)
    # A newcomer that hears the leader speak before it is answered asks once more.
    assert leader.page.evaluate("window.lists") in {2, 3}
