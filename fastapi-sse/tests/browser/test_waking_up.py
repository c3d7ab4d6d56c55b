"""Sleep, a change of network, and a connection that is silent without an end: stale at once, and connected anew."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext

from testkit.stream.clinic import TestClinic
from testkit.stream.front_end import FrontEnd, Open
from testkit.stream.gate import Gate
from testkit.stream.service import StreamService

HEARTBEAT_SECONDS = 2
MORE_THAN_A_HEARTBEAT_MS = 2_400
# Before its silence alone would be noticed, 5 s after it began.
SOON_MS = 2_000
WAKE_UPS = {
    "online": "dispatchEvent(new Event('online'))",
    "pageshow": "dispatchEvent(new Event('pageshow'))",
    "visible": "document.dispatchEvent(new Event('visibilitychange'))",
}
# A laptop that slept: a minute has passed, of which the page saw nothing.
SLEEP = "() => { const now = Date.now; Date.now = () => now() + 60_000; }"


@pytest.fixture
def network(service: StreamService) -> Iterator[Gate]:
    """Between the browser and the service."""
    with Gate("127.0.0.1", service.port) as gate:
        yield gate


def start(open_page: Open, network: Gate) -> FrontEnd:
    tab = open_page()
    tab.port = network.port
    tab.start(heartbeatSeconds=HEARTBEAT_SECONDS)
    tab.wait_for_state("live")
    return tab


@pytest.mark.parametrize("transport", ["fetch", "eventsource"])
def test_silent_connection_is_stale_and_replaced(
    open_page: Open, network: Gate, clinic: TestClinic, transport: str
) -> None:
    tab = open_page()
    tab.port = network.port
    tab.start(heartbeatSeconds=0.8, transport=transport)
    tab.wait_for_state("live")
    network.stall()
    booked = clinic.book()
    tab.wait_until_told("stale: silent")
    network.open()
    tab.wait_for_ids(booked)
    tab.wait_for_state("live")


@pytest.mark.parametrize("wake_up", WAKE_UPS)
def test_wake_up_after_more_than_a_heartbeat_of_silence_reconnects_at_once(
    open_page: Open, network: Gate, clinic: TestClinic, wake_up: str
) -> None:
    tab = start(open_page, network)
    network.stall()
    booked = clinic.book()
    tab.page.wait_for_timeout(MORE_THAN_A_HEARTBEAT_MS)
    tab.page.evaluate(WAKE_UPS[wake_up])
    tab.page.wait_for_function("told.states.includes('stale: woke up')", timeout=SOON_MS)
    network.open()
    tab.wait_for_ids(booked)
    tab.wait_for_state("live")


def test_wake_up_with_a_living_connection_keeps_it(open_page: Open, network: Gate, clinic: TestClinic) -> None:
    tab = start(open_page, network)
    for wake_up in WAKE_UPS.values():
        tab.page.evaluate(wake_up)
    booked = clinic.book()
    tab.wait_for_ids(booked)
    assert tab.told["states"] == ["connecting", "live"]


def test_jump_of_the_clock_reconnects_leader_and_follower(open_page: Open, network: Gate, clinic: TestClinic) -> None:
    leader, follower = start(open_page, network), start(open_page, network)
    network.stall()
    for tab in (leader, follower):
        tab.page.evaluate(SLEEP)
    for tab in (leader, follower):
        tab.page.wait_for_function("told.states.some((state) => state.startsWith('stale: '))", timeout=2 * SOON_MS)
    network.open()
    booked = clinic.book()
    for tab in (leader, follower):
        tab.wait_for_ids(booked)
        tab.wait_for_state("live")


def test_lost_network_is_stale_and_its_return_reconnects_at_once(
    open_page: Open, network: Gate, clinic: TestClinic, context: BrowserContext
) -> None:
    tab = start(open_page, network)
    context.set_offline(True)
    tab.page.wait_for_function("told.states.length > 2 && live.state !== 'live'")
    booked = clinic.book()
    context.set_offline(False)
    tab.wait_for_ids(booked)
    tab.wait_for_state("live")
