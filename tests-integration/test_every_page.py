"""Every page of the portal in Chromium: open to its role, without a complaint of the browser or of axe, wide and on a
phone, light and dark, at 320 px and at 200 % zoom. A new page is among them by its address alone."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from django.template.loader import get_template
from playwright.sync_api import Browser, BrowserContext, Request, Response, expect

from testkit.live.browsing import TIMEOUT_MS, sign_in
from testkit.live.looking import COLOUR_RULES, set_theme, small_targets, sticking_out, violations
from testkit.live.portal_pages import PortalPage, Rows, portal_pages
from testkit.live.stack import LiveStack

WIDE, PHONE, ZOOMED, NARROW = (1440, 900), (390, 844), (720, 450), (320, 640)
PAGES = portal_pages()
# Requests of scripts as a page opens, beside its files and the stream.
MAX_REQUESTS = 3


@pytest.fixture(scope="module")
def rows(stack: LiveStack) -> Rows:
    return Rows(stack)


class Visitor:
    """One tab of one person, which keeps what the browser complains of and what it asks for."""

    def __init__(self, context: BrowserContext) -> None:
        self.page = context.new_page()
        self.page.set_default_timeout(TIMEOUT_MS)
        expect.set_options(timeout=TIMEOUT_MS)
        self._tools = context.new_cdp_session(self.page)
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self._hear(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._count)

    def open(self, address: str) -> Response | None:
        self.complaints.clear()
        self.requests.clear()
        self.resize(WIDE, is_phone=False)
        response = self.page.goto(address)
        self.page.wait_for_load_state("load")
        self.settle()
        return response

    def settle(self) -> None:
        """All that the page has asked for is shown."""
        expect(self.page.locator(".loading:visible, [aria-busy=true]:visible")).to_have_count(0)

    def resize(self, size: tuple[int, int], *, is_phone: bool) -> None:
        """A phone has a finger for a pointer."""
        self._tools.send("Emulation.setTouchEmulationEnabled", {"enabled": is_phone})
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": is_phone}
        self._tools.send("Emulation.setDeviceMetricsOverride", metrics)
        # Two frames later its layout is what it stays.
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        self.settle()

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and "Failed to load resource" not in text:
            self.complaints.append(text)

    def _count(self, request: Request) -> None:
        is_stream = "/sse/" in request.url
        if request.resource_type in ("fetch", "xhr") and not is_stream:
            self.requests.append(f"{request.method} {urlsplit(request.url).path}")


@pytest.fixture(scope="module")
def visitors(browser: Browser, stack: LiveStack) -> Iterator[dict[str, Visitor]]:
    """By role; each signs in once."""
    contexts = {}
    found = {}
    for role in dict.fromkeys(page.role for page in PAGES):
        contexts[role] = browser.new_context(base_url=stack.pages_url, reduced_motion="reduce", color_scheme="light")
        visitor = found[role] = Visitor(contexts[role])
        if role:
            visitor.page.goto("/sign-in")
            sign_in(visitor.page, stack.person(role))
            visitor.page.wait_for_url(lambda url: "/sign-in" not in url)
    yield found
    for context in contexts.values():
        context.close()


@pytest.fixture
def newcomer(browser: Browser, stack: LiveStack) -> Iterator[Visitor]:
    """A visitor without a service worker, which would ask the server beside `page.route`."""
    context = browser.new_context(base_url=stack.pages_url, reduced_motion="reduce", color_scheme="light")
    yield Visitor(context)
    context.close()


@pytest.fixture(params=PAGES, ids=lambda page: page.name)
def opened(request: pytest.FixtureRequest, visitors: dict[str, Visitor], rows: Rows) -> Visitor:
    portal_page: PortalPage = request.param
    visitor = visitors[portal_page.role]
    address = rows.address(portal_page)
    response = visitor.open(address)
    if len(visitor.requests) > MAX_REQUESTS:
        # A change that others made while it opened is asked about: it is counted when nothing changes.
        response = visitor.open(address)
    assert response is not None
    assert response.status == portal_page.status
    return visitor


def test_page_opens_without_complaints_whatever_its_width_and_colours(opened: Visitor) -> None:
    assert opened.complaints == []
    assert len(opened.requests) <= MAX_REQUESTS, opened.requests
    findings = [f"{name}: {found}" for name, several in _findings(opened) for found in several]
    assert not findings, "\n".join(findings)
    assert opened.complaints == []


@pytest.mark.parametrize("template", ["400.html", "403_csrf.html", "500.html", "503.html"])
def test_page_of_a_failure_is_as_good_as_the_others(newcomer: Visitor, template: str) -> None:
    """Rendered here, as the services answer it: nothing is broken for it."""
    visitor, text = newcomer, get_template(template).render()
    visitor.page.route("**/broken", lambda route: route.fulfill(status=int(template[:3]), body=text))
    response = visitor.open("/broken")
    assert response is not None
    assert response.status == int(template[:3])
    assert visitor.page.locator("h1").inner_text()
    findings = [f"{name}: {found}" for name, several in _findings(visitor) for found in several]
    assert not findings, "\n".join(findings)
    visitor.page.unroute("**/broken")


def _findings(visitor: Visitor) -> Iterator[tuple[str, list[str]]]:
    """Loaded once, then resized and coloured where it stands; in dark only what depends on colours is asked again."""
    page = visitor.page
    yield "wide", violations(page)
    set_theme(page, "dark")
    visitor.settle()
    yield "wide, dark", violations(page, COLOUR_RULES)
    visitor.resize(PHONE, is_phone=True)
    yield "phone, dark", violations(page, COLOUR_RULES)
    set_theme(page, "light")
    yield "phone", violations(page)
    yield "phone, to touch", small_targets(page)
    yield "phone, width", sticking_out(page)
    visitor.resize(NARROW, is_phone=True)
    yield "320 px", sticking_out(page)
    visitor.resize(ZOOMED, is_phone=False)
    yield "200 %", sticking_out(page)
