"""The home pages in a real browser, over both services: desk, practitioner and owner."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from time import monotonic

import pytest
from playwright.sync_api import Browser, expect

from testkit.live.browsing import page_of
from testkit.live.people import SignedIn, zone_of
from testkit.live.stack import LiveStack
from testkit.live.visits import ask_for_visit
from testkit.stand_ins.twilio import TwilioStandIn

PHONE = "+13105550177"
_number = count(1)


def new_patient(desk: SignedIn, **more: str) -> int:
    made = desk.post("/api/v1/patients", {"name": f"Henrietta Homewood {next(_number)}", **more})
    assert made.status_code == 201, made.text
    return int(made.json()["id"])


def soon_today(desk: SignedIn, practitioner: int, patient: int) -> int:
    """The id of a visit of today at the first free time, half an hour from now or later."""
    now = datetime.now(zone_of(desk))
    first = now.replace(minute=now.minute - now.minute % 5, second=0, microsecond=0) + timedelta(minutes=10)
    for step in range(60):
        start = first + timedelta(minutes=5 * step)
        if start.date() != now.date():
            pytest.skip("the day is over")
        body = {"patient": patient, "practitioner": practitioner, "start": start.isoformat(), "outside_hours": True}
        answer = desk.post("/api/v1/appointments", body)
        if answer.status_code == 201:
            return int(answer.json()["id"])
    raise AssertionError("nothing is free")


@contextmanager
def undo_window(stack: LiveStack) -> Iterator[None]:
    """A minute; the other stories wait for none."""
    with SignedIn(stack, "owner") as owner:
        owner.http.patch("/api/v1/clinic", json={"undo_seconds": 60}).raise_for_status()
        try:
            yield
        finally:
            owner.http.patch("/api/v1/clinic", json={"undo_seconds": 0}).raise_for_status()


def test_desk_approves_a_request_and_undoes_it(browser: Browser, stack: LiveStack) -> None:
    with SignedIn(stack, "staff") as desk, SignedIn(stack, "patient") as patient:
        practitioner = desk.any_booking()["practitioner"]
        first = datetime.now(zone_of(desk)).date() + timedelta(days=1)
        request = ask_for_visit(patient, practitioner, first, first + timedelta(days=6))
        with undo_window(stack), page_of(browser, stack, stack.person("staff"), "/home") as home:
            more = home.page.locator("#requests .panel-more")
            expect(home.page.locator("#requests-list .item").first).to_be_visible()
            if more.count():
                more.click()
            item = home.page.locator(f"#requests-list [data-id='{request['id']}']")
            item.get_by_role("button", name="Approve").click()
            expect(item).to_have_count(0)
            home.page.locator("[data-undo]").click()
            expect(item).to_have_count(1)
            assert home.complaints == []
        assert desk.get(f"/api/v1/appointments/{request['id']}")["status"] == "pending"


def test_practitioner_runs_late_and_the_next_patient_gets_a_message(
    browser: Browser, stack: LiveStack, twilio: TwilioStandIn
) -> None:
    with SignedIn(stack, "staff") as desk, SignedIn(stack, "practitioner") as treating:
        practitioner = treating.get("/api/v1/users/me")["practitioner"]
        visit = soon_today(desk, practitioner, new_patient(desk, phone=PHONE))
        before = desk.get(f"/api/v1/appointments/{visit}")
        with page_of(browser, stack, stack.person("practitioner"), "/home") as home:
            home.page.locator("[data-late='10']").click()
            expect(home.page.locator("#delay-now")).to_contain_text("10 min late")
            expect(home.page.locator("#delay-told")).to_contain_text("told.")
            expect(home.page.locator("#delay-told")).to_contain_text("patient")
            if stack.tells_the_outside:
                stack.manage("run_worker", "--once")
                deadline = monotonic() + 30  # The stack's own worker may have it.
                while not any("10 min late" in sms.body for sms in twilio.sent if sms.recipient == PHONE):
                    assert monotonic() < deadline, "no SMS has come"
                    home.page.wait_for_timeout(100)
            home.page.locator("#on-time").click()
            expect(home.page.locator("#delay-now")).to_contain_text("On time")
            assert home.complaints == []
        after = desk.get(f"/api/v1/appointments/{visit}")
        assert (after["start"], after["version"]) == (before["start"], before["version"])


def test_time_off_is_asked_for_and_approved_with_a_conflict(browser: Browser, stack: LiveStack) -> None:
    with SignedIn(stack, "staff") as desk, SignedIn(stack, "practitioner") as treating:
        practitioner = treating.get("/api/v1/users/me")["practitioner"]
        first = datetime.now(zone_of(desk)).date() + timedelta(days=20)
        slots = desk.get(
            f"/api/v1/practitioners/{practitioner}/slots", **{"from": first, "to": first + timedelta(days=9)}
        )["slots"]
        booked = desk.post(
            "/api/v1/appointments",
            {"patient": new_patient(desk), "practitioner": practitioner, "start": slots[0]["start"]},
        ).json()
        with page_of(browser, stack, stack.person("practitioner"), "/home") as home:
            home.page.get_by_text("Ask for time off").click()
            home.page.locator("#start_date").fill(booked["date"])
            home.page.get_by_role("button", name="Ask", exact=True).click()
            expect(home.page.locator("#absences-list .state[data-state='requested']").first).to_be_visible()
            with page_of(browser, stack, stack.person("owner"), "/home/desk") as owners:
                item = owners.page.locator("#absences-list [data-absence]").first
                item.get_by_text("booked then").click()
                expect(item).to_contain_text(booked["patient_name"])
                item.get_by_role("button", name="Approve and keep the visits").click()
                expect(item).to_have_count(0)
                assert owners.complaints == []
            expect(home.page.locator("#absences-list .state[data-state='approved']").first).to_be_visible()
            assert home.complaints == []
        assert desk.get(f"/api/v1/appointments/{booked['id']}")["status"] == "confirmed"


def test_owner_sees_the_month_and_downloads_it(browser: Browser, stack: LiveStack) -> None:
    with page_of(browser, stack, stack.person("owner"), "/home") as home:
        expect(home.page.locator("#report")).to_have_attribute("aria-busy", "false")
        expect(home.page.locator(".chart canvas")).to_have_count(2)
        expect(home.page.locator(".heat tbody tr")).to_have_count(7)
        with home.page.expect_download() as download:
            home.page.locator("#csv").click()
        lines = download.value.path().read_text("utf-8-sig").splitlines()
        assert lines[0].startswith("week,practitioner,practitioner_name,visits")
        total = home.page.locator(".figures .tile").nth(1).locator("strong")
        assert sum(int(line.split(",")[3]) for line in lines[1:]) == int((total.text_content() or "").replace(",", ""))
        home.page.locator("#preset").select_option("last-month")
        expect(home.page.locator("#report")).to_have_attribute("aria-busy", "false")
        assert home.complaints == []
