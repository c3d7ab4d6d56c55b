"""Sam at the desk, in a real browser: finds, edits and merges patients, answers an SMS, offers a time by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from testkit.live.browsing import DESK, TIMEOUT_MS, sign_in
from testkit.live.people import SignedIn, eventually, zone_of
from testkit.live.stack import LiveStack
from testkit.live.twilio_calls import answer_by_sms
from testkit.stand_ins.twilio import TwilioStandIn

_number = count(1)
_sessions: dict[str, Any] = {}


@pytest.fixture
def desk(stack: LiveStack) -> Iterator[SignedIn]:
    with SignedIn(stack, "staff") as staff:
        yield staff


@contextmanager
def page_of(browser: Browser, stack: LiveStack, path: str) -> Iterator[Page]:
    context = browser.new_context(
        base_url=stack.pages_url, storage_state=_sessions.get(stack.pages_url), locale="en-GB", **DESK
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    expect.set_options(timeout=TIMEOUT_MS)
    page.set_default_timeout(TIMEOUT_MS)
    page.goto(path)
    if stack.pages_url not in _sessions:
        sign_in(page, stack.person("staff"))
        page.wait_for_url(f"**{path}")
        _sessions[stack.pages_url] = context.storage_state()
    yield page
    assert complaints == []
    context.close()


def new_patient(desk: SignedIn, **more: Any) -> dict[str, Any]:
    """Of this story alone."""
    number = next(_number)
    fields = {"name": f"Wilhelmina Featherstone {number}", "phone": f"+1310555{1700 + number}", **more}
    made = desk.post("/api/v1/patients", fields)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


def book(desk: SignedIn, patient: dict[str, Any], days: int) -> dict[str, Any]:
    practitioner = desk.get("/api/v1/practitioners")["results"][2]["id"]
    today = datetime.now(zone_of(desk)).date()
    days_ahead = {"from": today + timedelta(days=days), "to": today + timedelta(days=days + 10)}
    slots = desk.get(f"/api/v1/practitioners/{practitioner}/slots", **days_ahead)["slots"]
    return desk.book(datetime.fromisoformat(slots[0]["start"]), practitioner=practitioner, patient=patient["id"])


def test_patient_is_found_opened_and_edited_while_another_desk_books(
    browser: Browser, stack: LiveStack, desk: SignedIn
) -> None:
    patient = new_patient(desk)
    with page_of(browser, stack, "/patients") as page:
        page.get_by_role("searchbox").fill(patient["name"].lower())
        found = page.locator("a.person")
        expect(found).to_have_count(1)
        found.click()
        expect(page.get_by_role("heading", name=patient["name"])).to_be_visible()
        expect(page.get_by_text("No visit ahead.")).to_be_visible()

        visit = book(desk, patient, 3)
        expect(page.locator(f".visit[data-id='{visit['id']}']")).to_be_visible()

        page.get_by_role("link", name="Edit").click()
        page.get_by_label("Alert").fill("Allergic to penicillin")
        page.get_by_role("button", name="Save").dblclick()
        expect(page.locator(".alert-box")).to_have_text("Allergic to penicillin")
        assert desk.get(f"/api/v1/patients/{patient['id']}")["version"] == 2


def test_merge_shows_what_moves_and_the_open_record_says_where_it_went(
    browser: Browser, stack: LiveStack, desk: SignedIn
) -> None:
    kept = new_patient(desk)
    twin = new_patient(desk, name=kept["name"], phone=kept["phone"])
    book(desk, twin, 20)
    with (
        page_of(browser, stack, f"/patients/{twin['id']}") as page,
        page_of(browser, stack, f"/patients/{twin['id']}") as other_desk,
    ):
        page.get_by_role("link", name="Merge…").click()
        expect(page.get_by_text("1 visit", exact=True)).to_be_visible()
        page.get_by_role("button", name="Merge the records").dblclick()
        expect(page.get_by_text("is one record now.")).to_be_visible()
        expect(page.locator(".visit")).to_have_count(1)
        expect(other_desk.get_by_text("This record has become part of another one")).to_be_visible()
        other_desk.get_by_role("link", name=f"Open {kept['name']}").click()
        expect(other_desk).to_have_url(f"{stack.pages_url}/patients/{kept['id']}")


def test_sms_arrives_and_is_answered_once(
    browser: Browser, stack: LiveStack, desk: SignedIn, twilio: TwilioStandIn
) -> None:
    if not stack.tells_the_outside:
        pytest.skip("containers do not reach the stand-ins of this machine")
    patient = new_patient(desk)
    with page_of(browser, stack, "/messages") as page:
        assert answer_by_sms(stack.api_url, sender=patient["phone"], body="Can I bring my dog?").status_code == 200
        conversation = page.locator("a.conversation", has_text=patient["name"])
        expect(conversation).to_contain_text("Waits for an answer")
        conversation.click()
        page.get_by_label("Reply by SMS").fill("Yes, on a lead.")
        page.get_by_role("button", name="Send", exact=True).dblclick()
        expect(page.locator(".line.sent", has_text="Yes, on a lead.")).to_have_count(1)
        expect(page.locator(".line.received")).to_contain_text("answered by")
    sent = [sms.body for sms in eventually(lambda: [sms for sms in twilio.sent if sms.recipient == patient["phone"]])]
    assert sent == ["Yes, on a lead."]


def test_reply_is_undone_before_it_is_sent(browser: Browser, stack: LiveStack, desk: SignedIn) -> None:
    if not stack.tells_the_outside:
        pytest.skip("containers take no SMS")
    patient = new_patient(desk)
    answer_by_sms(stack.api_url, sender=patient["phone"], body="Is there a lift?")
    with SignedIn(stack, "owner") as owner:
        owner.http.patch("/api/v1/clinic", json={"undo_seconds": 60}).raise_for_status()
        try:
            with page_of(browser, stack, f"/messages?patient={patient['id']}") as page:
                page.get_by_label("Reply by SMS").fill("No, stairs alone.")
                page.get_by_role("button", name="Send", exact=True).click()
                page.locator(".undo-bar").get_by_role("button", name="Undo").click()
                expect(page.get_by_text("The reply is not sent.")).to_be_visible()
                expect(page.locator(".line.received")).to_contain_text("Waits for an answer")
        finally:
            owner.http.patch("/api/v1/clinic", json={"undo_seconds": 0}).raise_for_status()


def test_time_is_offered_by_hand_and_accepted(browser: Browser, stack: LiveStack, desk: SignedIn) -> None:
    patient = new_patient(desk)
    with page_of(browser, stack, f"/waitlist/add?patient={patient['id']}") as page:
        page.get_by_role("button", name="Add to the waitlist").dblclick()
        entry = page.locator(".entry", has_text=patient["name"])
        expect(entry).to_have_count(1)
        entry.locator(".times button").first.click()
        expect(entry.locator("count-down")).to_contain_text("until")
        with page_of(browser, stack, "/waitlist") as other_desk:
            theirs = other_desk.locator(".entry", has_text=patient["name"])
            expect(theirs.get_by_role("button", name="They accept")).to_be_visible()
            entry.get_by_role("button", name="They accept").click()
            expect(page.get_by_text(f"{patient['name']} is booked.")).to_be_visible()
            expect(theirs).to_have_count(0)
    visits = desk.get("/api/v1/appointments", patient=patient["id"])["results"]
    assert [(visit["status"], visit["source"]) for visit in visits] == [("confirmed", "waitlist")]
