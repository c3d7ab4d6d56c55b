"""A guest with a phone in hand: the link in the mail shows the answer live, moves and cancels; an offer is taken with
one tap; and "I am here" appears on the board."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from testkit.live.browsing import PHONE, TIMEOUT_MS, board_of
from testkit.live.people import SignedIn, eventually, zone_of
from testkit.live.stack import NO_CERTIFICATES, LiveStack
from testkit.live.visits import bring_to_now, open_slot
from testkit.stand_ins.mail import MailStandIn


@pytest.fixture
def desk(stack: LiveStack) -> Iterator[SignedIn]:
    with SignedIn(stack, "staff") as staff:
        yield staff


@contextmanager
def phone(browser: Browser, stack: LiveStack, path: str, **more: Any) -> Iterator[Page]:
    context = browser.new_context(base_url=stack.pages_url, locale="en-GB", **PHONE, **more)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    expect.set_options(timeout=TIMEOUT_MS)
    page.set_default_timeout(TIMEOUT_MS)
    page.goto(path)
    yield page
    assert complaints == []
    context.close()


def link_in_mail(post_office: MailStandIn, address: str) -> str:
    """The path that the newest mail names."""

    def found() -> str | None:
        for mail in reversed(post_office.delivered_to(address)):
            text = mail.get_body(("plain",))
            link = re.search(r"https?://[^/\s]+(/(?:a|offer)/[\w-]+)", text.get_content() if text else "")
            if link:
                return link[1]
        return None

    path: str = eventually(found)
    return path


def test_guest_follows_the_mails_link_sees_the_approval_moves_and_cancels(
    browser: Browser, stack: LiveStack, desk: SignedIn, post_office: MailStandIn
) -> None:
    if stack.gateway_url is not None:
        pytest.skip("mails go elsewhere")
    practitioner = desk.get("/api/v1/practitioners")["results"][1]["id"]
    slot = open_slot(desk, practitioner, ahead=12)
    guest = {"name": "Leila Link", "phone": "+13105551901", "email": "leila@mail.example"}
    asked = httpx.post(
        f"{stack.api_url}/api/v1/public/bookings",
        json={**guest, "practitioner": practitioner, "start": slot["start"], "request_note": "by the window"},
        verify=NO_CERTIFICATES,
    )
    assert asked.status_code == 201, asked.text
    with phone(browser, stack, link_in_mail(post_office, "leila@mail.example")) as page:
        status = page.locator("#visit-status")
        expect(status).to_have_text("Requested")
        expect(page.get_by_text("by the window")).to_be_visible()
        expect(page.locator("#connection")).to_have_attribute("data-state", "live")
        [row] = desk.get("/api/v1/appointments", status="pending", search="Leila Link")["results"]
        desk.act(row["id"], "confirm")
        expect(status).to_have_text("Confirmed")
        page.get_by_text("Move to another time").tap()
        move_by_page(page)
        expect(page.get_by_text("Your visit is moved.")).to_be_visible()
        moved = desk.get(f"/api/v1/appointments/{row['id']}")
        assert moved["start"] != slot["start"]
        page.get_by_text("Cancel the visit").tap()
        page.get_by_role("button", name="Cancel it now").tap()
        expect(page.locator("#visit-status")).to_have_text("Cancelled")
    assert desk.get(f"/api/v1/appointments/{row['id']}")["status"] == "cancelled"


def test_visit_is_kept_for_the_page_without_a_network_until_its_link_is_replaced(
    browser: Browser, stack: LiveStack, desk: SignedIn
) -> None:
    patient = desk.post("/api/v1/patients", {"name": "Kaya Keeps", "phone": "+13105551904"}).raise_for_status().json()
    practitioner = desk.get("/api/v1/practitioners")["results"][1]["id"]
    start = datetime.fromisoformat(open_slot(desk, practitioner, ahead=10)["start"])
    booked = desk.book(start, practitioner=practitioner, patient=patient["id"])
    with phone(browser, stack, f"/a/{booked['reference']}") as page:
        expect(page.locator("#connection")).to_have_attribute("data-state", "live")
        expect(page.get_by_role("button", name="Turn on for this device")).to_be_visible()
        page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
        when = page.locator("article").get_attribute("data-when") or ""
        page.context.set_offline(True)
        page.reload()
        expect(page.locator("#visit-when")).to_have_text(when)
        page.context.set_offline(False)
        expect(page.locator("#connection")).to_have_attribute("data-state", "live")
        desk.act(booked["id"], "revoke-link")
        expect(page.get_by_role("heading", name="This link leads nowhere")).to_be_visible()
        assert page.evaluate("() => localStorage.getItem('chairside-visit')") is None
    desk.act(booked["id"], "cancel")


def move_by_page(page: Page) -> None:
    page.locator("time-picker .tp-time").first.tap()
    page.get_by_role("button", name="Take ").tap()


def test_offer_is_taken_with_one_tap_and_without_scripts(browser: Browser, stack: LiveStack, desk: SignedIn) -> None:
    patient = desk.post("/api/v1/patients", {"name": "Olive Offer", "phone": "+13105551902"}).raise_for_status().json()
    practitioner = desk.get("/api/v1/practitioners")["results"][1]["id"]
    slot = open_slot(desk, practitioner, ahead=6)
    wish = {"patient": patient["id"], "first_date": slot["date"], "last_date": slot["date"]}
    entry = desk.post("/api/v1/waitlist", wish).raise_for_status().json()
    offered = desk.post(f"/api/v1/waitlist/{entry['id']}/offer", {"practitioner": practitioner, "start": slot["start"]})
    token = offered.raise_for_status().json()["offer"]["token"]
    with phone(browser, stack, f"/offer/{token}", java_script_enabled=False) as page:
        page.get_by_role("button", name="Yes, I take it").tap()
        expect(page.get_by_role("heading", level=1)).to_have_text("It is yours")
        page.get_by_role("link", name="To your visit").tap()
        expect(page.locator("#visit-status")).to_have_text("Confirmed")
    [row] = desk.get("/api/v1/appointments", patient=patient["id"])["results"]
    assert (row["start"], row["status"]) == (slot["start"], "confirmed")
    day = desk.get("/api/v1/calendar/day", date=slot["date"])
    assert row["id"] in {one["id"] for one in day["appointments"]}


def test_arrival_appears_on_the_board(browser: Browser, stack: LiveStack, desk: SignedIn) -> None:
    patient = desk.post("/api/v1/patients", {"name": "Arno Arrives", "phone": "+13105551903"}).raise_for_status().json()
    practitioners = desk.get("/api/v1/practitioners")["results"]
    practitioner = practitioners[1]["id"]
    slot = open_slot(desk, practitioner, ahead=8)
    booked = desk.book(datetime.fromisoformat(slot["start"]), practitioner=practitioner, patient=patient["id"])
    bring_to_now(stack, booked["id"], [one["id"] for one in practitioners], zone_of(desk))
    with board_of(browser, stack, stack.person("staff")) as board:
        expect(board.card(booked["id"])).to_be_visible()
        with phone(browser, stack, f"/a/{booked['reference']}") as page:
            page.get_by_role("button", name="I am here").tap()
            expect(page.locator(".visit-say").get_by_text("The clinic knows that you are here.")).to_be_visible()
        expect(board.card(booked["id"]).locator(".arrived")).to_be_visible()
    assert desk.get(f"/api/v1/appointments/{booked['id']}")["arrived_at"] is not None
