"""The calendar in a real browser: visits are moved, by mouse and by keyboard, while others look on."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Locator, Route, expect

from testkit.live.browsing import PHONE, Board, page_of
from testkit.live.people import SignedIn, sql, zone_of
from testkit.live.stack import LiveStack

_number = count(1)
WHOLE_WEEK = {"blocks": [{"weekday": weekday, "start": "08:00", "end": "18:00"} for weekday in range(7)]}
MINUTES_A_PIXEL = 15 / 24


@dataclass
class Practice:
    """Two practitioners of these stories alone, and the desk that books for them. Tomorrow is their day."""

    stack: LiveStack
    desk: SignedIn
    patient: SignedIn
    ids: tuple[int, int]
    names: tuple[str, str]
    zone: ZoneInfo

    @property
    def day(self) -> date:
        return datetime.now(self.zone).date() + timedelta(days=1)

    def address(self, **query: Any) -> str:
        asked = {"date": self.day.isoformat(), "who": ",".join(map(str, self.ids)), **query}
        return "/calendar?" + "&".join(f"{name}={value}" for name, value in asked.items())

    def at(self, hour: int, minute: int = 0) -> datetime:
        return datetime.combine(self.day, time(hour, minute), self.zone)

    def book(self, hour: int, minute: int = 0, *, column: int = 0, **more: Any) -> dict[str, Any]:
        made = self.desk.post("/api/v1/patients", {"name": f"Clementine Abernathy {next(_number)}"})
        assert made.status_code == 201, made.text
        given = {"practitioner": self.ids[column], "patient": made.json()["id"], **more}
        return self.desk.book(self.at(hour, minute), **given)

    def row(self, visit: dict[str, Any]) -> dict[str, Any]:
        shown: dict[str, Any] = self.desk.get(f"/api/v1/appointments/{visit['id']}")
        return shown


@pytest.fixture(scope="module")
def people(stack: LiveStack) -> Iterator[Practice]:
    with SignedIn(stack, "owner") as owner, SignedIn(stack, "staff") as desk, SignedIn(stack, "patient") as patient:
        names = ("Dr. Aurelia Zwick", "Dr. Bartholomew Zylberberg")
        ids = []
        for name in names:
            made = owner.post("/api/v1/practitioners", {"name": name})
            assert made.status_code == 201, made.text
            ids.append(int(made.json()["id"]))
            owner.http.put(f"/api/v1/practitioners/{ids[-1]}/availability", json=WHOLE_WEEK).raise_for_status()
        yield Practice(stack, desk, patient, (ids[0], ids[1]), names, zone_of(desk))
        for practitioner in ids:
            owner.http.delete(f"/api/v1/practitioners/{practitioner}", params={"appointments": "cancel"})


@pytest.fixture
def practice(people: Practice) -> Iterator[Practice]:
    yield people
    for practitioner in people.ids:
        for row in people.desk.get("/api/v1/appointments", practitioner=practitioner)["results"]:
            people.desk.http.delete(f"/api/v1/appointments/{row['id']}")


@pytest.fixture
def calendar(browser: Browser, practice: Practice) -> Iterator[Board]:
    with page_of(browser, practice.stack, practice.stack.person("staff"), practice.address()) as calendar:
        yield calendar


def block(calendar: Board, visit: dict[str, Any]) -> Locator:
    return calendar.page.locator(f".ec-event[data-block='v{visit['id']}']:not(.ec-ghost)")


def button_of(calendar: Board, visit: dict[str, Any]) -> Locator:
    return calendar.page.get_by_role("button", name=re.compile(re.escape(str(visit["patient_name"]))))


def drag(calendar: Board, visit: dict[str, Any], *, minutes: int = 0, columns: int = 0) -> None:
    page, element = calendar.page, block(calendar, visit)
    element.scroll_into_view_if_needed()
    box = element.bounding_box()
    cells = [cell.bounding_box() for cell in page.locator(".ec-body .ec-day").all()[:2]]
    assert box is not None
    assert cells[0] is not None
    assert cells[1] is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + 8
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 12, steps=3)
    page.mouse.move(x + columns * (cells[1]["x"] - cells[0]["x"]), y + minutes / MINUTES_A_PIXEL, steps=8)
    page.mouse.up()


def press_until(calendar: Board, key: str, condition: str) -> None:
    for _ in range(60):
        if calendar.page.evaluate(condition):
            return
        calendar.page.keyboard.press(key)
    raise AssertionError(f"{key} never leads there: {condition}")


@contextmanager
def without_stream(calendar: Board) -> Iterator[None]:
    """This desk does not hear what others do meanwhile."""
    context = calendar.page.context
    context.route("**/sse/**", lambda route: route.abort())
    calendar.page.reload()
    expect(calendar.page.locator(".ec-event").first).to_be_visible()
    # The notice has taken its place from the grid: now the grid stays where it is.
    expect(calendar.page.locator("#notice-place .notice")).to_be_visible()
    yield
    context.unroute("**/sse/**")


def test_visit_dragged_to_another_practitioner_and_time_is_seen_by_a_second_desk(
    browser: Browser, practice: Practice, calendar: Board
) -> None:
    visit = practice.book(9)
    with page_of(browser, practice.stack, practice.stack.person("owner"), practice.address()) as second:
        expect(block(second, visit)).to_contain_text("9:00")
        drag(calendar, visit, minutes=120, columns=1)
        moved = practice.names[1]
        for desk in (calendar, second):
            expect(block(desk, visit)).to_contain_text("11:00")
            expect(block(desk, visit)).to_contain_text(moved)
        assert second.complaints == []
    row = practice.row(visit)
    assert (row["practitioner"], row["time"]) == (practice.ids[1], "11:00")
    assert calendar.complaints == []


def test_visit_held_by_the_mouse_stays_under_it_while_the_connection_is_lost(
    practice: Practice, calendar: Board
) -> None:
    visit = practice.book(9)
    page, element = calendar.page, block(calendar, visit)
    waiting: list[Route] = []
    is_lost = False
    page.context.route("**/sse/**", lambda route: route.abort() if is_lost else waiting.append(route))
    with page.expect_request("**/sse/**"):
        page.reload()
    expect(element).to_be_visible()
    element.scroll_into_view_if_needed()
    box = element.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + 8
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 12, steps=3)
    is_lost = True
    for route in waiting:
        route.abort()
    calendar.wait_for_state("offline")
    page.mouse.move(x, y + 120 / MINUTES_A_PIXEL, steps=8)
    page.mouse.up()
    expect(element).to_contain_text("11:00")
    expect(page.locator("#notice-place .notice")).to_be_visible()


def test_visit_resized_gets_another_length(practice: Practice, calendar: Board) -> None:
    visit = practice.book(9)
    element = block(calendar, visit)
    box = element.bounding_box()
    assert box is not None
    page = calendar.page
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] - 3
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 24, steps=4)
    page.mouse.move(x, y + 48, steps=4)
    page.mouse.up()
    expect(element).to_contain_text(re.compile("until 10:00|until 10:00 AM"))
    assert practice.row(visit)["end"][11:16] == "10:00"


def test_visit_drops_on_free_time_only(practice: Practice, calendar: Board) -> None:
    visit, other = practice.book(9), practice.book(11)
    expect(block(calendar, other)).to_be_visible()
    drag(calendar, visit, minutes=120)
    expect(block(calendar, visit)).to_be_visible()
    assert practice.row(visit)["time"] != "11:00"
    assert practice.row(visit)["version"] == 1 or practice.row(visit)["end"] <= other["start"]


def test_visit_slides_back_when_someone_was_faster(practice: Practice, calendar: Board) -> None:
    visit = practice.book(9)
    with without_stream(calendar):
        expect(block(calendar, visit)).to_be_visible()
        faster = practice.book(11)
        drag(calendar, visit, minutes=120)
        refusal = calendar.page.locator("#refusal")
        expect(refusal).to_contain_text(f"taken by {faster['patient_name']}")
        expect(refusal).to_contain_text(f"{visit['patient_name']} stays at")
        expect(block(calendar, visit)).to_contain_text("9:00")
        nearest = refusal.get_by_role("button", name=practice.names[0])
        expect(nearest.first).to_be_focused()
        nearest.first.click()
        expect(refusal).to_be_hidden()
        expect(block(calendar, visit)).not_to_contain_text("9:00")
    row = practice.row(visit)
    assert row["version"] == 2
    assert row["start"] >= faster["end"] or row["end"] <= faster["start"]


def test_visit_is_moved_by_keyboard_only(practice: Practice, calendar: Board) -> None:
    visit = practice.book(9)
    page, heard = calendar.page, calendar.page.locator("#heard")
    expect(block(calendar, visit)).to_be_visible()
    page.locator("#everybody").focus()
    press_until(calendar, "Tab", "document.activeElement.closest('#grid') !== null")
    page.keyboard.press("Home")
    press_until(calendar, "ArrowDown", "document.activeElement.closest('[data-block]') !== null")
    expect(button_of(calendar, visit)).to_be_focused()
    page.keyboard.press("m")
    expect(heard).to_contain_text(f"Picked up: {visit['patient_name']}")
    page.keyboard.press("ArrowRight")
    expect(heard).to_contain_text(f"{practice.names[1]}: free.")
    press_until(calendar, "ArrowDown", "document.getElementById('heard').textContent.startsWith('10:00')")
    page.keyboard.press("Enter")
    expect(block(calendar, visit)).to_contain_text("10:00")
    expect(button_of(calendar, visit)).to_be_focused()
    row = practice.row(visit)
    assert (row["practitioner"], row["time"]) == (practice.ids[1], "10:00")
    page.keyboard.press("m")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    expect(heard).to_contain_text("Put back")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=visit["patient_name"])).to_be_focused()
    page.keyboard.press("Escape")
    expect(button_of(calendar, visit)).to_be_focused()
    assert practice.row(visit)["version"] == 2
    assert calendar.complaints == []


def test_carried_visit_does_not_drop_on_taken_time(practice: Practice, calendar: Board) -> None:
    visit, other = practice.book(9), practice.book(9, column=1)
    page, heard = calendar.page, calendar.page.locator("#heard")
    expect(button_of(calendar, other)).to_be_visible()
    block(calendar, visit).locator("[role=button]").focus()
    page.keyboard.press("m")
    page.keyboard.press("ArrowRight")
    expect(heard).to_contain_text(f"taken by {other['patient_name']}")
    later = practice.book(14)
    expect(block(calendar, later)).to_be_visible()
    expect(heard).to_contain_text(f"taken by {other['patient_name']}")
    page.keyboard.press("Enter")
    expect(page.locator(".grid-ghost")).to_have_class(re.compile("is-taken"))
    page.keyboard.press("Escape")
    assert practice.row(visit)["version"] == 1


def test_the_same_is_done_through_the_accessibility_tree(practice: Practice, calendar: Board) -> None:
    """By roles and names alone, as a screen reader has them."""
    visit = practice.book(9, notes="Bring the X-ray")
    page = calendar.page
    grid = page.get_by_role("application", name="Calendar grid")
    expect(grid.get_by_role("button", name=re.compile(visit["patient_name"]))).to_be_visible()
    inside = grid.aria_snapshot()
    assert visit["patient_name"] in inside
    assert practice.names[0] in inside
    page.get_by_role("button", name="As a list").click()
    mine = page.get_by_role("region", name=practice.names[0])
    expect(mine.get_by_role("button", name=re.compile("book with"))).not_to_have_count(0)
    mine.get_by_role("button", name=re.compile(f"{visit['patient_name']}.*has notes.*Confirmed")).click()
    drawer = page.get_by_role("complementary", name="Visit")
    expect(drawer.get_by_role("textbox", name="Notes")).to_have_value("Bring the X-ray")
    expect(drawer.get_by_role("heading", name="History")).to_be_visible()
    drawer.get_by_role("button", name="Move").click()
    expect(grid.get_by_role("button", name=re.compile(visit["patient_name"]))).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("status").filter(has_text=f"{practice.names[1]}: free.")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(block(calendar, visit)).to_contain_text(practice.names[1])
    assert practice.row(visit)["practitioner"] == practice.ids[1]


def test_hold_appears_while_another_books_and_becomes_the_visit(practice: Practice, calendar: Board) -> None:
    held = practice.patient.post(
        "/api/v1/holds", {"practitioner": practice.ids[0], "start": practice.at(15).isoformat()}
    )
    assert held.status_code == 201, held.text
    hold = calendar.page.locator(f"[data-block='h{held.json()['id']}']")
    expect(hold).to_contain_text("Being booked")
    expect(hold).to_contain_text(re.compile(r"[45]:\d\d left"))
    assert practice.patient.person.email not in hold.evaluate("block => block.outerHTML")
    before = hold.locator(".block-left").inner_text()
    expect(hold.locator(".block-left")).not_to_have_text(before)
    booked = practice.patient.post("/api/v1/appointments", {"hold": held.json()["token"]})
    assert booked.status_code == 201, booked.text
    expect(hold).to_have_count(0)
    expect(block(calendar, booked.json())).to_contain_text(booked.json()["patient_name"])
    assert calendar.complaints == []


def test_page_asks_for_its_day_once_though_the_stream_tells_of_holds_before_the_answer(
    practice: Practice, calendar: Board
) -> None:
    page, asked, held_ids = calendar.page, list[Route](), []
    # A page that is open already may ask about the holds.
    page.goto("about:blank")
    for days in (0, 1):
        start = (practice.at(15) + timedelta(days=days)).isoformat()
        held = practice.patient.post("/api/v1/holds", {"practitioner": practice.ids[0], "start": start})
        assert held.status_code == 201, held.text
        held_ids.append(held.json()["id"])
    page.route("**/api/v1/calendar/day**", lambda route: asked.append(route))
    page.goto(practice.address())
    # Meanwhile the stream tells of the holds.
    page.wait_for_timeout(2_000)
    assert len(asked) == 1
    asked[0].continue_()
    expect(page.locator("[data-block^=h]:has-text('Being booked')")).to_be_visible()
    # A second question would follow the first after a second at the latest.
    page.wait_for_timeout(1_500)
    assert len(asked) == 1
    for hold_id in held_ids:
        practice.patient.http.delete(f"/api/v1/holds/{hold_id}").raise_for_status()


def test_hold_counts_down_in_the_list_as_well(practice: Practice, calendar: Board) -> None:
    visit = practice.book(9)
    start = practice.at(16).isoformat()
    practice.patient.post("/api/v1/holds", {"practitioner": practice.ids[0], "start": start}).raise_for_status()
    expect(block(calendar, visit)).to_be_visible()
    calendar.page.get_by_role("button", name="As a list").click()
    left = calendar.page.locator("#agenda [data-expires]")
    expect(left).to_contain_text(re.compile(r"[45]:\d\d left"))
    expect(left).not_to_have_text(left.inner_text())


def test_practitioner_who_leaves_has_no_column_any_more(browser: Browser, stack: LiveStack, practice: Practice) -> None:
    with SignedIn(stack, "owner") as owner:
        leaving = owner.post("/api/v1/practitioners", {"name": "Dr. Leopoldine Abel"}).json()["id"]
        ids = f"{practice.ids[0]},{leaving}"
        with page_of(browser, stack, stack.person("staff"), practice.address(who=ids)) as calendar:
            heads = calendar.page.locator(".grid-head")
            expect(heads.filter(has_text="Dr. Leopoldine Abel")).to_be_visible()
            owner.http.delete(f"/api/v1/practitioners/{leaving}").raise_for_status()
            # As a minute does, and whoever looks here again.
            calendar.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
            expect(heads.filter(has_text="Dr. Leopoldine Abel")).to_have_count(0)
            expect(calendar.page.locator("#people-list")).not_to_contain_text("Dr. Leopoldine Abel")
            expect(heads.filter(has_text=practice.names[0])).to_be_visible()
            assert calendar.complaints == []


def test_signed_out_everywhere_the_calendar_shows_nothing_more(browser: Browser, practice: Practice) -> None:
    with SignedIn(practice.stack, "practitioner", 2) as practitioner:
        visit = practice.book(6, practitioner=practitioner.get("/api/v1/users/me")["practitioner"])
        address = f"/calendar?date={practice.day}"
        with page_of(browser, practice.stack, practitioner.person, address) as calendar:
            block(calendar, visit).click()
            drawer = calendar.page.locator("#drawer")
            expect(drawer).to_contain_text(visit["patient_name"])
            practitioner.post("/api/v1/auth/logout-everywhere")
            calendar.wait_for_state("signed out")
            expect(calendar.page.get_by_text("Your session has ended.")).to_be_visible()
            expect(drawer).to_be_hidden()
            assert visit["patient_name"] not in calendar.page.content()
    practice.desk.http.delete(f"/api/v1/appointments/{visit['id']}")


def test_drawer_says_that_its_visit_was_moved_or_deleted(practice: Practice, calendar: Board) -> None:
    visit = practice.book(9)
    block(calendar, visit).click()
    drawer = calendar.page.locator("#drawer")
    expect(drawer).to_contain_text(visit["patient_name"])
    later = practice.at(9) + timedelta(days=2)
    practice.desk.post(f"/api/v1/appointments/{visit['id']}/reschedule", {"start": later.isoformat()})
    expect(drawer).to_contain_text("This appointment is now on")
    practice.desk.post(f"/api/v1/appointments/{visit['id']}/reschedule", {"start": practice.at(10).isoformat()})
    expect(drawer).not_to_contain_text("This appointment is now on")
    practice.desk.http.delete(f"/api/v1/appointments/{visit['id']}")
    expect(drawer).to_contain_text("no longer in the clinic’s calendar")
    expect(drawer.get_by_role("button", name="Cancel")).to_have_count(0)


def ask_for(practice: Practice, visit: dict[str, Any], start: datetime) -> None:
    """As its patient does where the desk decides on moves."""
    with sql(practice.stack.db()) as cursor:
        cursor.execute(
            "UPDATE appointment SET requested_start = %s, version = version + 1 WHERE id = %s",
            [start.astimezone(UTC).replace(tzinfo=None), visit["id"]],
        )


def test_drawer_answers_a_move_that_is_asked_for_and_replaces_the_link(practice: Practice, calendar: Board) -> None:
    visit = practice.book(9)
    ask_for(practice, visit, practice.at(14))
    block(calendar, visit).click()
    drawer = calendar.page.locator("#drawer")
    drawer.get_by_role("button", name="Keep the time").click()
    expect(drawer.get_by_role("button", name="Keep the time")).to_have_count(0)
    assert practice.row(visit)["requested_start"] is None
    ask_for(practice, visit, practice.at(14))
    drawer.get_by_role("button", name="Move to").click()
    expect(drawer.get_by_role("button", name="Move to")).to_have_count(0)
    assert practice.row(visit)["time"] == "14:00"
    drawer.get_by_role("button", name="New link").click()
    expect(calendar.page.locator("#heard")).to_contain_text("leads nowhere")
    assert practice.row(visit)["reference"] != visit["reference"]
    assert calendar.complaints == []


def test_page_says_when_it_is_not_live(practice: Practice, calendar: Board) -> None:
    calendar.page.context.route("**/sse/**", lambda route: route.abort())
    calendar.page.reload()
    expect(calendar.page.locator("#connection")).not_to_have_attribute("data-state", "live")
    calendar.wait_for_state("offline")
    expect(calendar.page.get_by_text("No live connection since")).to_be_visible()
    calendar.page.context.unroute("**/sse/**")
    calendar.wait_for_state("live")


def test_link_with_another_clinic_s_practitioner_and_a_wrong_date_opens_the_own_day(
    browser: Browser, practice: Practice
) -> None:
    address = "/calendar?date=2026-02-31&who=999999&view=year"
    with page_of(browser, practice.stack, practice.stack.person("staff"), address) as calendar:
        expect(calendar.page.locator("#to-today")).to_have_attribute("aria-current", "")
        expect(calendar.page.locator("#main")).to_have_attribute("data-view", "day")
        assert calendar.complaints == []


def test_paper_has_a_landscape_page_for_each_practitioner(practice: Practice, calendar: Board) -> None:
    visit = practice.book(9)
    expect(block(calendar, visit)).to_be_visible()
    paper = calendar.page.pdf(prefer_css_page_size=True)
    pages = re.findall(rb"/Type\s*/Page\b", paper)
    boxes = re.findall(rb"MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", paper)
    assert len(pages) == 2
    assert all(float(width) > float(height) for width, height in boxes)
    sheet = calendar.page.locator(".sheet").first
    assert visit["patient_name"] in (sheet.text_content() or "")


def test_phone_shows_one_practitioner_at_a_time(browser: Browser, practice: Practice) -> None:
    with ExitStack() as opened:
        practice.book(9)
        person = practice.stack.person("staff")
        phone = opened.enter_context(page_of(browser, practice.stack, person, practice.address(), **PHONE))
        name = phone.page.locator("#one-name")
        expect(name).to_have_text(practice.names[0])
        phone.page.get_by_role("button", name="Next practitioner").click()
        expect(name).to_have_text(practice.names[1])
        assert phone.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_week_and_month_count_the_visits(practice: Practice, calendar: Board) -> None:
    practice.book(9)
    practice.book(10)
    page = calendar.page
    page.get_by_role("link", name="Week", exact=True).click()
    expect(page.locator(".grid-head", has_text=str(practice.day.day)).first).to_contain_text("2 visits")
    page.goto(practice.address(view="month", who=practice.ids[0]))
    day = page.locator(f"#month-large [data-date='{practice.day}']")
    expect(day).to_contain_text("2 visits")
    expect(day).to_contain_text("10 % booked")
    practice.book(11)
    expect(day).to_contain_text("3 visits")


def test_hours_and_closures_that_others_change_show_at_once(practice: Practice, calendar: Board) -> None:
    away = calendar.page.locator(".grid-ground", has_text="Spring clean")
    wish = {"practitioner": practice.ids[0], "start_date": practice.day.isoformat(), "reason": "Spring clean"}
    with SignedIn(practice.stack, "owner") as owner:
        made = owner.post("/api/v1/schedule-exceptions", wish).raise_for_status().json()
        expect(away).to_be_visible()
        owner.http.delete(f"/api/v1/schedule-exceptions/{made['id']}").raise_for_status()
        expect(away).to_have_count(0)
    assert calendar.complaints == []


def test_month_counts_visits_that_others_book_on_days_that_are_not_shown(practice: Practice, calendar: Board) -> None:
    shown = practice.day + timedelta(days=8)
    other = next(day for day in (shown + timedelta(days=1), shown - timedelta(days=1)) if day.month == shown.month)
    calendar.page.goto(practice.address(view="month", date=shown, who=practice.ids[0]))
    calendar.wait_for_state("live")
    cell = calendar.page.locator(f"#month-large [data-date='{other}']")
    expect(cell).to_be_visible()
    patient = practice.desk.post("/api/v1/patients", {"name": "Clementine Month"}).raise_for_status().json()
    start = datetime.combine(other, time(9), practice.zone)
    practice.desk.book(start, practitioner=practice.ids[0], patient=patient["id"])
    expect(cell).to_contain_text("1 visit")


def test_drawer_ends_a_series_from_this_visit_on(practice: Practice, calendar: Board) -> None:
    patient = practice.desk.post("/api/v1/patients", {"name": "Clementine Weekly"}).raise_for_status().json()
    wish = {
        "patient": patient["id"],
        "practitioner": practice.ids[0],
        "start": practice.at(9).isoformat(),
        "rule": {"frequency": "weekly", "count": 3},
    }
    booked = practice.desk.post("/api/v1/appointments/series", wish).raise_for_status().json()["series"]["appointments"]
    block(calendar, booked[0]).click()
    drawer = calendar.page.locator("#drawer")
    drawer.get_by_role("button", name="Cancel this and later visits").click()
    dialog = calendar.page.locator("#reason-dialog")
    dialog.get_by_role("button", name="Cancel this and later visits").click()
    expect(calendar.page.locator("#heard")).to_contain_text("the later ones of its series are cancelled")
    assert {practice.row(one)["status"] for one in booked} == {"cancelled"}
    assert calendar.complaints == []
