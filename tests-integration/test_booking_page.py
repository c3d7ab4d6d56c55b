"""The booking page on a phone, on the full stack: by touch and by keyboard, two guests for one time, a reload, a
family, and no scripts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from testkit.live.browsing import sign_in
from testkit.live.looking import COLOUR_RULES, set_theme, small_targets, sticking_out, violations
from testkit.live.people import SignedIn, zone_of
from testkit.live.stack import LiveStack

PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "is_mobile": True,
    "has_touch": True,
    "reduced_motion": "reduce",
}
WHOLE_WEEK = {"blocks": [{"weekday": weekday, "start": "08:00", "end": "18:00"} for weekday in range(7)]}
_number = count(1)


@dataclass
class Practice:
    """One practitioner, and a service that nobody else offers. Each story has a day of its own."""

    stack: LiveStack
    desk: SignedIn
    service_id: int
    slug: str
    zone: ZoneInfo

    def next_day(self) -> str:
        return f"{datetime.now(self.zone).date() + timedelta(days=1 + next(_number))}"

    def address(self, day: str) -> str:
        return f"{self.stack.pages_url}/book/{self.slug}?service={self.service_id}&date={day}"

    def visits(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.desk.get("/api/v1/appointments", search=name)["results"]
        return [visit for visit in found if visit["patient_name"] == name]


@pytest.fixture(scope="module")
def practice(stack: LiveStack) -> Iterator[Practice]:
    with SignedIn(stack, "owner") as owner, SignedIn(stack, "staff") as desk:
        practitioner = owner.post("/api/v1/practitioners", {"name": "Dr. Ottilie Quell"}).json()["id"]
        owner.http.put(f"/api/v1/practitioners/{practitioner}/availability", json=WHOLE_WEEK).raise_for_status()
        offered = {"name": "Quiet polish", "duration_minutes": 30, "practitioners": [practitioner]}
        service = owner.post("/api/v1/services", offered)
        assert service.status_code == 201, service.text
        slug = owner.get("/api/v1/clinic")["slug"]
        yield Practice(stack, desk, service.json()["id"], slug, zone_of(desk))
        owner.http.delete(f"/api/v1/services/{service.json()['id']}")
        owner.http.delete(f"/api/v1/practitioners/{practitioner}", params={"appointments": "cancel"})


@contextmanager
def visitor(browser: Browser, **options: Any) -> Iterator[Page]:
    context = browser.new_context(**{**PHONE, **options})
    context.set_default_timeout(15_000)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    context.close()
    assert problems == []


def time_button(page: Page, text: str) -> Any:
    return page.locator("time-picker .tp-times").get_by_role("button", name=text, exact=True)


def look(page: Page) -> None:
    """By axe in both schemes, for a thumb, and as narrow as a screen may be."""
    assert violations(page) == []
    assert small_targets(page) == []
    for theme in ("dark", "light"):
        set_theme(page, theme)
        assert violations(page, COLOUR_RULES) == []
    page.set_viewport_size({"width": 320, "height": 640})
    assert sticking_out(page) == []
    page.set_viewport_size(PHONE["viewport"])


def type_details(page: Page, name: str) -> None:
    you = page.locator("#you")
    you.get_by_label("Name").fill(name)
    you.get_by_label("Phone").fill(f"+1 212 555 {next(_number):04}")


def test_guest_books_by_touch(browser: Browser, practice: Practice) -> None:
    name = "Gwendolyn Touch"
    with visitor(browser) as page:
        page.goto(f"{practice.stack.pages_url}/book/{practice.slug}")
        page.get_by_role("link", name="Quiet polish").tap()
        expect(page.locator("time-picker button.tp-time").first).to_be_visible()
        look(page)
        page.locator("time-picker .tp-times .tp-time").first.tap()
        held = page.get_by_role("group", name="Your time")
        expect(held).to_contain_text("Your time is held for 4:")
        look(page)
        type_details(page, name)
        page.get_by_role("button", name="Book this visit").tap()
        expect(page.get_by_role("heading", name="Your request is with the clinic")).to_be_visible()
        look(page)
    [visit] = practice.visits(name)
    assert (visit["status"], visit["source"]) == ("pending", "guest")


def test_guest_books_by_keyboard_alone(browser: Browser, practice: Practice) -> None:
    name = "Gideon Keys"
    with visitor(browser, has_touch=False, is_mobile=False) as page:
        page.goto(practice.address(practice.next_day()))
        expect(time_button(page, "09:00")).to_be_visible()
        time_button(page, "09:00").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("group", name="Your time")).to_be_visible()
        expect(page.locator("#you").get_by_label("Name")).to_be_focused()
        page.keyboard.type(name)
        page.keyboard.press("Tab")
        page.keyboard.type("+1 212 555 0143")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Your request is with the clinic")).to_be_focused()
    assert len(practice.visits(name)) == 1


def test_second_of_two_guests_is_told_at_once_and_sees_the_nearest(browser: Browser, practice: Practice) -> None:
    day = practice.next_day()
    with visitor(browser) as first, visitor(browser) as second:
        for page in (first, second):
            page.goto(practice.address(day))
            expect(time_button(page, "10:00")).to_be_visible()
        # The second one's page hears nothing of what the first one does until it asks.
        second.route("**/api/v1/slots**", lambda route: route.abort())
        second.evaluate("document.querySelector('time-picker')._live.stop()")
        time_button(first, "10:00").tap()
        expect(first.get_by_role("group", name="Your time")).to_be_visible()
        time_button(second, "10:00").tap()
        said = second.locator(".tp-said")
        expect(said).to_contain_text("Somebody else has just taken 10:00.")
        expect(said.get_by_role("button")).to_have_count(3)
        said.get_by_role("button").nth(1).tap()
        expect(second.get_by_role("group", name="Your time")).to_contain_text("09:30")


def test_reload_keeps_the_hold_which_is_renewed_once(browser: Browser, practice: Practice) -> None:
    with visitor(browser) as page:
        page.goto(practice.address(practice.next_day()))
        time_button(page, "11:00").tap()
        held = page.get_by_role("group", name="Your time")
        expect(held).to_contain_text("11:00")
        page.reload()
        expect(held).to_contain_text("11:00")
        expect(page.locator("#you")).to_be_visible()
        page.get_by_role("button", name="Hold it longer").tap()
        expect(page.get_by_role("button", name="Hold it longer")).to_have_count(0)
        page.get_by_role("button", name="Change the time").tap()
        expect(time_button(page, "11:00")).to_be_visible()


def test_parent_books_for_a_family_of_three(browser: Browser, practice: Practice) -> None:
    day = practice.next_day()
    with visitor(browser) as page:
        page.goto(f"{practice.stack.pages_url}/sign-in")
        sign_in(page, practice.stack.person("patient"))
        for time, name in (("09:00", "Ida Quell"), ("09:30", "Otto Quell"), ("10:00", "")):
            page.goto(practice.address(day))
            time_button(page, time).tap()
            you = page.locator("#you")
            expect(you).to_be_visible()
            if name:
                you.get_by_role("radio", name="Somebody else of my family").check()
                you.get_by_label("Name").fill(name)
            you.get_by_role("button", name="Book this visit").tap()
            expect(page.locator(".book-done h1")).to_be_visible()
    booked = practice.desk.get("/api/v1/appointments", date=day, scope="all")["results"]
    mine = [visit for visit in booked if visit["service"] == practice.service_id]
    assert {visit["time"] for visit in mine} == {"09:00", "09:30", "10:00"}
    assert {"Ida Quell", "Otto Quell"} < {visit["patient_name"] for visit in mine}


def test_waitlist_asks_for_the_person_chosen_among_the_times(browser: Browser, practice: Practice) -> None:
    offered = practice.desk.get("/api/v1/services")["results"]
    service = next(one for one in offered if len(one["practitioners"]) > 1)
    with visitor(browser) as page:
        page.goto(f"{practice.stack.pages_url}/book/{practice.slug}?service={service['id']}")
        person = page.locator("time-picker .tp-person").nth(1)
        person.tap()
        chosen = person.get_by_role("radio").input_value()
        page.get_by_text("Nothing suits?").tap()
        form = page.locator(".book-wait form")
        expect(form.locator("[name=practitioner]")).to_have_value(chosen)
        expect(form.locator("#wait-with")).to_contain_text("with ")
        look(page)
        page.locator("time-picker .tp-person").first.tap()
        expect(form.locator("[name=practitioner]")).to_have_value("")
        expect(form.locator("#wait-with")).to_be_hidden()


def test_guest_books_without_scripts(browser: Browser, practice: Practice) -> None:
    name = "Norbert Noscript"
    with visitor(browser, java_script_enabled=False) as page:
        page.goto(practice.address(practice.next_day()))
        page.get_by_role("link", name="09:00").tap()
        type_details(page, name)
        page.get_by_role("button", name="Book this visit").tap()
        expect(page.get_by_role("heading", name="Your request is with the clinic")).to_be_visible()
    assert len(practice.visits(name)) == 1
