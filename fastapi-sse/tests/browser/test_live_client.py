"""chairside-live.js in a real browser, on a page of another origin, against the real service."""

import signal
from itertools import count

import pytest
from playwright.sync_api import BrowserContext, Route

from testkit.stream.clinic import TestClinic
from testkit.stream.front_end import FrontEnd, Open, evaluate_within
from testkit.stream.service import StartService, StreamService


def opened_by(service: StreamService) -> int:
    [line] = [
        line for line in service.get("/metrics").text.splitlines() if line.startswith("chairside_stream_opened_total{")
    ]
    return int(float(line.split()[-1]))


@pytest.mark.parametrize("transport", ["fetch", "eventsource"])
def test_list_follows_the_database(open_page: Open, clinic: TestClinic, transport: str) -> None:
    first = clinic.book()
    front_end = open_page()
    front_end.start(transport=transport)
    front_end.wait_for_ids(first)
    front_end.wait_for_state("live")
    second = clinic.book(day=1)
    front_end.wait_for_ids(first, second)
    clinic.update(first, notes="new")
    front_end.page.wait_for_function("live.rows[0].notes === 'new'")
    clinic.delete(first)
    front_end.wait_for_ids(second)
    assert [change["isSnapshot"] for change in front_end.told["changes"]] == [True, False, False, False]


@pytest.mark.parametrize("transport", ["fetch", "eventsource"])
@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_it_goes_on_where_it_was_after_a_restart(
    open_page: Open, service: StreamService, clinic: TestClinic, transport: str, how: str
) -> None:
    first = clinic.book()
    front_end = open_page()
    front_end.start(transport=transport)
    front_end.wait_for_ids(first)
    if how == "killed":
        service.kill()
    else:
        service.stop()
    second = clinic.book(day=1)
    front_end.wait_until_told("offline: lost")
    service.start()
    front_end.wait_for_ids(first, second)
    front_end.wait_for_state("live")
    assert [change["isSnapshot"] for change in front_end.told["changes"]] == [True, False], "only what was missed"


@pytest.mark.parametrize("transport", ["fetch", "eventsource"])
def test_page_opened_in_an_outage_shows_its_rows_as_stale_and_never_as_live(
    open_page: Open, service: StreamService, clinic: TestClinic, transport: str
) -> None:
    booked = clinic.book()
    with service.stream(clinic.owner.token()) as follower:
        follower.next_event()
        clinic.database.execute("UPDATE clinic SET timezone = 'US/Gone' WHERE id = %s", clinic.id)
        follower.next_named("stale")
        front_end = open_page()
        front_end.start(transport=transport)
        front_end.wait_for_ids(booked)
        front_end.wait_for_state("stale")
        assert "live" not in front_end.told["states"]
        clinic.database.execute("UPDATE clinic SET timezone = 'Europe/Berlin' WHERE id = %s", clinic.id)
        front_end.wait_for_state("live")


def test_page_that_is_loaded_again_shows_what_it_knew_and_asks_for_the_rest(
    open_page: Open, clinic: TestClinic
) -> None:
    first = clinic.book()
    front_end = open_page()
    front_end.start()
    front_end.wait_for_ids(first)
    front_end.page.goto("about:blank")
    second = clinic.book(day=1)
    front_end.start()
    front_end.wait_for_ids(first, second)
    restored, missed = front_end.told["changes"]
    assert (restored["ids"], restored["isSnapshot"]) == ([first], True)
    assert (missed["upserts"], missed["isSnapshot"]) == ([second], False)


def test_nothing_is_kept_for_another_user(open_page: Open, clinic: TestClinic) -> None:
    clinic.book(patient=clinic.anna)
    annas = open_page(clinic.anna)
    annas.start()
    annas.wait_for_state("live")
    annas.page.goto("about:blank")
    bens = FrontEnd(annas.page, annas.service, annas.origin)
    token = clinic.ben.token()
    bens.page.goto(f"{bens.origin}/index.html")
    bens.page.evaluate("token => { window.askForToken = async () => token; }", token)
    bens.begin()
    bens.wait_for_state("live")
    assert [change["ids"] for change in bens.told["changes"]] == [[]]


def test_tabs_share_one_connection_and_the_next_takes_over(
    open_page: Open, service: StreamService, clinic: TestClinic
) -> None:
    first = clinic.book()
    one, two, three = open_page(), open_page(), open_page()
    for front_end in (one, two, three):
        front_end.start()
        front_end.wait_for_ids(first)
        front_end.wait_for_state("live")
    assert service.get("/api/v1/health").json()["connections"] == 1
    second = clinic.book(day=1)
    for front_end in (one, two, three):
        front_end.wait_for_ids(first, second)
    assert [front_end.page.evaluate("live.isLeading") for front_end in (one, two, three)] == [True, False, False]
    one.page.close()
    third = clinic.book(day=2)
    for front_end in (two, three):
        front_end.wait_for_ids(first, second, third)
        assert not front_end.told["changes"][-1]["isSnapshot"]
    two.wait_for_connections(1)


