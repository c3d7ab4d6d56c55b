"""Unattended screens: the owner hangs one; a patient arrives, is called and seen on it; revoked, it is dark."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from testkit.live.browsing import PHONE, TIMEOUT_MS, board_of, page_of, sign_in
from testkit.live.looking import set_theme, sticking_out, violations
from testkit.live.people import SignedIn, sql, zone_of
from testkit.live.stack import LiveStack
from testkit.live.visits import bring_to_now, open_slot

WALL: Any = {"viewport": {"width": 1920, "height": 1080}, "reduced_motion": "reduce"}
# A whole day on one page, however much of it is ahead.
TALL: Any = {"viewport": {"width": 1920, "height": 6000}}


@pytest.fixture(scope="module")
def owner(stack: LiveStack) -> Iterator[SignedIn]:
    with SignedIn(stack, "owner") as owner:
        yield owner


@contextmanager
def opened(browser: Browser, stack: LiveStack, path: str, **options: Any) -> Iterator[Page]:
    context = browser.new_context(base_url=stack.pages_url, locale="en-GB", **{**WALL, **options})
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    expect.set_options(timeout=TIMEOUT_MS)
    page.set_default_timeout(TIMEOUT_MS)
    page.goto(path)
    yield page
    assert complaints == []
    context.close()


def expect_live(page: Page) -> None:
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")


def hung(owner: SignedIn, kind: str) -> dict[str, Any]:
    made: dict[str, Any] = (
        owner.post("/api/v1/devices", {"name": f"Story {kind}", "kind": kind}).raise_for_status().json()
    )
    return made


def booked_now(owner: SignedIn, stack: LiveStack, name: str) -> dict[str, Any]:
    patient = owner.post("/api/v1/patients", {"name": name}).raise_for_status().json()
    practitioners = owner.get("/api/v1/practitioners")["results"]
    slot = open_slot(owner, practitioners[1]["id"], ahead=9)
    start = datetime.fromisoformat(slot["start"])
    visit = owner.book(start, practitioner=practitioners[1]["id"], patient=patient["id"])
    bring_to_now(stack, visit["id"], [one["id"] for one in practitioners], zone_of(owner))
    return visit


def test_owner_hangs_a_wall_and_its_address_opens_it(browser: Browser, stack: LiveStack, owner: SignedIn) -> None:
    with opened(browser, stack, "/settings/walls/new") as page:
        sign_in(page, stack.person("owner"))
        page.get_by_label("Name", exact=True).fill("Story by hand")
        page.get_by_label("Team").check()
        expect(page.get_by_text("First name and initial")).to_be_hidden()
        page.get_by_role("button", name="Create the wall").click()
        expect(page.get_by_role("img", name="QR code of the address")).to_be_visible()
        address = page.get_by_label("Link").input_value()
        assert violations(page) == []
        with opened(browser, stack, address) as wall:
            expect_live(wall)
            assert violations(wall) == []
            page.get_by_role("link", name="Done").click()
            row = page.get_by_role("listitem").filter(has_text="Story by hand")
            row.get_by_text("Revoke", exact=False).first.click()
            row.get_by_role("button", name="Revoke it now").click()
            expect(wall.get_by_role("heading", name="This wall is switched off")).to_be_visible()


def test_patient_arrives_is_called_and_seen_on_the_wall_until_it_is_revoked(
    browser: Browser, stack: LiveStack, owner: SignedIn
) -> None:
    visit, device = booked_now(owner, stack, "Wanda Maria Wallace"), hung(owner, "waiting_room")
    on_queue, on_calls = (f"#{part} [data-id='{visit['id']}']" for part in ("queue", "calls"))
    with (
        opened(browser, stack, f"/wall/{device['token']}") as wall,
        board_of(browser, stack, stack.person("staff")) as board,
    ):
        expect_live(wall)
        with opened(browser, stack, f"/a/{visit['reference']}", **PHONE) as phone:
            phone.get_by_role("button", name="I am here").click()
            expect(board.card(visit["id"]).locator(".arrived")).to_be_visible()
            expect(wall.locator(on_queue)).to_contain_text("Wanda W.")
            owner.post(f"/api/v1/appointments/{visit['id']}/call", {"room": "2"}).raise_for_status()
            expect(wall.locator(on_calls)).to_contain_text("Room 2")
            expect(wall.locator(on_queue)).to_have_count(0)
            expect(phone.locator(".visit-call")).to_contain_text("Please come in")
        assert "Wallace" not in wall.content()
        assert violations(wall) == []
        set_theme(wall, "dark")
        assert violations(wall) == []
        owner.http.delete(f"/api/v1/devices/{device['id']}").raise_for_status()
        expect(wall.get_by_role("heading", name="This wall is switched off")).to_be_visible()
        assert "Wanda" not in wall.content()


def test_offer_accepted_on_a_phone_appears_on_calendar_and_wall(
    browser: Browser, stack: LiveStack, owner: SignedIn
) -> None:
    patient = owner.post("/api/v1/patients", {"name": "Ophelia Offered"}).raise_for_status().json()
    practitioners = [one["id"] for one in owner.get("/api/v1/practitioners")["results"]]
    slot, device = open_slot(owner, practitioners[1], ahead=10), hung(owner, "team")
    wish = {"patient": patient["id"], "first_date": slot["date"], "last_date": slot["date"]}
    entry = owner.post("/api/v1/waitlist", wish).raise_for_status().json()
    address = f"/calendar?date={slot['date']}&who={practitioners[1]}"
    with (
        page_of(browser, stack, stack.person("staff"), address) as calendar,
        opened(browser, stack, f"/wall/{device['token']}", **TALL) as wall,
    ):
        expect_live(wall)
        given = {"practitioner": practitioners[1], "start": slot["start"]}
        offered = owner.post(f"/api/v1/waitlist/{entry['id']}/offer", given).raise_for_status().json()
        expect(calendar.page.locator(".ec-event", has_text="Offered to Ophelia Offered")).to_be_visible()
        with opened(browser, stack, f"/offer/{offered['offer']['token']}", **PHONE) as phone:
            phone.get_by_role("button", name="Yes, I take it").tap()
            expect(phone.get_by_role("heading", level=1)).to_have_text("It is yours")
        [visit] = owner.get("/api/v1/appointments", patient=patient["id"])["results"]
        expect(calendar.page.locator(f".ec-event[data-block='v{visit['id']}']")).to_be_visible()
        bring_to_now(stack, visit["id"], practitioners, zone_of(owner))
        # A full day has several pages, and one is shown for twelve seconds.
        expect(wall.locator(f".wall-visit[data-id='{visit['id']}']")).to_be_visible(timeout=120_000)


def test_team_wall_turns_its_pages_and_says_when_it_is_not_live(
    browser: Browser, stack: LiveStack, owner: SignedIn
) -> None:
    visit, device = booked_now(owner, stack, "Tessa Team"), hung(owner, "team")
    with opened(browser, stack, f"/wall/{device['token']}", viewport={"width": 800, "height": 520}) as wall:
        expect_live(wall)
        expect(wall.locator(".wall-visit").first).to_be_visible()
        seen: set[str] = set()
        for _ in range(1 + pages_of(wall)):
            seen |= set(wall.locator(".wall-visit").evaluate_all("all => all.map((one) => one.dataset.id)"))
            assert cut_off(wall) == []
            let_time_pass(wall, seconds=12)
        assert seen == {str(one["id"]) for one in ahead_today(owner)}
        assert str(visit["id"]) in seen
        assert sticking_out(wall) == []
        assert violations(wall) == []
        wall.context.set_offline(True)
        stop_stream(stack, device["id"])
        expect(wall.locator("#notice")).to_contain_text("No live connection since")
        wall.context.set_offline(False)
        expect_live(wall)


def let_time_pass(wall: Page, *, seconds: int) -> None:
    """By the page's clock; a new size makes it look at once."""
    wall.evaluate(
        "ms => { const real = Date.now; Date.now = () => real() + ms; dispatchEvent(new Event('resize')); }",
        seconds * 1000,
    )


