"""The board in a real browser, over both services: what one does is what everybody sees."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import count, pairwise
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from clinic.appointments.lifecycle import Facts, Party, Status, allowed_actions
from playwright.sync_api import Browser, Page, expect

from testkit.live.browsing import PHONE, Board, board_of, sign_in
from testkit.live.people import SignedIn, zone_of
from testkit.live.stack import LiveStack
from testkit.live.visits import ask_for_visit
from testkit.stream.front_end import evaluate_within

_number = count(1)
WHOLE_WEEK = {"blocks": [{"weekday": weekday, "start": "08:00", "end": "18:00"} for weekday in range(7)]}


@dataclass
class Room:
    """A practitioner of this story alone, and the desk that books for them."""

    desk: SignedIn
    patient: SignedIn
    practitioner: int
    name: str
    zone: ZoneInfo

    @property
    def query(self) -> str:
        return f"?practitioner={self.practitioner}"

    @property
    def today(self) -> date:
        return datetime.now(self.zone).date()

    def book(self, start: datetime) -> dict[str, Any]:
        return self.desk.book(start, practitioner=self.practitioner, patient=self.new_patient())

    def book_now(self) -> dict[str, Any]:
        """For somebody who walks in: it begins on the five minutes before, or on those that begin in a moment."""
        soon = datetime.now(self.zone) + timedelta(seconds=20)
        return self.book(soon.replace(minute=soon.minute - soon.minute % 5, second=0, microsecond=0))

    def new_patient(self) -> int:
        made = self.desk.post("/api/v1/patients", {"name": f"Wilhelmina Achterberg {next(_number)}"})
        assert made.status_code == 201, made.text
        return int(made.json()["id"])

    def ask(self) -> dict[str, Any]:
        """The patient's own request for tomorrow."""
        tomorrow = self.today + timedelta(days=1)
        return ask_for_visit(self.patient, self.practitioner, tomorrow, tomorrow)

    def ask_as_guest(self, name: str, phone: str) -> int:
        """The id of a guest's request, as the desk sees it."""
        first = self.today + timedelta(days=1)
        slots = self.desk.get(f"/api/v1/practitioners/{self.practitioner}/slots", **{"from": first, "to": first})
        start = slots["slots"][next(_number) % 8]["start"]
        body = {"practitioner": self.practitioner, "start": start, "name": name, "phone": phone}
        asked = self.patient.post("/api/v1/public/bookings", body)
        assert asked.status_code == 201, asked.text
        rows = self.desk.get("/api/v1/appointments", practitioner=self.practitioner, status="pending")["results"]
        return int(next(row["id"] for row in rows if row["patient_name"] == name))

    def status(self, appointment_id: int) -> str:
        return str(self.desk.get(f"/api/v1/appointments/{appointment_id}")["status"])


@pytest.fixture
def room(stack: LiveStack) -> Iterator[Room]:
    with SignedIn(stack, "owner") as owner, SignedIn(stack, "staff") as desk, SignedIn(stack, "patient") as patient:
        name = f"Dr. Maximiliane Oberhuber {next(_number)}"
        made = owner.post("/api/v1/practitioners", {"name": name})
        assert made.status_code == 201, made.text
        practitioner = made.json()["id"]
        hours = owner.http.put(f"/api/v1/practitioners/{practitioner}/availability", json=WHOLE_WEEK)
        assert hours.status_code == 200, hours.text
        yield Room(desk, patient, practitioner, name, zone_of(desk))
        owner.http.delete(f"/api/v1/practitioners/{practitioner}", params={"appointments": "cancel"})


@pytest.fixture
def board(browser: Browser, stack: LiveStack, room: Room) -> Iterator[Board]:
    """Of the desk, showing the story's practitioner."""
    with board_of(browser, stack, stack.person("staff"), room.query) as board:
        yield board


# Changes made elsewhere are seen here


def test_a_booking_over_rest_appears_and_is_announced(room: Room, board: Board) -> None:
    expect(board.page.get_by_text("Nobody comes to this practitioner on this day.")).to_be_visible()
    booked = room.book_now()
    card = board.card(booked["id"])
    expect(card).to_contain_text(booked["patient_name"])
    expect(card).to_contain_text("Confirmed")
    expect(board.page.locator("#heard")).to_contain_text(f"{booked['patient_name']}, {booked['time']}, Confirmed")
    room.desk.act(booked["id"], "check-in")
    expect(board.status_of(booked["id"])).to_have_text("Here")
    room.desk.http.delete(f"/api/v1/appointments/{booked['id']}")
    expect(card).to_have_count(0)
    assert board.complaints == []


