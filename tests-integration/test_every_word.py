"""Every page of the portal in the pseudo-language: what it shows outside brackets is data, or of a short list."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clinic.common.languages import COOKIE
from playwright.sync_api import Browser, Page, expect

from testkit.live.browsing import TIMEOUT_MS, sign_in
from testkit.live.own_api import Server, open_api
from testkit.live.people import SignedIn, sql
from testkit.live.portal_pages import PortalPage, Rows, portal_pages
from testkit.live.pseudo_language import CLOSE, OPEN, write_pseudo_language
from testkit.live.stack import LiveStack
from tools import ROOT

PAGES = portal_pages()
# Names, which are the same in each language; and what stands on keys.
SAME_IN_EACH_LANGUAGE = {"Chairside", "English", "Deutsch", "SMS", "CSV", "UTC", "Esc", "Enter"}
# Words of German dates, in full and short: browser and server say them, not our catalogues.
DAYS = ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"]
MONTHS = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
]
SHORT = {name[:length] for name in [*DAYS, *MONTHS] for length in (2, 3, 4)}
OF_DATES = {*DAYS, *MONTHS, *SHORT, "Uhr"}
# Attributes that are read out or shown.
SHOWN = r"""() => {
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const within = node.parentElement;
    // Countries and time zones have their names from elsewhere; a pre holds the text of a message.
    const isOfLongList = (within.closest("select")?.options.length ?? 0) > 40;
    const isNoText = within.closest("script, style, template, noscript, textarea, code, pre");
    if (!isOfLongList && !isNoText) texts.push(node.data);
  }
  // A sentence may go on behind a field.
  texts.splice(0, texts.length, texts.join("\n"));
  for (const one of document.querySelectorAll("[aria-label], [title], [placeholder], [alt]")) {
    for (const name of ["aria-label", "title", "placeholder", "alt"]) texts.push(one.getAttribute(name) ?? "");
  }
  texts.push(document.title);
  return texts.filter((text) => text.trim());
}"""
DATA = ["clinic", "services", "practitioners", "staff", "schedule-exceptions", "devices"]


@pytest.fixture(scope="module")
def rows(stack: LiveStack) -> Rows:
    return Rows(stack)


@pytest.fixture(scope="module")
def bracketing(stack: LiveStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """django-rest beside that of the stack, in the pseudo-language."""
    folder: Path = tmp_path_factory.mktemp("pseudo")
    write_pseudo_language(ROOT / "django-rest" / "locale", folder / "locale")
    settings = {
        "DJANGO_SETTINGS_MODULE": "testkit.live.pseudo_settings",
        "PSEUDO_LOCALE": str(folder / "locale"),
    }
    with open_api(stack, folder, **settings) as server:
        yield server


@pytest.fixture(scope="module")
def data_words(stack: LiveStack, rows: Rows) -> set[str]:
    """The words of all data of the clinic, once the rows of the pages are there."""
    for page in PAGES:
        rows.address(page)
    with SignedIn(stack, "owner") as owner:
        found = set(words_of([owner.person.email, owner.get("/api/v1/users/me")]))
        for name in DATA:
            found |= set(words_of(owner.get(f"/api/v1/{name}")))
        for name, query in (("patients", {}), ("appointments", {"scope": "all"}), ("messages", {})):
            found |= set(words_of(owner.every_page(f"/api/v1/{name}", **query)))
    return found | set(words_of(texts_of_others(stack)))


def texts_of_others(stack: LiveStack) -> list[str]:
    """Messages that patients wrote, and the names of their devices."""
    with sql(stack.db()) as cursor:
        cursor.execute("SELECT body FROM inbound_message UNION SELECT device FROM refresh_family")
        return [text for (text,) in cursor.fetchall()]


def words_of(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from re.findall(r"[^\W\d_]{2,}", value)
    elif isinstance(value, dict):
        for one in value.values():
            yield from words_of(one)
    elif isinstance(value, list):
        for one in value:
            yield from words_of(one)


def outside_brackets(text: str) -> str:
    depth, left = 0, ""
    for letter in text:
        depth += (letter == OPEN) - (letter == CLOSE)
        left += letter if not depth and letter != CLOSE else " "
    return left


def test_brackets_within_brackets_are_one_text() -> None:
    assert outside_brackets(f"a{OPEN}b{OPEN}c{CLOSE}d{CLOSE}e").split() == ["a", "e"]


@pytest.fixture(scope="module")
def clinics_language(stack: LiveStack) -> Iterator[None]:
    """Walls speak it, as they have no reader who chooses."""
    with SignedIn(stack, "owner") as owner:
        clinic = owner.get("/api/v1/clinic")
    for language in ("de", clinic["language"]):
        with sql(stack.db()) as cursor:
            cursor.execute("UPDATE clinic SET language = %s WHERE id = %s", [language, clinic["id"]])
        if language == "de":
            yield


@pytest.fixture(scope="module")
def readers(
    browser: Browser, bracketing: Server, stack: LiveStack, clinics_language: None
) -> Iterator[dict[str, Page]]:
    """By role, signed in."""
    found = {}
    contexts = []
    address = f"http://127.0.0.1:{bracketing.port}"
    for role in dict.fromkeys(page.role for page in PAGES):
        context = browser.new_context(base_url=address, reduced_motion="reduce")
        contexts.append(context)
        page = found[role] = context.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        if role:
            page.goto("/sign-in")
            sign_in(page, stack.person(role))
            page.wait_for_url(lambda url: "/sign-in" not in url)
        context.add_cookies([{"name": COOKIE, "value": "de", "url": address}])
    yield found
    for context in contexts:
        context.close()


@pytest.mark.parametrize("portal_page", PAGES, ids=lambda page: page.name)
def test_page_shows_no_word_outside_the_catalogues(
    readers: dict[str, Page], rows: Rows, data_words: set[str], portal_page: PortalPage
) -> None:
    page = readers[portal_page.role]
    page.goto(rows.address(portal_page))
    page.wait_for_load_state("load")
    expect(page.locator(".loading:visible")).to_have_count(0)
    untranslated = {}
    for text in (line for shown in page.evaluate(SHOWN) for line in outside_brackets(shown).splitlines()):
        words = set(words_of(text)) - data_words - SAME_IN_EACH_LANGUAGE
        # Two capitals are somebody's initials.
        words = {word for word in words - OF_DATES if not re.fullmatch("[A-ZÀ-Þ]{2}", word)}
        if words:
            untranslated[text.strip()[:80]] = sorted(words)
    assert not untranslated, "\n".join(f"{text}: {words}" for text, words in untranslated.items())
