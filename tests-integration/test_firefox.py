"""Firefox opens every page of the portal; the desk books in it, and a guest. Driven over WebDriver BiDi."""

import json
import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any

from testkit.live.people import SignedIn
from testkit.live.portal_pages import Rows, by_role, portal_pages
from testkit.live.stack import LiveStack
from testkit.stream.node import NODE

DRIVER = Path(__file__).parent / "browser" / "firefox.mjs"
LIVE = "#connection[data-state=live]"
GOES_LIVE = [{"goto": "/board"}, {"see": LIVE}]


def booking_of(name: str) -> list[dict[str, str]]:
    """By keys alone: the first service, the soonest time."""
    return [
        *GOES_LIVE,
        {"press": "b"},
        {"see": "dialog[open] [role=combobox]:focus"},
        {"type": name},
        {"see": f"dialog[open] [role=option] ::-p-text({name})"},
        {"press": "Enter"},
        {"see": "dialog[open] .service:focus"},
        {"press": "Enter"},
        {"see": "dialog[open] .slot:focus"},
        {"press": "Enter"},
        {"see": "dialog[open] [role=timer]"},
        {"see": "dialog[open] button:focus ::-p-text(Book)"},
        {"press": "Enter"},
        {"see": f"#frame-toasts ::-p-text(Booked: {name})"},
    ]


def booking_by_guest(slug: str, name: str) -> list[dict[str, str]]:
    """The first service, the first time that is open, held while the guest types."""
    return [
        {"goto": f"/book/{slug}"},
        {"click": "a.book-service"},
        {"see": "time-picker .tp-times .tp-time"},
        {"click": "time-picker .tp-times .tp-time"},
        {"see": "time-picker ::-p-text(Your time is held for)"},
        {"fill": "#you [name=name]", "text": name},
        {"fill": "#you [name=phone]", "text": "+1 212 555 0187"},
        {"click": "#you button[value=book]"},
        {"see": ".book-done ::-p-text(Your request is with the clinic)"},
        {"click": ".book-done a.button[href^='/a/']"},
        {"see": "main ::-p-text(Requested)"},
    ]


def in_firefox(stack: LiveStack, people: list[dict[str, Any]]) -> list[dict[str, Any]]:
    executable = shutil.which("firefox-esr") or shutil.which("firefox")
    assert executable, "Firefox is missing: run tools/setup browser"
    asked = {"executable": executable, "origin": stack.pages_url, "people": people}
    done = subprocess.run(
        [NODE, str(DRIVER)], input=json.dumps(asked), capture_output=True, text=True, timeout=240, cwd=DRIVER.parent
    )
    assert done.returncode == 0, done.stderr
    seen: list[dict[str, Any]] = json.loads(done.stdout)
    return seen


def test_every_page_opens_in_firefox_and_visits_are_booked_by_desk_and_guest(stack: LiveStack) -> None:
    rows = Rows(stack)
    with SignedIn(stack, "owner") as owner:
        patient = owner.post("/api/v1/patients", {"name": "Fenna Fox"}).raise_for_status().json()
        booked_by = {"owner": booking_of(patient["name"]), "": booking_by_guest(rows.values["slug"], "Gustav Fuchs")}
    people, wanted = [], []
    for role, pages in by_role(portal_pages()):
        addresses = {rows.address(page): page.status for page in pages}
        person = asdict(stack.person(role)) if role else None
        people.append({"person": person, "addresses": list(addresses), "steps": booked_by.get(role, [])})
        wanted.append(addresses)
    seen = in_firefox(stack, people)
    assert [one["answers"] for one in seen] == wanted
    assert [complaint for one in seen for complaint in one["complaints"]] == []
    with SignedIn(stack, "owner") as owner:
        (visit,) = owner.get("/api/v1/appointments", patient=patient["id"])["results"]
        assert visit["status"] == "confirmed"
        [request] = owner.get("/api/v1/appointments", search="Gustav Fuchs")["results"]
        assert (request["status"], request["source"]) == ("pending", "guest")
