"""Pages on another origin use the published client alone, in Chromium and Firefox, across a token's expiry."""

import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import httpx
import jwt
import pytest
from clinic.portal.views.client_files import client_version
from playwright.sync_api import Browser, expect

from testkit.live.browsing import TIMEOUT_MS
from testkit.live.front_end import FrontEnd
from testkit.live.people import SignedIn
from testkit.live.stack import LiveStack
from testkit.stream.node import NODE
from tools.token_keys import from_one_line

DRIVER = Path(__file__).parent / "browser" / "firefox.mjs"
LIFE = timedelta(seconds=3)
STEPS = [
    "live",
    "booked by a hold",
    "confirmed, seen live",
    "token expired and renewed",
    "completed, seen live",
    "cancelled, still live",
]


@pytest.fixture(autouse=True)
def _origins_are_ours(stack: LiveStack) -> None:
    if stack.gateway_url is not None:
        pytest.skip("containers allow origins of their own")


def address_of_page(stack: LiveStack) -> str:
    """For a patient whose access token expires in a moment, with a refresh token that holds."""
    patient, staff = stack.person("patient", 3), stack.person("staff")
    credentials = {"username": patient.email, "password": patient.password}
    pair = httpx.post(f"{stack.api_url}/api/token/", json=credentials).raise_for_status().json()
    claims = jwt.decode(pair["access"], options={"verify_signature": False})
    expires = int((datetime.now(UTC) + LIFE).timestamp())
    key = from_one_line(stack.environment["JWT_PRIVATE_KEY"])
    access = jwt.encode(claims | {"exp": expires}, key, algorithm="ES256")
    query = {
        "api": stack.api_url,
        "stream": stack.stream_url,
        "client": f"{stack.api_url}/clients/js/{client_version()}/chairside.js",
        "tokens": json.dumps({"access": access, "refresh": pair["refresh"]}),
        "expires": expires,
        "patient": claims["patient_id"],
        "staff": json.dumps({"username": staff.email, "password": staff.password}),
    }
    return f"/own_front_end.html?{urlencode(query)}"


def open_in_chromium(browser: Browser, address: str) -> list[str]:
    with browser.new_page() as page:
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        expect(page.locator("#outcome"), str(complaints)).not_to_be_empty(timeout=TIMEOUT_MS)
        assert complaints == []
        return [*page.locator("#steps li").all_inner_texts(), page.locator("#outcome").inner_text()]


def test_page_on_another_origin_completes_visits_across_a_token_expiry_in_chromium(
    browser: Browser, stack: LiveStack, front_end: FrontEnd
) -> None:
    assert open_in_chromium(browser, front_end.origins[0] + address_of_page(stack)) == [*STEPS, "done"]


def test_page_on_another_origin_completes_visits_across_a_token_expiry_in_firefox(
    stack: LiveStack, front_end: FrontEnd
) -> None:
    executable = shutil.which("firefox-esr") or shutil.which("firefox")
    assert executable, "Firefox is missing: run tools/setup browser"
    steps = [{"goto": address_of_page(stack)}, {"see": "#outcome:not(:empty)"}, {"see": "#outcome ::-p-text(done)"}]
    people = [{"person": None, "addresses": [], "steps": steps}]
    asked = {"executable": executable, "origin": front_end.origins[0], "people": people}
    done = subprocess.run(
        [NODE, str(DRIVER)], input=json.dumps(asked), capture_output=True, text=True, timeout=120, cwd=DRIVER.parent
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["complaints"] == []


def test_front_end_of_twenty_lines_shows_a_booking_live(
    browser: Browser, stack: LiveStack, front_end: FrontEnd
) -> None:
    """The one of the documentation, with the addresses of this stack."""
    front_end.replaced.update({"http://localhost:8000": stack.api_url, "http://localhost:8001": stack.stream_url})
    patient = stack.person("patient", 4)
    with browser.new_page() as page, SignedIn(stack, "patient", 4) as known:
        page.goto(f"{front_end.origins[0]}/examples/front-end.html")
        page.locator("[name=username]").fill(patient.email)
        page.locator("[name=password]").fill(patient.password)
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("output")).to_have_text("live")
        before = {row["id"] for row in known.get("/api/v1/appointments")["results"]}
        shown = page.locator("li").count()
        page.get_by_role("button", name="Book").click()
        expect(page.locator("li")).to_have_count(shown + 1)
        (made,) = (row for row in known.get("/api/v1/appointments")["results"] if row["id"] not in before)
        assert made["status"] in ("pending", "confirmed")
