"""A patient's account on a phone: sign up, confirm the address, book for a family, move, cancel, book again, be signed
out from elsewhere, and see the next visit without a network."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from testkit.live.browsing import ARGUMENTS, PHONE, TIMEOUT_MS
from testkit.live.browsing import sign_in as board_sign_in
from testkit.live.people import eventually
from testkit.live.stack import LiveStack
from testkit.stand_ins.mail import MailStandIn

FIREFOX = "Mozilla/5.0 (Android 14; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"
EMAIL, PASSWORD = "nora.story@mail.example", "a long sentence of Nora's"


@contextmanager
def phone(browser: Browser, stack: LiveStack, **more: Any) -> Iterator[tuple[BrowserContext, Page]]:
    context = browser.new_context(base_url=stack.pages_url, locale="en-GB", **PHONE, **more)
    page = context.new_page()
    expect.set_options(timeout=TIMEOUT_MS)
    page.set_default_timeout(TIMEOUT_MS)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield context, page
    assert complaints == []
    context.close()


def sign_in(page: Page) -> None:
    page.get_by_label("E-mail or phone").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/me")


def verification_link(office: MailStandIn) -> str:
    def found() -> str | None:
        for mail in reversed(office.delivered_to(EMAIL)):
            text = mail.get_body(("plain",))
            link = re.search(r"(/email/verify\?token=[\w-]+)", text.get_content() if text else "")
            if link:
                return link[1]
        return None

    link: str = eventually(found)
    return link


def choose_time(page: Page, button: str, *, day: int) -> None:
    """The first of one of the days with open times. On the next days patients cannot change visits any more."""
    page.locator("time-picker .tp-day:has(input:enabled)").nth(day).tap()
    page.locator("time-picker button.tp-time[aria-disabled=false]").first.tap()
    page.get_by_role("button", name=button).tap()
    page.wait_for_url("**/me")


def test_patient_books_for_a_family_moves_cancels_books_again_and_is_signed_out_from_elsewhere(
    browser: Browser, stack: LiveStack, post_office: MailStandIn
) -> None:
    if not stack.tells_the_outside:
        pytest.skip("mails go elsewhere")
    with phone(browser, stack) as (context, page):
        page.goto("/sign-up")
        page.get_by_label("Name").fill("Nora Story")
        page.get_by_label("E-mail").fill(EMAIL)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Create the account").tap()
        expect(page.get_by_text(f"Confirm {EMAIL}")).to_be_visible()

        page.goto(verification_link(post_office))
        page.get_by_role("button", name="Confirm").tap()
        page.get_by_role("link", name="Sign in").tap()
        sign_in(page)
        expect(page.get_by_text(f"Confirm {EMAIL}")).to_have_count(0)

        for name in ("Mia Story", "Tom Story"):
            page.goto("/me/family/add")
            page.get_by_label("Name").fill(name)
            page.get_by_role("button", name="Add").tap()
            page.wait_for_url("**/me/family")
        expect(page.locator(".me-list > li")).to_have_count(2)

        page.goto("/me/book")
        choose_time(page, "Book this time", day=4)
        page.goto("/me/family")
        page.get_by_role("link", name="Book for Mia Story").tap()
        choose_time(page, "Book this time", day=4)
        page.goto("/me/family")
        page.get_by_role("link", name="Book for Tom Story").tap()
        choose_time(page, "Book this time", day=4)
        expect(page.locator(".me-visit")).to_have_count(3)
        expect(page.get_by_text("for Mia Story")).to_be_visible()

        own = page.locator(".me-visit").filter(has_not_text="Story")
        before = own.get_by_role("heading").inner_text()
        own.get_by_role("link", name="Move").tap()
        choose_time(page, "Move the visit here", day=5)
        expect(page.get_by_text("The visit is moved.")).to_be_visible()
        expect(own.get_by_role("heading")).not_to_have_text(before)

        page.locator(".me-visit").filter(has_text="for Tom Story").get_by_role("link", name="Cancel").tap()
        page.get_by_role("button", name="Cancel the visit").tap()
        expect(page.locator(".me-visit")).to_have_count(2)
        page.get_by_role("link", name="Book again").tap()
        expect(page.get_by_label("For whom").locator("option:checked")).to_have_text("Tom Story")
        choose_time(page, "Book this time", day=4)
        expect(page.locator(".me-visit").filter(has_text="for Tom Story")).to_have_count(1)

        with phone(browser, stack, user_agent=FIREFOX) as (_, elsewhere):
            elsewhere.goto("/sign-in")
            sign_in(elsewhere)
            expect(elsewhere.locator(".me-visit")).to_have_count(3)
            page.goto("/me/account")
            page.get_by_role("button", name="Sign out Firefox").tap()
            expect(page.get_by_text("That device is signed out.")).to_be_visible()
            expect(elsewhere.get_by_text("You are signed out")).to_be_visible()
            expect(elsewhere.locator(".me-visit")).to_have_count(0)

        page.goto("/me")
        next_visit = page.locator(".me-visit").first.get_by_role("heading").inner_text()
        page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
        context.set_offline(True)
        page.goto("/me")
        expect(page.get_by_role("heading", name="No connection")).to_be_visible()
        expect(page.locator("#visit-when")).to_have_text(next_visit)
        expect(page.locator("#visit-age")).to_contain_text("Last known")
        context.set_offline(False)
        expect(page.locator(".me-visit").first).to_be_visible()
        page.get_by_role("button", name="Sign out").tap()
        page.wait_for_url("**/sign-in")
        assert page.evaluate("() => localStorage.getItem('chairside-visit')") is None


@pytest.fixture
def whole_browser(browser: Browser) -> Iterator[Browser]:
    """The shell that stories look through has no notifications."""
    program = shutil.which("chromium")
    assert program is not None
    whole = browser.browser_type.launch(executable_path=program, args=ARGUMENTS)
    yield whole
    whole.close()


def test_browser_that_refuses_web_push_is_told_plainly_and_what_is_pushed_is_shown(
    whole_browser: Browser, stack: LiveStack
) -> None:
    with phone(whole_browser, stack) as (context, page):
        context.grant_permissions(["notifications"])
        page.goto("/sign-in?next=/me/account")
        board_sign_in(page, stack.person("patient"))
        switch = page.locator("#push")
        switch.get_by_role("button", name="Turn on for this device").tap()
        expect(switch.get_by_role("status")).to_contain_text("The browser does not allow it.")
        expect(switch.get_by_role("button")).to_have_attribute("aria-pressed", "false")
        push(context, page, {"title": "Riverside", "body": "The clinic has answered.", "url": "/me"})
        shown = eventually(lambda: page.evaluate(NOTIFICATIONS))
        assert shown == [["Riverside", "The clinic has answered.", "/me"]]


NOTIFICATIONS = """() => navigator.serviceWorker.ready.then((one) => one.getNotifications())
  .then((all) => all.map(({ title, body, data }) => [title, body, data.url]))"""


def push(context: BrowserContext, page: Page, payload: dict[str, str]) -> None:
    """As a push service would hand it to the browser: none is within reach."""
    tools = context.new_cdp_session(page)
    found: list[dict[str, Any]] = []
    tools.on("ServiceWorker.workerRegistrationUpdated", lambda told: found.extend(told["registrations"]))
    tools.send("ServiceWorker.enable")
    registration = eventually(lambda: page.evaluate("1") and found)[0]
    origin = page.evaluate("location.origin")
    message = {"origin": origin, "registrationId": registration["registrationId"], "data": json.dumps(payload)}
    tools.send("ServiceWorker.deliverPushMessage", message)
