"""A front end's page in a browser, with what chairside-live.js tells it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page

from testkit.stream.service import StreamService

# Use of the client by a front end, with a record of all it was told.
START = """async ({ module, kind, url, options, waits }) => {
  const { [kind]: LiveList } = await import(module);
  const idsOf = (rows) => rows.map(({ id }) => id);
  window.told = { states: [], changes: [], refreshed: 0 };
  window.live = new LiveList({
    url,
    ...options,
    token: async ({ refresh }) => {
      window.told.refreshed += refresh;
      return await askForToken(refresh);
    },
    ticket: async () => await askForTicket(),
    onchange: (rows, { upserts, removes, isSnapshot }) =>
      window.told.changes.push({ ids: idsOf(rows), upserts: idsOf(upserts), removes, isSnapshot }),
    onstate: (state, reason) => window.told.states.push(reason ? `${state}: ${reason}` : state),
  });
  const started = window.live.start();
  if (waits) await started;
}"""
# Playwright waits for a promise without any limit.
WITHIN = """async ([arg, ms]) => {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`The page's promise is still pending after ${ms} ms.`)), ms);
  });
  try {
    return await Promise.race([(FUNCTION)(arg), late]);
  } finally {
    clearTimeout(timer);
  }
}"""
EVALUATE_TIMEOUT_SECONDS = 30
IDS = "live.rows.map(({ id }) => id)"


def evaluate_within(page: Page, function: str, arg: object = None, *, seconds: float = EVALUATE_TIMEOUT_SECONDS) -> Any:
    """The outcome of an async function in the page. Raises Playwright's `Error` if still pending after `seconds`."""
    return page.evaluate(WITHIN.replace("FUNCTION", function), [arg, seconds * 1000])


@dataclass
class FrontEnd:
    """A page that shows a live list."""

    page: Page
    service: StreamService
    origin: str
    port: int | None = None  # Of something in front of the service.

    def start(self, of: str = "appointments", **options: Any) -> None:
        self.page.goto(f"{self.origin}/index.html")
        self.begin(of, **options)

    def begin(self, of: str = "appointments", *, waits: bool = True, **options: Any) -> None:
        """Make the list; `waits` until it has its first token."""
        module, url = f"{self.stream}/chairside-live.js", f"{self.stream}/api/v1/sse/{of}"
        asked = {"module": module, "kind": f"Live{of.capitalize()}", "url": url, "options": options, "waits": waits}
        evaluate_within(self.page, START, asked)

    @property
    def stream(self) -> str:
        """The stream's address, by the page's own name of this machine."""
        return f"http://{urlsplit(self.origin).hostname}:{self.port or self.service.port}"

    def wait_for_ids(self, *ids: int) -> None:
        self.page.wait_for_function(f"ids => JSON.stringify({IDS}) === JSON.stringify(ids)", arg=list(ids))

    def wait_for_state(self, state: str) -> None:
        self.page.wait_for_function("state => live.state === state", arg=state)

    def wait_until_told(self, state: str) -> None:
        self.page.wait_for_function("state => told.states.includes(state)", arg=state)

    def wait_for_connections(self, count: int, seconds: float = 15) -> None:
        """Until the service has so many. Meanwhile pages are given their tokens, which no page is during a `sleep`."""
        deadline = time.monotonic() + seconds
        while (found := self.service.get("/api/v1/health").json()["connections"]) != count:
            assert time.monotonic() < deadline, f"{found} connections"
            self.page.wait_for_timeout(50)

    @property
    def told(self) -> dict[str, Any]:
        return dict(self.page.evaluate("told"))


Open = Callable[..., FrontEnd]