def test_a_request_appears_in_the_queue(room: Room, board: Board) -> None:
    asked = room.ask()
    expect(board.request(asked["id"])).to_contain_text(f"Tomorrow, {asked['time']}")
    expect(board.page.locator("#requests-count")).to_have_text("1")


# Changes made here are seen elsewhere


def test_approved_on_the_board_confirmed_over_rest(room: Room, board: Board) -> None:
    asked = room.ask()
    who = f"{asked['patient_name']}, tomorrow {asked['time']}"
    board.page.get_by_role("button", name=f"Approve {who}").click()
    expect(board.request(asked["id"])).to_have_count(0)
    assert room.status(asked["id"]) == "confirmed"
    expect(board.page.get_by_text("All answered")).to_be_visible()


@pytest.mark.parametrize("answer", ["Link to Gwen Ashworth", "Somebody else", "Not yet"])
def test_desk_is_offered_the_record_of_a_guest_it_knows(room: Room, board: Board, answer: str) -> None:
    """One click approves the request and links it."""
    phone = f"+4930555{next(_number):04}"
    known = room.desk.post("/api/v1/patients", {"name": "Gwen Ashworth", "phone": phone}).json()["id"]
    asked = room.ask_as_guest("gwen ashworth", phone)
    board.request(asked).get_by_role("button", name="Approve").click()
    dialog = board.page.get_by_role("dialog")
    expect(dialog).to_contain_text("gwen ashworth is known already")
    dialog.get_by_role("button", name=answer).click()
    expect(dialog).to_have_count(0)
    if answer == "Not yet":
        assert room.status(asked) == "pending"
        return
    expect(board.request(asked)).to_have_count(0)
    shown = room.desk.get(f"/api/v1/appointments/{asked}")
    assert (shown["status"], shown["patient"] == known) == ("confirmed", answer.startswith("Link"))
    assert board.complaints == []


def test_rejected_on_the_board_with_a_reason(room: Room, board: Board) -> None:
    asked = room.ask()
    board.request(asked["id"]).get_by_role("button", name="Reject").click()
    dialog = board.page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"Reject {asked['patient_name']}")
    dialog.get_by_label("Reason").fill("Fully booked")
    dialog.get_by_role("button", name="Reject").click()
    expect(board.request(asked["id"])).to_have_count(0)
    shown = room.desk.get(f"/api/v1/appointments/{asked['id']}")
    assert (shown["status"], shown["cancel_reason"]) == ("rejected", "Fully booked")


def test_step_is_undone_on_the_board_within_the_window(browser: Browser, stack: LiveStack, room: Room) -> None:
    asked = room.ask()
    with (
        SignedIn(stack, "owner") as owner,
        undo_window(owner, seconds=60),
        board_of(browser, stack, stack.person("staff"), room.query) as board,
    ):
        board.page.get_by_role("button", name=f"Approve {asked['patient_name']}").first.click()
        expect(board.request(asked["id"])).to_have_count(0)
        toast = board.page.locator(".toast.undo")
        expect(toast).to_contain_text("The patient is notified in")
        toast.get_by_role("button", name="Undo").click()
        expect(board.request(asked["id"])).to_have_count(1)
        expect(toast).to_have_count(0)
        assert room.status(asked["id"]) == "pending"
        assert board.complaints == []


