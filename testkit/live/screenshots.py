"""Pictures of every page of the demo clinic, on a stack of its own: wide, on a phone, dark, and in German.

    make screenshots ARGS="[FOLDER] [--only WORD] [--docs]"

FOLDER is var/screenshots by default. --only: pages whose name holds this word. --docs: only the pictures of README and
documentation, which are written to docs/images as well.
"""

import argparse
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import django
from clinic.common.languages import COOKIE
from playwright.sync_api import Browser, Page, expect

from testkit.live.browsing import DESK, PHONE, TIMEOUT_MS, open_chromium
from testkit.live.stack import LiveStack, live_stack
from tools import ROOT

DOCS = ROOT / "docs" / "images"
SHOWN_IN_DOCS = ("calendar-wide", "board-wide", "home-wide")


@dataclass(frozen=True)
class Form:
    name: str
    options: dict[str, Any] = field(default_factory=dict)
    language: str = "en"


FORMS = (
    Form("wide", DESK),
    Form("phone", PHONE),
    Form("dark", {**DESK, "color_scheme": "dark"}),
    Form("german", DESK, "de"),
)


def main(arguments: list[str]) -> None:
    django.setup()
    from testkit.live.portal_pages import Rows, by_role, portal_pages

    parser = argparse.ArgumentParser(prog="make screenshots")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "var" / "screenshots")
    parser.add_argument("--only", default="")
    parser.add_argument("--docs", action="store_true")
    chosen = parser.parse_args(arguments)
    chosen.folder.mkdir(parents=True, exist_ok=True)
    pages = [page for page in portal_pages() if chosen.only in page.name]
    forms: tuple[Form, ...] = FORMS
    if chosen.docs:
        pages = [page for page in pages if f"{page.file_name}-wide" in SHOWN_IN_DOCS]
        forms = tuple(form for form in FORMS if form.name == "wide")
    with live_stack() as stack, open_chromium() as chromium:
        browser = chromium.browser()
        rows = Rows(stack)
        for form in forms:
            for role, of_role in by_role(pages):
                with tab_of(browser, stack, role, form) as tab:
                    for page in of_role:
                        take(tab, rows.address(page), chosen.folder / f"{page.file_name}-{form.name}.png")
            sys.stdout.write(f"{form.name}: {len(pages)} pages\n")
            sys.stdout.flush()
    if chosen.docs:
        DOCS.mkdir(parents=True, exist_ok=True)
        for name in SHOWN_IN_DOCS:
            shutil.copy(chosen.folder / f"{name}.png", DOCS / f"{name}.png")
    sys.stdout.write(f"{chosen.folder}\n")


@contextmanager
def tab_of(browser: Browser, stack: LiveStack, role: str, form: Form) -> Iterator[Page]:
    """Signed in, without motion."""
    context = browser.new_context(base_url=stack.pages_url, reduced_motion="reduce", **form.options)
    context.add_cookies([{"name": COOKIE, "value": form.language, "url": stack.pages_url}])
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    if role:
        person = stack.person(role)
        page.goto("/sign-in")
        page.locator("input[name=username]").fill(person.email)
        page.locator("input[name=password]").fill(person.password)
        page.locator("input[name=password]").press("Enter")
        page.wait_for_url(lambda url: "/sign-in" not in url)
    yield page
    context.close()


def take(page: Page, address: str, file: Path) -> None:
    page.goto(address)
    expect(page.locator(".loading:visible")).to_have_count(0)
    page.evaluate("document.fonts.ready")
    # Requests of an opening page are over when nothing new has come for a moment; a stream never ends.
    page.wait_for_timeout(400)
    page.screenshot(path=file, full_page=True)


if __name__ == "__main__":
    main(sys.argv[1:])
