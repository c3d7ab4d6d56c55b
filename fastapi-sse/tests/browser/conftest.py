import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from testkit.headless import chromium_program
from testkit.stream.clinic import Person, TestClinic
from testkit.stream.front_end import FrontEnd, Open
from testkit.stream.service import StartService, StreamService

# A name of this machine that no browser trusts: pages there are as on a plain http address in a clinic's network.
LAN = "desk.clinic.test"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    f"--host-resolver-rules=MAP {LAN} 127.0.0.1",
]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


# Not of the session: while it is open an event loop runs in this thread, where other tests have loops of their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_program(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A web server of the front end's: another origin than the stream's."""
    folder: Path = tmp_path_factory.mktemp("pages")
    (folder / "index.html").write_text("<!doctype html><title>A page</title>")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def lan_origin(origin: str) -> str:
    """The same web server, where Web Locks are not to be had."""
    return origin.replace("127.0.0.1", LAN)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context()
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def service(start_service: StartService, origin: str, lan_origin: str) -> StreamService:
    """It looks 20 times a second, not 67: enough for pages, and many of these tests wait for seconds."""
    return start_service(
        cors_allowed_origins=f"{origin},{lan_origin}", sse_heartbeat_seconds=0.5, sse_poll_interval_ms=50
    )


@pytest.fixture
def open_page(context: BrowserContext, service: StreamService, clinic: TestClinic, origin: str) -> Open:
    def open_it(person: Person = clinic.staff, seconds: float = 300, at: str = origin) -> FrontEnd:
        page = context.new_page()
        page.expose_function("askForToken", lambda refresh: person.token(seconds=300 if refresh else seconds))
        page.expose_function("askForTicket", lambda: person.ticket())
        return FrontEnd(page, service, at)

    return open_it