def test_move_that_a_patient_asks_for_far_ahead_is_answered_on_the_board(
    browser: Browser, stack: LiveStack, room: Room
) -> None:
    with (
        SignedIn(stack, "owner") as owner,
        undo_window(owner, seconds=60),
        moves_asked_for(owner),
        board_of(browser, stack, stack.person("staff"), room.query) as board,
    ):
        day = room.today + timedelta(days=12)
        visit = room.book(datetime.combine(day, time(10), room.zone))
        wanted = datetime.combine(day, time(11), room.zone).isoformat()
        move = {"start": wanted}
        assert room.patient.post(f"/api/v1/public/bookings/{visit['reference']}/move", move).status_code == 202
        asked = board.request(visit["id"])
        expect(asked).to_contain_text("asks for")
        asked.get_by_role("button", name="Keep the time").click()
        expect(asked).to_have_count(0)
        board.page.locator(".toast.undo").get_by_role("button").click()
        expect(asked).to_be_visible()
        asked.get_by_role("button", name="Move to").press("Enter")  # A click where a card has just gone is not meant.
        expect(asked).to_have_count(0)
        assert room.desk.get(f"/api/v1/appointments/{visit['id']}")["start"] == wanted
        assert board.complaints == []


def test_patient_is_called_into_the_room_that_was_named_last(room: Room, board: Board) -> None:
    later = datetime.now(room.zone).replace(second=0, microsecond=0) + timedelta(minutes=40)
    if later.date() != room.today:
        pytest.skip("The day ends before.")
    before, visit = room.book_now(), room.book(later.replace(minute=later.minute - later.minute % 5))
    for one in (before, visit):
        room.desk.act(one["id"], "check-in")
    called = room.desk.post(f"/api/v1/appointments/{before['id']}/call", {"room": "Blue"})
    assert called.status_code == 200, called.text
    expect(board.card(before["id"])).to_contain_text("Blue")
    board.card(visit["id"]).locator("[data-action=call]").click()
    field = board.page.get_by_role("dialog").get_by_label("Room")
    expect(field).to_have_value("Blue")
    field.fill("Green")
    field.press("Enter")
    expect(board.card(visit["id"])).to_contain_text("Green")
    assert board.complaints == []


def test_approval_undone_within_the_window_is_never_told(browser: Browser, stack: LiveStack, room: Room) -> None:
    """Also from another page, to which the bar comes along."""
    asked = room.ask()
    with (
        SignedIn(stack, "owner") as owner,
        undo_window(owner, seconds=60),
        board_of(browser, stack, stack.person("staff"), room.query) as board,
    ):
        board.page.get_by_role("button", name=f"Approve {asked['patient_name']}").first.click()
        expect(board.page.locator(".toast.undo")).to_be_visible()
        board.page.goto("/calendar")
        expect(board.page.locator(".toast.undo")).to_contain_text("The patient is notified in")
        board.page.keyboard.press("z")
        expect(board.page.locator(".toast.undo")).to_have_count(0)
        wait_until(lambda: room.status(asked["id"]) == "pending")
        told = owner.get("/api/v1/messages", appointment=asked["id"])["results"]
        assert not [message for message in told if "confirm" in message["template"] and message["state"] == "sent"]


def test_double_click_approves_one(room: Room, board: Board) -> None:
    """The next request slides under the pointer as the first one goes."""
    first, second = room.ask(), room.ask()
    expect(board.request(second["id"])).to_be_visible()
    box = board.request(first["id"]).get_by_role("button", name="Approve").bounding_box()
    assert box is not None
    at = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    board.page.mouse.dblclick(*at)
    expect(board.request(first["id"])).to_have_count(0)
    board.page.mouse.click(*at)
    expect(board.request(second["id"])).to_be_visible()
    assert (room.status(first["id"]), room.status(second["id"])) == ("confirmed", "pending")


def test_five_approvals_by_keyboard(room: Room, board: Board) -> None:
    asked = [room.ask()["id"] for _ in range(5)]
    expect(board.page.locator("#requests-list [data-id]")).to_have_count(5)
    board.page.keyboard.press("r")
    for left in range(4, -1, -1):
        board.page.keyboard.press("a")
        expect(board.page.locator("#requests-list [data-id]")).to_have_count(left)
    assert {room.status(row_id) for row_id in asked} == {"confirmed"}


def test_key_of_the_next_step_never_cancels(room: Room, board: Board) -> None:
    """Of a visit on another day nothing but a cancellation is open."""
    tomorrow = datetime.combine(room.today + timedelta(days=1), time(9), room.zone)
    booked = room.book(tomorrow)
    board.open(f"{room.query}&date={tomorrow:%Y-%m-%d}")
    card = board.card(booked["id"])
    expect(card.get_by_role("button", name="Cancel")).to_have_class(re.compile("danger"))
    board.page.keyboard.press("d")
    board.page.keyboard.press("a")
    expect(board.page.locator("dialog[open]")).to_have_count(0)
    board.page.keyboard.press("x")
    expect(board.page.get_by_role("dialog")).to_be_visible()


