"""A browser's own EventSource, through the gateway where there is one: the stream goes away and comes back."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from testkit.live.people import SignedIn, free_start, zone_of
from testkit.live.stack import LiveStack

TIMEOUT_MS = 40_000
TABS = 5  # Of one address a browser holds six connections, and a page needs one for itself.

OPEN = """(addresses) => {
  window.sources = addresses.map((address) => new EventSource(address));
  window.shown = sources.map(() => new Map());
  window.broken = [];
  sources.forEach((source, number) => {
    const hear = (apply) => ({ data }) => {
      try { apply(JSON.parse(data)); } catch (error) { broken.push(`${error}: ${data.slice(-80)}`); }
    };
    const show = (rows) => rows.forEach((row) => shown[number].set(row.id, row.status));
    source.addEventListener("snapshot", hear((told) => { shown[number].clear(); show(told.appointments); }));
    source.addEventListener("change", hear((told) => {
      show(told.upserts);
      told.removes.forEach((id) => shown[number].delete(id));
    }));
  });
}"""
EVERYBODY_SHOWS = "([id, status]) => shown.every((one) => one.get(id) === status)"
NOBODY_GAVE_UP = "sources.every(({ readyState }) => readyState !== EventSource.CLOSED)"


@pytest.fixture
def page(browser: Browser, stack: LiveStack) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    page.goto(f"{stack.pages_url}/sign-in")
    yield page
    context.close()


def address_of(stack: LiveStack, person: SignedIn) -> str:
    ticket = person.post("/api/v1/auth/stream-ticket").json()["ticket"]
    stream_url = stack.gateway_url or stack.environment["STREAM_URL"]
    return f"{stream_url}/api/v1/sse/appointments?mode=delta&ticket={ticket}"


def wait_until_shown(page: Page, appointment: dict[str, Any]) -> None:
    page.wait_for_function(EVERYBODY_SHOWS, arg=[appointment["id"], appointment["status"]])


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_a_restart_is_survived_and_nothing_is_missed(stack: LiveStack, page: Page, how: str) -> None:
    with SignedIn(stack, "owner") as owner:
        zone = zone_of(owner)
        before = owner.book(free_start(zone))
        page.evaluate(OPEN, [address_of(stack, owner) for _ in range(TABS)])
        wait_until_shown(page, before)
        if how == "stopped":
            stack.stop_stream()
        else:
            stack.kill_stream()
        missed = owner.book(free_start(zone))
        cancelled = owner.act(before["id"], "cancel")
        page.wait_for_timeout(3000)  # Long enough for each to find nobody there.
        assert page.evaluate(NOBODY_GAVE_UP)
        stack.start_stream()
        for appointment in (missed, cancelled, owner.book(free_start(zone))):
            wait_until_shown(page, appointment)
        assert page.evaluate(NOBODY_GAVE_UP)
        assert page.evaluate("broken") == []
