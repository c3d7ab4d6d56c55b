"""A person at the board, in a real browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from testkit.headless import chromium_program
from testkit.live.stack import LiveStack, Person

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
# A quarter of a second is what one sees; a machine that is busy with tests gets more before this fails.
TIMEOUT_MS = 20_000
DESK: Any = {"viewport": {"width": 1440, "height": 900}}
# A sign-in is kept for the stories after it.
_sessions: dict[tuple[str, str], Any] = {}
PHONE: Any = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


class Chromium:
    """A browser that many stories share. To start one costs two seconds of CPU."""

    def __init__(self, playwright: Playwright) -> None:
        self._playwright = playwright
        self._browser: Browser | None = None

    def browser(self) -> Browser:
        """Started by the first call, and anew if it has died."""
        if self._browser is None or not self._browser.is_connected():
            self._browser = self._playwright.chromium.launch(executable_path=chromium_program(), args=ARGUMENTS)
        return self._browser

    def close_contexts(self) -> None:
        for context in self._browser.contexts if self._browser else []:
            context.close()

    def close(self) -> None:
        if self._browser:
            self._browser.close()


@contextmanager
def open_chromium() -> Iterator[Chromium]:
    """Until it ends, an event loop counts as running in this thread: `asyncio.run` needs another one."""
    with sync_playwright() as playwright:
        chromium = Chromium(playwright)
        yield chromium
        chromium.close()


@dataclass
class Board:
    page: Page
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        expect.set_options(timeout=TIMEOUT_MS)
        self.page.set_default_timeout(TIMEOUT_MS)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, query: str = "") -> None:
        self.page.goto(f"/board{query}")

    def wait_for_state(self, state: str) -> None:
        expect(self.page.locator("#connection")).to_have_attribute("data-state", state)

    def card(self, appointment_id: int) -> Locator:
        return self.page.locator(f"#columns [data-id='{appointment_id}']")

    def request(self, appointment_id: int) -> Locator:
        return self.page.locator(f"#requests-list [data-id='{appointment_id}']")

    def status_of(self, appointment_id: int) -> Locator:
        return self.card(appointment_id).locator(".status")

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)


def sign_in(page: Page, person: Person) -> None:
    page.get_by_label("E-mail or phone").fill(person.email)
    page.get_by_label("Password").fill(person.password)
    page.get_by_role("button", name="Sign in").click()


@contextmanager
def board_of(browser: Browser, stack: LiveStack, person: Person, query: str = "", **options: Any) -> Iterator[Board]:
    """Signed in, and live."""
    with page_of(browser, stack, person, f"/board{query}", **options) as board:
        yield board


@contextmanager
def page_of(browser: Browser, stack: LiveStack, person: Person, address: str, **options: Any) -> Iterator[Board]:
    """Any page with a connection state, signed in, and live."""
    kept = _sessions.get((stack.pages_url, person.email))
    context: BrowserContext = browser.new_context(base_url=stack.pages_url, storage_state=kept, **{**DESK, **options})
    board = Board(context.new_page())
    board.page.goto(address)
    if kept is None:
        sign_in(board.page, person)
    board.wait_for_state("live")
    _sessions[stack.pages_url, person.email] = context.storage_state()
    yield board
    context.close()