def pages_of(wall: Page) -> int:
    said = wall.locator("#page").inner_text()
    return int(said.split()[-1]) if said else 1


CUT_OFF = """() => { const foot = document.querySelector("#columns").getBoundingClientRect().bottom + 1;
  return [...document.querySelectorAll(".wall-visit")].filter((one) => one.getBoundingClientRect().bottom > foot)
    .map((one) => one.textContent); }"""


def cut_off(wall: Page) -> list[str]:
    found: list[str] = wall.evaluate(CUT_OFF)
    return found


def ahead_today(owner: SignedIn) -> list[dict[str, Any]]:
    day = datetime.now(zone_of(owner)).date()
    rows = owner.get("/api/v1/calendar/day", date=day)["appointments"]
    return [row for row in rows if row["status"] in ("pending", "confirmed", "checked_in")]


def stop_stream(stack: LiveStack, device_id: int) -> None:
    """Its tickets hold no more, as after a change of what it may see: it asks for a new one."""
    with sql(stack.db()) as cursor:
        cursor.execute("UPDATE wall_device SET version = version + 1 WHERE id = %s", [device_id])


def test_wall_of_yesterday_is_empty_after_midnight(browser: Browser, stack: LiveStack, owner: SignedIn) -> None:
    visit, device = booked_now(owner, stack, "Mina Midnight"), hung(owner, "waiting_room")
    owner.act(visit["id"], "check-in")
    with opened(browser, stack, f"/wall/{device['token']}") as wall:
        row = wall.locator(f"#queue [data-id='{visit['id']}']")
        expect(row).to_be_visible()
        let_time_pass(wall, seconds=24 * 3600)
        expect(row).to_have_count(0)
        expect(wall.locator("#empty")).to_be_visible()
