"""The booking page over a phone's 3G: when the first times are there, when they are live, and how many bytes it takes.

300 ms there and back, 1.6 Mbit/s down, 768 kbit/s up: the profile "3G" of WebPageTest. Nothing is in the cache."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, Page
from rich.table import Table

PHONE: Any = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
PROFILE = {
    "offline": False,
    "latency": 300,
    "downloadThroughput": 1.6e6 / 8,
    "uploadThroughput": 768e3 / 8,
    "connectionType": "cellular3g",
}
GOAL_SECONDS, GOAL_KB = 3, 100
OPENINGS = 3
SINCE_START = "() => performance.now() / 1000"
# The element has drawn: without it the same times are links.
LIVE = "time-picker button.tp-time"


@dataclass
class Opening:
    first_seconds: float = 0.0
    first_kb: float = 0.0
    live_seconds: float = 0.0
    all_kb: float = 0.0
    sizes: list[int] = field(default_factory=list)

    @property
    def kb(self) -> float:
        return sum(self.sizes) / 1000


def first_times_table(browser: Browser, address: str) -> Table:
    openings = [_open(browser, address) for _ in range(OPENINGS)]
    openings.sort(key=lambda opening: opening.first_seconds)
    median = openings[len(openings) // 2]
    table = Table(
        "first times", "loaded by then", "live", "loaded in all", title="The booking page on 3G, without a cache"
    )
    table.add_row(
        f"{median.first_seconds:.2f} s",
        f"{median.first_kb:.0f} kB",
        f"{median.live_seconds:.2f} s",
        f"{median.all_kb:.0f} kB",
    )
    is_reached = median.first_seconds <= GOAL_SECONDS and median.first_kb <= GOAL_KB
    table.caption = (
        f"goal: {GOAL_SECONDS} s and {GOAL_KB} kB to the first times: {'reached' if is_reached else 'missed'}"
    )
    return table


def _open(browser: Browser, address: str) -> Opening:
    opening = Opening()
    with _slow_page(browser, opening) as page:
        page.goto(address, wait_until="commit")
        page.locator(".tp-time").first.wait_for()
        opening.first_seconds, opening.first_kb = page.evaluate(SINCE_START), opening.kb
        page.locator(LIVE).first.wait_for()
        opening.live_seconds, opening.all_kb = page.evaluate(SINCE_START), opening.kb
    return opening


@contextmanager
def _slow_page(browser: Browser, opening: Opening) -> Iterator[Page]:
    context = browser.new_context(**PHONE)
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    network.send("Network.emulateNetworkConditions", PROFILE)
    network.on("Network.loadingFinished", lambda event: opening.sizes.append(int(event["encodedDataLength"])))
    yield page
    context.close()