def test_day_is_filtered_by_status_and_by_name(room: Room, board: Board) -> None:
    nine = datetime.combine(room.today + timedelta(days=1), time(9), room.zone)
    one, other = room.book(nine), room.book(nine + timedelta(hours=1))
    room.desk.act(one["id"], "cancel")
    board.open(f"{room.query}&date={nine:%Y-%m-%d}")
    expect(board.card(one["id"])).to_be_visible()
    board.page.locator("[data-status-filter=cancelled]").click()
    expect(board.card(other["id"])).to_have_count(0)
    expect(board.card(one["id"])).to_be_visible()
    board.page.locator("[data-status-filter=cancelled]").click()
    expect(board.card(other["id"])).to_be_visible()
    board.page.keyboard.press("f")
    board.page.keyboard.type(other["patient_name"].rpartition(" ")[2] + " wilh")
    expect(board.card(one["id"])).to_have_count(0)
    expect(board.card(other["id"])).to_be_visible()


def wait_until(is_so: Callable[[], bool]) -> None:
    until = monotonic() + 20
    while not is_so():
        assert monotonic() < until


@contextmanager
def moves_asked_for(owner: SignedIn) -> Iterator[None]:
    """Patients do not move their visits: they ask the desk."""
    owner.http.patch("/api/v1/clinic", json={"patient_moves": "request"}).raise_for_status()
    yield
    owner.http.patch("/api/v1/clinic", json={"patient_moves": "direct"}).raise_for_status()


@contextmanager
def undo_window(owner: SignedIn, *, seconds: int) -> Iterator[None]:
    owner.http.patch("/api/v1/clinic", json={"undo_seconds": seconds}).raise_for_status()
    try:
        yield
    finally:
        owner.http.patch("/api/v1/clinic", json={"undo_seconds": 0}).raise_for_status()


def test_a_dialog_that_is_left_changes_nothing(room: Room, board: Board) -> None:
    booked = room.book_now()
    board.card(booked["id"]).get_by_role("button", name="Cancel").click()
    board.page.keyboard.press("Escape")
    board.card(booked["id"]).get_by_role("button", name="Cancel").click()
    board.page.get_by_role("button", name="Keep it").click()
    assert room.status(booked["id"]) == "confirmed"


def test_checked_in_and_completed_with_one_click_each(room: Room, board: Board) -> None:
    booked = room.book_now()
    board.card(booked["id"]).get_by_role("button", name="Check in").click()
    expect(board.status_of(booked["id"])).to_have_text("Here")
    assert room.status(booked["id"]) == "checked_in"
    board.card(booked["id"]).get_by_role("button", name="Complete").click()
    expect(board.status_of(booked["id"])).to_have_text("Completed")
    assert room.status(booked["id"]) == "completed"
    assert board.complaints == []


def test_missed_and_came_after_all(room: Room, board: Board) -> None:
    booked = room.book_now()
    board.card(booked["id"]).get_by_role("button", name="No-show").click()
    expect(board.status_of(booked["id"])).to_have_text("No-show")
    board.card(booked["id"]).get_by_role("button", name=booked["patient_name"], exact=True).click()
    board.card(booked["id"]).get_by_role("button", name="Came after all").click()
    expect(board.status_of(booked["id"])).to_have_text("Here")


def test_approved_with_the_keyboard_alone(room: Room, board: Board) -> None:
    asked = room.ask()
    expect(board.request(asked["id"])).to_be_visible()
    board.page.keyboard.press("r")
    expect(board.request(asked["id"]).get_by_role("button", name=asked["patient_name"], exact=True)).to_be_focused()
    board.page.keyboard.press("Tab")
    approve = board.request(asked["id"]).get_by_role("button", name="Approve")
    expect(approve).to_be_focused()
    assert board.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    board.page.keyboard.press("Enter")
    expect(board.request(asked["id"])).to_have_count(0)
    expect(board.page.locator("#requests-heading")).to_be_focused()
    assert room.status(asked["id"]) == "confirmed"


