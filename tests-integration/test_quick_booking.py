"""Quick booking in a real browser: somebody calls, and the desk books with a few keys, which are counted."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, expect

from testkit.live.browsing import Board, page_of
from testkit.live.people import SignedIn, zone_of
from testkit.live.stack import LiveStack

MAX_DECISIONS, MAX_KEYS = 4, 12
WHOLE_WEEK = {"blocks": [{"weekday": weekday, "start": "08:00", "end": "18:00"} for weekday in range(7)]}
_number = count(1)


@dataclass
class Practice:
    """One practitioner, and a service that nobody else offers."""

    stack: LiveStack
    desk: SignedIn
    practitioner: int
    service: str
    service_id: int
    zone: ZoneInfo

    def new_patient(self) -> str:
        name = f"Quillon Ostrander {next(_number)}"
        assert self.desk.post("/api/v1/patients", {"name": name, "phone": "+12125559876"}).status_code == 201
        return name

    def visits(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.desk.get("/api/v1/appointments", search=name)["results"]
        return [visit for visit in found if visit["patient_name"] == name]

    def tomorrow_at(self, hour: int) -> datetime:
        day = datetime.now(self.zone).date() + timedelta(days=1)
        return datetime.combine(day, time(hour), self.zone)


@pytest.fixture(scope="module")
def practice(stack: LiveStack) -> Iterator[Practice]:
    with SignedIn(stack, "owner") as owner, SignedIn(stack, "staff") as desk:
        practitioner = owner.post("/api/v1/practitioners", {"name": "Dr. Ottoline Quick"}).json()["id"]
        owner.http.put(f"/api/v1/practitioners/{practitioner}/availability", json=WHOLE_WEEK).raise_for_status()
        offered = {"name": "Quick polish", "duration_minutes": 30, "practitioners": [practitioner]}
        service = owner.post("/api/v1/services", offered)
        assert service.status_code == 201, service.text
        yield Practice(stack, desk, practitioner, "Quick polish", service.json()["id"], zone_of(desk))
        owner.http.delete(f"/api/v1/services/{service.json()['id']}")
        owner.http.delete(f"/api/v1/practitioners/{practitioner}", params={"appointments": "cancel"})


@pytest.fixture
def board(browser: Browser, practice: Practice) -> Iterator[Board]:
    with page_of(browser, practice.stack, practice.stack.person("staff"), "/board") as board:
        board.page.evaluate("() => { window.pressed = 0; addEventListener('keydown', () => window.pressed++, true); }")
        yield board


def open_booking(board: Board) -> None:
    board.page.locator("body").press("b")
    expect(board.page.get_by_role("combobox", name="Name or phone")).to_be_focused()


def type_name(board: Board, name: str) -> None:
    """Type it, and count the keys from here on."""
    board.page.keyboard.type(name)
    expect(board.page.get_by_role("option", name=name)).to_be_visible()
    board.page.evaluate("() => { window.pressed = 0; }")


def choose_service(board: Board, practice: Practice) -> int:
    """By arrows from the service that has the focus. Answers how many keys it took."""
    names = board.page.locator(".service").all_inner_texts()
    focused = board.page.evaluate("() => [...document.querySelectorAll('.service')].indexOf(document.activeElement)")
    wanted = next(at for at, text in enumerate(names) if practice.service in text)
    back = int(focused - wanted) % len(names)
    for _ in range(back):
        board.page.keyboard.press("ArrowLeft")
    board.page.keyboard.press("Enter")
    return back + 1


def test_known_patient_is_booked_with_four_decisions_and_few_keys(board: Board, practice: Practice) -> None:
    name, decisions = practice.new_patient(), 0
    open_booking(board)
    type_name(board, name)
    board.page.keyboard.press("Enter")
    decisions += 1
    expect(board.page.locator(".service").first).to_be_focused()
    walked = choose_service(board, practice) - 1  # As far as this clinic's list of services is long.
    decisions += 1
    expect(board.page.locator(".slot").first).to_be_focused()
    board.page.keyboard.press("Enter")
    decisions += 1
    expect(board.page.get_by_role("timer")).to_contain_text("kept for")
    expect(board.page.get_by_role("button", name="Book", exact=True).last).to_be_focused()
    board.page.keyboard.press("Enter")
    decisions += 1
    expect(board.page.locator("#frame-toasts")).to_contain_text(f"Booked: {name}")
    assert decisions <= MAX_DECISIONS
    assert board.page.evaluate("() => window.pressed") - walked <= MAX_KEYS
    (visit,) = practice.visits(name)
    assert (visit["status"], visit["service"], visit["practitioner"]) == (
        "confirmed",
        practice.service_id,
        practice.practitioner,
    )
    assert board.complaints == []


def test_new_patient_is_booked_from_the_name_that_was_typed(board: Board, practice: Practice) -> None:
    name = f"Zephyrine Nakamura-Long {next(_number)}"
    open_booking(board)
    board.page.keyboard.type(name)
    expect(board.page.get_by_role("option", name="New patient")).to_be_visible()
    board.page.keyboard.press("Enter")
    expect(board.page.get_by_label("Name", exact=True)).to_have_value(name)
    expect(board.page.get_by_label("Phone")).to_be_focused()
    board.page.keyboard.type("212 555 0186")
    board.page.keyboard.press("Enter")
    expect(board.page.locator(".service").first).to_be_focused()
    choose_service(board, practice)
    expect(board.page.locator(".slot").first).to_be_focused()
    board.page.keyboard.press("Enter")
    expect(board.page.get_by_role("timer")).to_be_visible()
    expect(board.page.locator("#booking-book")).to_be_focused()
    board.page.keyboard.press("Enter")
    expect(board.page.locator("#frame-toasts")).to_contain_text(f"Booked: {name}")
    (visit,) = practice.visits(name)
    assert visit["patient_phone"] == "+12125550186"


def test_time_that_somebody_else_took_offers_the_nearest_one_click_away(board: Board, practice: Practice) -> None:
    name, page = practice.new_patient(), board.page
    open_booking(board)
    type_name(board, name)
    page.keyboard.press("Enter")
    page.locator(".service", has_text=practice.service).click()
    slot = page.locator(".slot").first
    expect(slot).to_be_visible()
    soonest = practice.desk.get("/api/v1/slots/soonest", service=practice.service_id)["slots"][0]["start"]
    somebody = practice.desk.new_patient()
    practice.desk.book(datetime.fromisoformat(soonest), practitioner=practice.practitioner, patient=somebody)
    slot.click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("This time has just been taken.")
    alert.get_by_role("button").first.click()
    expect(page.get_by_role("timer")).to_be_visible()
    expect(page.locator("#booking-book")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#frame-toasts")).to_contain_text(f"Booked: {name}")
    assert practice.visits(name)[0]["start"] != soonest


def test_closed_dialog_lets_its_time_go(board: Board, practice: Practice) -> None:
    page, name = board.page, practice.new_patient()
    open_booking(board)
    type_name(board, name)
    page.keyboard.press("Enter")
    page.locator(".service", has_text=practice.service).click()
    page.locator(".slot").first.click()
    expect(page.get_by_role("timer")).to_be_visible()
    held = practice.desk.get("/api/v1/slots/soonest", service=practice.service_id)["slots"][0]["start"]
    with page.expect_response(lambda response: response.request.method == "DELETE"):
        page.keyboard.press("Escape")
    free = practice.desk.get("/api/v1/slots/soonest", service=practice.service_id)["slots"][0]["start"]
    assert free < held


def test_walk_in_is_here_at_once(board: Board, practice: Practice) -> None:
    page, name = board.page, practice.new_patient()
    open_booking(board)
    type_name(board, name)
    page.keyboard.press("Enter")
    page.locator(".service", has_text=practice.service).click()
    page.get_by_role("button", name="Walk-in, now").click()
    page.get_by_role("group", name="Walk-in with").get_by_role("button", name="Dr. Ottoline Quick").click()
    page.locator("#booking-book").click()
    expect(page.locator("#frame-toasts")).to_contain_text(f"{name} is here")
    assert practice.visits(name)[0]["status"] == "checked_in"
