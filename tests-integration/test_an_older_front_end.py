"""A page of an older front end, on another origin and in a real browser, completes a visit by the older calls alone."""

import json
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, expect

from testkit.live.browsing import TIMEOUT_MS
from testkit.live.front_end import FrontEnd
from testkit.live.stack import LiveStack, Person

CALLS = {
    "POST /api/auth/patient/login 200",
    "POST /api/auth/refresh 200",
    "PUT /api/profiles/me 200",
    "GET /api/profiles/dentists 200",
    "GET /api/availability/#/slots 200",
    "POST /api/availability/reserve 201",
    "DELETE /api/availability/reserve/# 204",
    "POST /api/appointments/ 201",
    "PUT /api/appointments/# 200",
    "PATCH /api/appointments/#/ 200",
    "DELETE /api/appointments/# 204",
    "POST /api/auth/doctor/login 200",
    "GET /api/doctors/ 200",
    "POST /api/auth/stream-ticket 200",
}


def credentials_of(person: Person) -> dict[str, str]:
    return {"username": person.email, "password": person.password}


@pytest.fixture
def front_end_origins(stack: LiveStack, front_end: FrontEnd) -> list[str]:
    if stack.gateway_url is not None:
        pytest.skip("containers allow origins of their own")
    return front_end.origins


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_older_front_end_on_another_origin_completes_a_visit(
    browser: Browser, stack: LiveStack, front_end_origins: list[str], host: str
) -> None:
    [origin] = [one for one in front_end_origins if host in one]
    people = {"patient": credentials_of(stack.person("patient")), "staff": credentials_of(stack.person("staff"))}
    query = urlencode({"api": stack.api_url, "stream": stack.stream_url, "people": json.dumps(people)})
    with browser.new_page() as page:
        page.goto(f"{origin}/older_front_end.html?{query}")
        expect(page.locator("#outcome")).not_to_be_empty(timeout=TIMEOUT_MS)
        calls = page.locator("#calls li").all_inner_texts()
        assert page.locator("#outcome").inner_text() == "done", calls
        assert set(calls) >= CALLS