def test_keys_take_the_next_step_and_can_be_switched_off(room: Room, board: Board) -> None:
    booked = room.book_now()
    expect(board.card(booked["id"])).to_be_visible()
    board.page.keyboard.press("?")
    board.page.get_by_label("Keys are on").uncheck()
    board.page.get_by_role("dialog").get_by_role("button", name="Close").click()
    board.page.keyboard.press("d")
    expect(board.page.locator(".appointment-name:focus")).to_have_count(0)
    board.page.keyboard.press("?")
    board.page.get_by_label("Keys are on").check()
    board.page.keyboard.press("Escape")
    expect(board.page.get_by_role("dialog")).to_have_count(0)
    board.page.keyboard.press("d")
    expect(board.page.locator(".appointment-name:focus")).to_have_count(1)
    board.page.keyboard.press("a")
    expect(board.status_of(booked["id"])).to_have_text("Here")


# When something is in the way


def test_without_the_stream_a_conflict_is_told_and_the_row_corrected(
    stack: LiveStack, room: Room, board: Board
) -> None:
    booked = room.book_now()
    expect(board.card(booked["id"])).to_be_visible()
    stack.kill_stream()
    try:
        board.wait_for_state("offline")
        expect(board.page.get_by_text("No live connection since")).to_be_visible()
        room.desk.act(booked["id"], "cancel")
        board.card(booked["id"]).get_by_role("button", name="Check in").click()
        expect(board.page.locator("#toasts")).to_contain_text("Someone changed this in the meantime.")
        expect(board.page.locator("#toasts")).to_contain_text("It is now: Cancelled.")
        expect(board.status_of(booked["id"])).to_have_text("Cancelled")
    finally:
        stack.start_stream()
    board.wait_for_state("live")
    expect(board.page.get_by_text("No live connection since")).to_have_count(0)


def test_a_step_is_taken_while_the_stream_is_away_and_what_was_missed_is_shown(
    stack: LiveStack, room: Room, board: Board
) -> None:
    seen, meanwhile = room.book_now(), room.ask()
    expect(board.request(meanwhile["id"])).to_be_visible()
    stack.stop_stream()
    try:
        board.wait_for_state("offline")
        board.card(seen["id"]).get_by_role("button", name="Check in").click()
        expect(board.status_of(seen["id"])).to_have_text("Here")
        room.desk.act(meanwhile["id"], "confirm")
    finally:
        stack.start_stream()
    expect(board.request(meanwhile["id"])).to_have_count(0)
    board.wait_for_state("live")
    assert room.status(seen["id"]) == "checked_in"


def test_opened_while_the_stream_is_away_it_shows_the_day_and_goes_live_later(
    browser: Browser, stack: LiveStack, room: Room
) -> None:
    booked = room.book_now()
    with board_of(browser, stack, stack.person("staff"), room.query) as board:
        stack.kill_stream()
        try:
            board.page.evaluate("sessionStorage.clear()")
            board.page.goto("about:blank")
            board.open(room.query)
            board.wait_for_state("offline")
            expect(board.card(booked["id"])).to_be_visible()
        finally:
            stack.start_stream()
        board.wait_for_state("live")
        room.desk.act(booked["id"], "check-in")
        expect(board.status_of(booked["id"])).to_have_text("Here")


def test_it_says_that_it_may_be_old_while_the_database_is_away(stack: LiveStack, board: Board) -> None:
    stack.stop_database()
    try:
        board.wait_for_state("stale")
        expect(board.page.locator("#connection-word")).to_have_text("Not up to date")
        expect(board.page.get_by_text("No news since")).to_be_visible()
        board.page.set_viewport_size({"width": 390, "height": 844})
        assert board.page.evaluate(WIDTHS) == [390, 390]
    finally:
        stack.start_database()
    board.wait_for_state("live")


