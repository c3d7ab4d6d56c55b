"""A page on a plain http address of the clinic's own network: no Web Locks there, and no crypto.randomUUID."""

from testkit.stream.clinic import TestClinic
from testkit.stream.front_end import Open


def test_list_follows_the_database(open_page: Open, clinic: TestClinic, lan_origin: str) -> None:
    first = clinic.book()
    front_end = open_page(at=lan_origin)
    front_end.start()
    assert front_end.page.evaluate("[isSecureContext, 'locks' in navigator, 'randomUUID' in crypto]") == [False] * 3
    front_end.wait_for_ids(first)
    front_end.wait_for_state("live")
    second = clinic.book(day=1)
    front_end.wait_for_ids(first, second)


def test_token_that_cannot_be_read_is_shared_with_nobody(open_page: Open, lan_origin: str) -> None:
    front_end = open_page(at=lan_origin)
    front_end.page.goto(f"{lan_origin}/index.html")
    front_end.page.evaluate("window.askForToken = async () => 'opaque'")
    front_end.begin()
    front_end.wait_until_told("signed out: 401")


def test_tabs_share_one_connection_and_the_next_takes_over(
    open_page: Open, clinic: TestClinic, lan_origin: str
) -> None:
    first = clinic.book()
    tabs = [open_page(at=lan_origin) for _ in range(3)]
    for tab in tabs:
        # A closing tab's goodbye may be lost on a busy machine: then its silence tells the others, after five seconds.
        tab.start(heartbeatSeconds=2)
        tab.wait_for_ids(first)
        tab.wait_for_state("live")
    tabs[1].wait_for_connections(1)
    second = clinic.book(day=1)
    for tab in tabs:
        tab.wait_for_ids(first, second)
    assert [tab.page.evaluate("live.isLeading") for tab in tabs] == [True, False, False]
    tabs[0].page.close()
    third = clinic.book(day=2)
    for tab in tabs[1:]:
        tab.wait_for_ids(first, second, third)
    tabs[1].wait_for_connections(1)
    (leader,) = [tab for tab in tabs[1:] if tab.page.evaluate("live.isLeading")]
    # The other may have asked the leader when that had the change already, and been given all rows.
    assert not leader.told["changes"][-1]["isSnapshot"]


def test_stopped_leader_hands_over_at_once(open_page: Open, clinic: TestClinic, lan_origin: str) -> None:
    one, other = open_page(at=lan_origin), open_page(at=lan_origin)
    for tab in (one, other):
        tab.start()
        tab.wait_for_state("live")
    one.page.evaluate("live.stop()")
    other.page.wait_for_function("live.isLeading")
    booked = clinic.book()
    other.wait_for_ids(booked)
    other.wait_for_connections(1)


def test_a_worker_of_another_origin_is_refused(open_page: Open) -> None:
    """Why tabs share by other means."""
    front_end = open_page()
    front_end.page.goto(f"{front_end.origin}/index.html")
    refused = front_end.page.evaluate(
        "url => { try { new SharedWorker(url, { type: 'module' }); return ''; } catch (error) { return error.name; } }",
        f"{front_end.service.url}/chairside-live.js",
    )
    assert refused == "SecurityError"
