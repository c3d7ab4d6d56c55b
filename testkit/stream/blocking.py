"""Ways to make a page stand still, as people and machines do."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from playwright.sync_api import Dialog, Page

BUSY_MS = 6_000


def _dialog(call: str) -> Callable[[Page], AbstractContextManager[None]]:
    @contextmanager
    def blocked(page: Page) -> Iterator[None]:
        """An open dialog, which nobody answers until the end."""
        open_dialogs: list[Dialog] = []
        page.on("dialog", lambda dialog: open_dialogs.append(dialog))
        with page.expect_event("dialog"):
            page.evaluate(f"() => void setTimeout(() => {call})")
        try:
            yield
        finally:  # A page with an open dialog cannot be closed.
            open_dialogs[0].dismiss()

    return blocked


@contextmanager
def _debugger(page: Page) -> Iterator[None]:
    session = page.context.new_cdp_session(page)
    session.send("Debugger.enable")
    session.send("Debugger.pause")
    try:
        yield
    finally:
        session.send("Debugger.disable")
        session.detach()


@contextmanager
def _long_script(page: Page) -> Iterator[None]:
    busy = f"const until = Date.now() + {BUSY_MS}; while (Date.now() < until) {{}}"
    page.evaluate(f"() => void setTimeout(() => {{ {busy} }})")
    yield


@contextmanager
def _suspended(page: Page) -> Iterator[None]:
    """The whole process of the page, as an operating system that saves memory or power does."""
    process_id = _process_of(page)
    os.kill(process_id, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process_id, signal.SIGCONT)


def _process_of(page: Page) -> int:
    """The renderer that works when the page does."""
    assert page.context.browser is not None
    session = page.context.browser.new_browser_cdp_session()

    def cpu_seconds() -> dict[int, float]:
        processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
        return {one["id"]: one["cpuTime"] for one in processes if one["type"] == "renderer"}

    before = cpu_seconds()
    page.evaluate("() => { const until = performance.now() + 500; while (performance.now() < until) {} }")
    after = cpu_seconds()
    session.detach()
    return max(after, key=lambda process_id: after[process_id] - before.get(process_id, 0.0))


BLOCKED: dict[str, Callable[[Page], AbstractContextManager[None]]] = {
    "alert": _dialog("alert('Saved.')"),
    "confirm": _dialog("confirm('Sure?')"),
    "debugger": _debugger,
    "long script": _long_script,
    "suspended": _suspended,
}