def test_too_early_is_told_in_words(room: Room, board: Board) -> None:
    start = datetime.combine(room.today + timedelta(days=1), time(7), room.zone)
    booked = room.book(start)
    board.page.keyboard.press("n")
    expect(board.card(booked["id"])).to_be_visible()
    expect(board.card(booked["id"]).get_by_role("button", name="Check in")).to_have_count(0)
    board.page.evaluate(
        "id => document.querySelector(`#columns [data-id='${id}'] [data-action=cancel]`).dataset.action = 'check-in'",
        booked["id"],
    )
    board.card(booked["id"]).locator("[data-action=check-in]").click()
    expect(board.page.locator("#toasts")).to_contain_text("This is only possible on the day of the appointment.")
    assert room.status(booked["id"]) == "confirmed"


def test_signed_out_everywhere_the_board_ends(browser: Browser, stack: LiveStack, room: Room) -> None:
    with board_of(browser, stack, stack.person("practitioner", 1)) as board:
        with SignedIn(stack, "practitioner", 1) as practitioner:
            practitioner.post("/api/v1/auth/logout-everywhere")
        board.wait_for_state("signed out")
        expect(board.page.locator("#main")).to_be_hidden()
        assert board.page.locator("[data-id], [data-status-filter]").count() == 0
        board.page.get_by_role("link", name="Sign in again").click()
        expect(board.page).to_have_url(f"{stack.pages_url}/sign-in?next=%2Fboard")
        sign_in(board.page, stack.person("practitioner", 1))
        board.wait_for_state("live")


# Other days


def test_another_day_by_its_control_and_back(room: Room, board: Board) -> None:
    tomorrow = room.today + timedelta(days=1)
    booked = room.book(datetime.combine(tomorrow, time(6), room.zone))
    board.page.get_by_role("link", name="Next day").click()
    expect(board.card(booked["id"])).to_be_visible()
    expect(board.page).to_have_url(f"{stack_url(board)}/board?date={tomorrow}&practitioner={room.practitioner}")
    expect(board.page.get_by_role("heading", level=1)).to_contain_text("Tomorrow")
    board.page.go_back()
    expect(board.page.get_by_role("heading", level=1)).to_contain_text("Today")
    expect(board.card(booked["id"])).to_have_count(0)


def stack_url(board: Board) -> str:
    return str(board.page.evaluate("location.origin"))


@pytest.mark.parametrize("days", [-1, 12])
def test_a_day_that_the_stream_keeps_is_live(room: Room, board: Board, days: int) -> None:
    day = room.today + timedelta(days=days)
    board.open(f"?date={day}&practitioner={room.practitioner}")
    board.wait_for_state("live")
    if days < 0:
        expect(board.page.get_by_text("Nobody comes to this practitioner on this day.")).to_be_visible()
        return
    booked = room.book(datetime.combine(day, time(9), room.zone))
    expect(board.card(booked["id"])).to_be_visible()


def test_a_day_far_ahead_is_a_list_and_says_so(room: Room, board: Board) -> None:
    day = room.today + timedelta(days=60)
    booked = room.book(datetime.combine(day, time(9), room.zone))
    board.page.get_by_label("Another day").fill(str(day))
    expect(board.card(booked["id"])).to_be_visible()
    board.wait_for_state("not live")
    board.card(booked["id"]).get_by_role("button", name="Cancel").click()
    board.page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(board.status_of(booked["id"])).to_have_text("Cancelled")
    board.page.get_by_role("link", name="Today", exact=True).click()
    board.wait_for_state("live")


# Roles that see it


def test_a_practitioner_sees_the_own_column(browser: Browser, stack: LiveStack) -> None:
    with board_of(browser, stack, stack.person("practitioner")) as board, SignedIn(stack, "practitioner") as own:
        mine = own.get("/api/v1/users/me")["practitioner"]
        expect(board.page.locator(".loading")).to_have_count(0)
        columns = board.page.locator("#columns > section")
        assert {column.get_attribute("data-key") for column in columns.all()} <= {f"column-{mine}"}


def test_a_patient_is_told_that_it_is_for_the_clinic(browser: Browser, stack: LiveStack) -> None:
    context = browser.new_context(base_url=stack.pages_url)
    page = context.new_page()
    page.goto("/board")
    sign_in(page, stack.person("patient"))
    expect(page.get_by_role("heading", level=1)).to_have_text("This page is for the clinic")
    expect(page.locator("#board")).to_have_count(0)
    context.close()


# Its form


