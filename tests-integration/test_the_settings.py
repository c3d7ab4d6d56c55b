"""An owner at the settings, in a real browser: days are closed, hours painted, rules changed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from testkit.live.browsing import DESK, TIMEOUT_MS, sign_in
from testkit.live.people import SignedIn, zone_of
from testkit.live.stack import LiveStack

_number = count(1)
WHOLE_WEEK = {"blocks": [{"weekday": weekday, "start": "08:00", "end": "18:00"} for weekday in range(7)]}


@contextmanager
def settings_of(browser: Browser, stack: LiveStack, path: str, **options: Any) -> Iterator[Page]:
    context = browser.new_context(base_url=stack.pages_url, **{**DESK, **options})
    page = context.new_page()
    expect.set_options(timeout=TIMEOUT_MS)
    page.set_default_timeout(TIMEOUT_MS)
    page.goto(path)
    sign_in(page, stack.person("owner"))
    page.wait_for_url(f"**{path}")
    yield page
    context.close()


@dataclass
class Practice:
    """A practitioner of this story alone, and the owner."""

    owner: SignedIn
    practitioner: int
    name: str

    @property
    def today(self) -> date:
        return datetime.now(zone_of(self.owner)).date()

    def book(self, day: date, hour: int) -> dict[str, Any]:
        patient = self.owner.post("/api/v1/patients", {"name": f"Theodora Winterbottom {next(_number)}"}).json()["id"]
        start = datetime.combine(day, time(hour), zone_of(self.owner))
        return self.owner.book(start, practitioner=self.practitioner, patient=patient)

    def visit(self, visit_id: int) -> dict[str, Any]:
        visit: dict[str, Any] = self.owner.get(f"/api/v1/appointments/{visit_id}")
        return visit

    def hours(self) -> list[tuple[int, str, str]]:
        shown = self.owner.get(f"/api/v1/practitioners/{self.practitioner}/availability")
        return [(block["weekday"], block["start"], block["end"]) for block in shown["blocks"]]


@pytest.fixture
def practice(stack: LiveStack) -> Iterator[Practice]:
    with SignedIn(stack, "owner") as owner:
        name = f"Dr. Ottilie Ackermann {next(_number)}"
        made = owner.post("/api/v1/practitioners", {"name": name})
        assert made.status_code == 201, made.text
        owner.http.patch("/api/v1/clinic", json={"undo_seconds": 60}).raise_for_status()
        yield Practice(owner, made.json()["id"], name)
        owner.http.delete(f"/api/v1/practitioners/{made.json()['id']}", params={"appointments": "cancel"})
        owner.http.patch("/api/v1/clinic", json={"undo_seconds": 0}).raise_for_status()


def visit_of(page: Page, booked: dict[str, Any]) -> Locator:
    return page.get_by_role("group", name=booked["patient_name"])


def test_closed_day_with_visits_each_moved_kept_or_cancelled(
    browser: Browser, stack: LiveStack, practice: Practice
) -> None:
    practice.owner.http.put(f"/api/v1/practitioners/{practice.practitioner}/availability", json=WHOLE_WEEK)
    day = practice.today + timedelta(days=45)
    day += timedelta(days=(day.month, day.day) == (12, 31))  # A range ends in its year.
    moved, kept, cancelled = (practice.book(day, hour) for hour in (9, 10, 11))
    path = f"/settings/closures?who={practice.practitioner}&year={day.year}"
    with settings_of(browser, stack, "/settings/closures") as page:
        page.goto(path)
        page.locator(f"[data-date='{day}']").focus()
        page.keyboard.press("Shift+ArrowRight")
        page.keyboard.press("Enter")
        expect(page.get_by_label("Last day")).to_have_value(f"{day + timedelta(days=1)}")
        page.locator(f"[data-date='{day}']").click()
        expect(page.get_by_label("Last day")).to_have_value(f"{day}")
        expect(page.get_by_label("First day")).to_have_value(f"{day}")
        page.get_by_label("Reason").fill("Conference")
        page.get_by_role("button", name="Save").click()
        booked = page.get_by_role("region", name="Three visits are booked that day. Move, keep or cancel them.")
        expect(booked).to_be_focused()
        visit_of(page, moved).get_by_label("Move to").check()
        visit_of(page, kept).get_by_label("Keep").check()
        visit_of(page, cancelled).get_by_label("Cancel").check()
        page.get_by_role("button", name="Close, and do this with the visits").click()
        expect(page.get_by_text(f"{moved['patient_name']}, ")).to_contain_text("moved to")
        assert practice.visit(moved["id"])["date"] != f"{day}"
        assert practice.visit(kept["id"])["status"] == "confirmed"
        assert practice.visit(cancelled["id"])["status"] == "cancelled"
        gone = page.get_by_role("listitem").filter(has_text=f"{cancelled['patient_name']}, ")
        gone.get_by_role("button", name="Undo").click()
        expect(page.get_by_text(f"{cancelled['patient_name']}: undone, nobody is told.")).to_be_visible()
        assert practice.visit(cancelled["id"])["status"] == "confirmed"
        expect(page.get_by_role("heading", name="2 visits are still booked outside of the hours")).to_be_visible()


def test_week_is_painted_with_pointer_and_keyboard(browser: Browser, stack: LiveStack, practice: Practice) -> None:
    path = f"/settings/hours/{practice.practitioner}"
    with settings_of(browser, stack, path) as page:
        cell = page.get_by_role("gridcell")
        page.get_by_role("gridcell", name="Monday 09:00").hover()
        page.mouse.down()
        page.get_by_role("gridcell", name="Monday 11:30").hover()
        page.mouse.up()
        expect(cell.and_(page.get_by_label("Monday 10:00, working", exact=True))).to_be_visible()
        page.get_by_role("gridcell", name="Monday 11:30").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Shift+ArrowDown")
        page.keyboard.press("Shift+ArrowDown")
        page.keyboard.press("Space")
        expect(page.locator("#paint-said")).to_have_text("Tuesday, 11:30 to 13:00: working.")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("Saved.")).to_be_visible()
        assert practice.hours() == [(0, "09:00", "12:00"), (1, "11:30", "13:00")]
        page.get_by_role("gridcell", name="Tuesday 12:00").focus()
        page.keyboard.press("Space")
        expect(page.locator("#paint-said")).to_have_text("Tuesday, 12:00 to 12:30: not working.")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("Saved.")).to_be_visible()
        assert practice.hours() == [(0, "09:00", "12:00"), (1, "11:30", "12:00"), (1, "12:30", "13:00")]


def test_rule_is_changed_without_scripts(browser: Browser, stack: LiveStack, practice: Practice) -> None:
    before = practice.owner.get("/api/v1/clinic")["cancellation_notice_minutes"]
    with settings_of(browser, stack, "/settings/policy", java_script_enabled=False) as page:
        page.get_by_label("Time before the start until which patients may cancel", exact=True).fill("36")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Saved.")).to_be_visible()
    assert practice.owner.get("/api/v1/clinic")["cancellation_notice_minutes"] == 36 * 60
    practice.owner.http.patch("/api/v1/clinic", json={"cancellation_notice_minutes": before}).raise_for_status()