def test_token_is_renewed_before_it_expires_without_a_new_connection(
    open_page: Open, service: StreamService, clinic: TestClinic
) -> None:
    front_end = open_page(seconds=3)
    front_end.start()
    front_end.page.wait_for_function("told.refreshed === 1")
    front_end.page.wait_for_timeout(3500)
    booked = clinic.book()
    front_end.wait_for_ids(booked)
    assert opened_by(service) == 1


def test_token_that_is_refused_is_asked_for_once_more(open_page: Open, clinic: TestClinic) -> None:
    booked = clinic.book()
    front_end = open_page(seconds=-1)
    front_end.start()
    front_end.wait_for_ids(booked)
    assert front_end.told["refreshed"] == 1


def test_sign_out_everywhere_is_the_end(open_page: Open, service: StreamService, clinic: TestClinic) -> None:
    clinic.book()
    front_end, other_tab = open_page(), open_page()
    for page in (front_end, other_tab):
        page.start()
        page.wait_for_state("live")
    clinic.database.execute("UPDATE account_user SET token_version = 2 WHERE id = %s", clinic.staff.user_id)
    for page in (front_end, other_tab):
        page.wait_for_state("signed out")
        assert page.page.evaluate("live.rows.length") == 0
    front_end.page.wait_for_timeout(1500)
    assert service.get("/api/v1/health").json()["connections"] == 0


def test_silence_is_told_and_tried_again(open_page: Open, service: StreamService, clinic: TestClinic) -> None:
    """As behind a network that has dropped the connection without a word."""
    front_end = open_page()
    front_end.start(heartbeatSeconds=0.5)
    front_end.wait_for_state("live")
    service.signal(signal.SIGSTOP)
    try:
        front_end.wait_until_told("stale: silent")
    finally:
        service.signal(signal.SIGCONT)
    front_end.wait_for_state("live")


def test_replaced_reader_stays_away(
    start_service: StartService, context: BrowserContext, clinic: TestClinic, origin: str
) -> None:
    service = start_service(cors_allowed_origins=origin, sse_max_connections_per_user=1)
    pages = []
    for _ in range(2):
        page = context.new_page()
        page.expose_function("askForToken", lambda refresh: clinic.staff.token())
        pages.append(FrontEnd(page, service, origin))
        pages[-1].start(share=False)
        pages[-1].wait_for_state("live")
    first, second = pages
    first.wait_until_told("offline: replaced")
    first.page.wait_for_timeout(2500)
    assert second.page.evaluate("live.state") == "live"


def test_address_that_is_refused_is_not_asked_again(open_page: Open) -> None:
    front_end = open_page()
    front_end.start(query={"status": "unheard-of"})
    front_end.wait_until_told("offline: refused")


def test_pauses_that_were_asked_for_make_no_later_one_longer(open_page: Open) -> None:
    """A stopping service asks for them: who came back to it a few times is there soon after its successor is."""
    front_end = open_page()
    asked = count(1)

    def answer(route: Route) -> None:
        number = next(asked)
        if number <= 5:
            allowed = {"Access-Control-Allow-Origin": "*"}
            route.fulfill(content_type="text/event-stream", body="retry: 1\n\n", headers=allowed)
        elif number == 6:
            route.abort()
        else:
            route.continue_()

    front_end.page.route("**/api/v1/sse/appointments*", answer)
    front_end.start()
    # A pause after six guesses would take 15 s or more.
    front_end.page.wait_for_function("live.state === 'live'", timeout=10_000)
    assert next(asked) == 8


def test_gateway_that_answers_for_a_service_that_is_away_is_no_connection(
    open_page: Open, service: StreamService
) -> None:
    front_end = open_page()
    front_end.start()
    front_end.wait_for_state("live")
    allowed = {"Access-Control-Allow-Origin": "*"}
    front_end.page.route(
        "**/api/v1/sse/appointments*",
        lambda route: route.fulfill(content_type="text/event-stream", body="retry: 200\n\n", headers=allowed),
    )
    service.kill()
    front_end.wait_until_told("offline: away")
    service.start()
    front_end.page.unroute_all()
    front_end.wait_for_state("live")


@pytest.mark.parametrize("pieces", [1, 2, 3, 7])
def test_blocks_are_read_however_they_are_cut(open_page: Open, pieces: int) -> None:
    front_end = open_page()
    front_end.page.goto(f"{front_end.origin}/index.html")
    text = (
        "retry: 5\r\n\r\n: comment\nid: a.1.2\n\nid: a.1.3\nevent: change\n"
        'data: {"x":\ndata: 1}\n\nevent:stale\rdata:{}\r\rdata: cut'
    )
    blocks = evaluate_within(
        front_end.page,
        """async ({ module, text, pieces }) => {
          const { BlockReader } = await import(module);
          const blocks = [];
          const reader = new BlockReader((block) => blocks.push(block));
          for (let at = 0; at < text.length; at += pieces) reader.feed(text.slice(at, at + pieces));
          return blocks;
        }""",
        {"module": f"{front_end.service.url}/chairside-live.js", "text": text, "pieces": pieces},
    )
    assert blocks == [
        {"event": "message", "retry": 5},
        {"event": "message", "id": "a.1.2"},
        {"event": "change", "id": "a.1.3", "data": '{"x":\n1}'},
        {"event": "stale", "data": "{}"},
    ]