NAMELESS = """() => [...document.querySelectorAll("button, a[href], input:not([type=hidden]), select, textarea")]
  .filter((one) => one.checkVisibility())
  .filter((one) => !(one.getAttribute("aria-label") || one.textContent.trim()
    || [...(one.labels ?? [])].some((label) => label.textContent.trim())))
  .map((one) => one.outerHTML)"""
TWICE = """() => { const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
  return ids.filter((id, at) => ids.indexOf(id) !== at); }"""
LEVELS = "() => [...document.querySelectorAll('h1, h2, h3, h4')].map(({ tagName }) => Number(tagName[1]))"
SMALL = """least => [...document.querySelectorAll("main button, .board-bar button, .board-bar a.button, select")]
  .filter((one) => one.checkVisibility() && !one.classList.contains("appointment-name"))
  .filter((one) => one.getBoundingClientRect().height < least).map((one) => one.outerHTML)"""
WIDTHS = "[document.documentElement.scrollWidth, innerWidth]"


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desk", "phone"])
def test_everything_has_a_name_and_its_place(browser: Browser, stack: LiveStack, options: Any) -> None:
    with board_of(browser, stack, stack.person("owner"), **options) as board:
        page = board.page
        expect(page.locator("[data-id]").first).to_be_attached()
        assert page.evaluate(NAMELESS) == []
        assert page.evaluate(TWICE) == []
        levels = page.evaluate(LEVELS)
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))
        for landmark in ("banner", "main"):
            expect(page.get_by_role(landmark)).to_have_count(1)
        # More than one of a kind is told apart by its name.
        expect(page.get_by_role("navigation")).to_have_count(2)
        for name in ("Pages", "Day"):
            expect(page.get_by_role("navigation", name=name, exact=True)).to_have_count(1)
        assert board.complaints == []


def test_on_a_phone_nothing_is_cut_off_and_a_finger_finds_it(browser: Browser, stack: LiveStack, room: Room) -> None:
    asked = room.ask()
    with board_of(browser, stack, stack.person("owner"), **PHONE) as board:
        page = board.page
        expect(page.locator("#columns [data-id]").first).to_be_visible()
        assert page.evaluate(WIDTHS) == [390, 390]
        expect(board.request(asked["id"])).to_be_hidden()
        page.get_by_role("button", name="Requests").click()
        expect(board.request(asked["id"])).to_be_visible()
        expect(page.locator("#columns")).to_be_hidden()
        assert page.evaluate(WIDTHS) == [390, 390]
        assert page.evaluate(SMALL, 36) == []
        board.request(asked["id"]).get_by_role("button", name="Approve").tap()
        expect(board.request(asked["id"])).to_have_count(0)
        assert room.status(asked["id"]) == "confirmed"


def test_the_scheme_is_the_systems_until_one_is_chosen(browser: Browser, stack: LiveStack) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    with board_of(browser, stack, stack.person("owner"), color_scheme="dark") as board:
        dark = board.page.evaluate(background)
        board.page.get_by_role("button", name="Account of").click()
        board.page.get_by_role("button", name="Dark").click()
        light = board.page.evaluate(background)
        assert light != dark
        board.page.reload()
        assert board.page.evaluate(background) == light


def test_reduced_motion_is_respected(browser: Browser, stack: LiveStack) -> None:
    with board_of(browser, stack, stack.person("owner"), reduced_motion="reduce") as board:
        assert board.page.evaluate("document.getAnimations().length") == 0


def test_a_wall_shows_what_is_to_come_without_buttons(browser: Browser, stack: LiveStack, room: Room) -> None:
    booked = room.book_now()
    size = {"width": 1920, "height": 1080}
    with board_of(browser, stack, stack.person("owner"), f"{room.query}&wall", viewport=size) as board:
        expect(board.card(booked["id"])).to_be_visible()
        expect(board.card(booked["id"]).locator(".appointment-buttons")).to_be_hidden()
        assert board.page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)") >= 20
        assert board.page.evaluate(WIDTHS) == [1920, 1920]
        # All requests of the clinic are more than fit.
        board.open("?wall")
        board.wait_for_state("live")
        expect(board.page.locator("#requests-list")).to_contain_text("more")
        assert board.page.evaluate("document.documentElement.scrollHeight") == 1080


# Decisions of its scripts alone


@pytest.fixture(scope="module")
def rules(browser: Browser, stack: LiveStack) -> Iterator[Page]:
    context = browser.new_context(base_url=stack.pages_url)
    page = context.new_page()
    page.goto("/sign-in")
    evaluate_within(page, "async () => { window.rules = await import('/static/portal/rules.js'); }")
    yield page
    context.close()


def test_the_buttons_are_what_the_lifecycle_allows(browser: Browser, stack: LiveStack, rules: Page) -> None:
    with board_of(browser, stack, stack.person("owner")) as board:
        actions = board.page.evaluate("JSON.parse(document.getElementById('board').textContent).actions")
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    for status in Status:
        for hours in (-25, -1, 0, 1, 25):
            start = now + timedelta(hours=hours)
            row = {"status": status, "start": start.isoformat(), "date": start.date().isoformat()}
            at = {"now": now.timestamp() * 1000, "today": "2026-11-20"}
            offered = rules.evaluate(
                "([actions, row, at]) => rules.allowedActions(actions, row, at).map(({ name }) => name)",
                [actions, row, at],
            )
            allowed = allowed_actions(
                Facts(status, start, start.date()),
                party=Party.STAFF,
                now=now,
                today=now.date(),
                cancellation_notice=timedelta(hours=24),
                no_show_after=timedelta(minutes=15),
            )
            assert set(offered) == set(allowed), (status, hours)


TEN = "2026-11-20T10:00Z"


@pytest.mark.parametrize(
    ("call", "result"),
    [
        ("rules.dateIn('Asia/Tokyo', Date.parse('2026-11-20T16:00:00Z'))", "2026-11-21"),
        ("rules.clockIn('Asia/Tokyo', Date.parse('2026-11-20T15:05:00Z'))", "00:05"),
        ("rules.shiftDate('2026-02-28', 1)", "2026-03-01"),
        ("rules.shiftDate('2026-03-29', -1)", "2026-03-28"),
        ("rules.readDate('2026-02-30')", None),
        ("rules.readDate('tomorrow')", None),
        ("rules.readDate(null)", None),
        ("rules.readDate('2028-02-29')", "2028-02-29"),
        ("rules.sourceOf('2026-11-20', '2026-11-20')", "week"),
        ("rules.sourceOf('2026-11-27', '2026-11-20')", "week"),
        ("rules.sourceOf('2026-11-28', '2026-11-20')", "day"),
        ("rules.sourceOf('2026-11-19', '2026-11-20')", "day"),
        ("rules.sourceOf('2026-12-21', '2026-11-20')", "day"),
        ("rules.sourceOf('2026-12-22', '2026-11-20')", "list"),
        ("rules.sourceOf('2026-11-18', '2026-11-20')", "list"),
        (f"rules.placeOfNow([{{start: '{TEN}'}}, {{start: '2026-11-20T11:00Z'}}], Date.parse('{TEN}'))", 1),
        ("rules.placeOfNow([], 0)", 0),
        ("rules.differenceOf(undefined, {})", "new"),
        ("rules.differenceOf({status: 'pending'}, {status: 'confirmed'})", "status"),
        ("rules.differenceOf({status: 'a', start: '1'}, {status: 'a', start: '2'})", "moved"),
        ("rules.differenceOf({version: 1}, {version: 2})", "edited"),
        ("rules.differenceOf({version: 1}, {version: 1})", None),
        ("rules.firstOf([1, 2, 3], 2)", {"shown": [1, 2], "more": 1}),
        (
            f"rules.delayOf({{status: 'confirmed', start: '{TEN}', end: '2026-11-20T11:00Z'}}, "
            "Date.parse('2026-11-20T10:07:30Z'))",
            {"kind": "late", "minutes": 7},
        ),
        ("rules.columnsOf([{practitioner: 9, practitioner_name: 'Gone'}], []).columns[0].practitioner.name", "Gone"),
        ("rules.columnsOf([{practitioner: 9}], [{id: 1, name: 'Here'}]).free[0].name", "Here"),
        ("rules.doneLast([{rows: [{status: 'completed'}]}, {rows: [{status: 'confirmed'}], id: 2}])[0].id", 2),
    ],
)
def test_a_rule_of_the_board(rules: Page, call: str, result: Any) -> None:
    assert rules.evaluate(call) == result
