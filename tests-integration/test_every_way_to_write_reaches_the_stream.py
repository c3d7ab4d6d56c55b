import re
from collections.abc import Iterator

import httpx
import pytest

from testkit.live.people import SignedIn, Watcher, free_start, sql, zone_of
from testkit.live.stack import LiveStack


@pytest.fixture
def owner(stack: LiveStack) -> Iterator[SignedIn]:
    with SignedIn(stack, "owner") as owner:
        yield owner


@pytest.fixture
def board(owner: SignedIn) -> Iterator[Watcher]:
    with owner.watch() as board:
        board.next()
        yield board


@pytest.fixture
def booked(owner: SignedIn, board: Watcher) -> int:
    appointment_id: int = owner.book(free_start(zone_of(owner)), notes="as it was")["id"]
    board.until(lambda shown: appointment_id in shown)
    return appointment_id


def test_the_api(owner: SignedIn, board: Watcher, booked: int) -> None:
    owner.http.patch(f"/api/v1/appointments/{booked}", json={"notes": "by the API"})
    board.until(lambda shown: shown[booked]["notes"] == "by the API")


def test_the_admin(stack: LiveStack, owner: SignedIn, board: Watcher, booked: int) -> None:
    with httpx.Client(base_url=stack.api_url, follow_redirects=True) as browser:
        _sign_in_to_admin(browser, owner)
        page = browser.get("/admin/appointments/appointment/")
        form = {"csrfmiddlewaretoken": _csrf(page), "action": "cancel", "_selected_action": f"{booked}"}
        done = browser.post("/admin/appointments/appointment/", data=form, headers={"Referer": f"{page.url}"})
        assert "1 cancelled." in done.text
    board.until(lambda shown: shown[booked]["status"] == "cancelled")
    last = owner.get(f"/api/v1/appointments/{booked}/history")["results"][-1]
    assert (last["action"], last["channel"], last["actor_kind"]) == ("cancel", "admin", "admin")


def test_a_bulk_update_of_the_orm(stack: LiveStack, board: Watcher, booked: int) -> None:
    code = (
        f"from clinic.appointments.models import Appointment as A; A.objects.filter(pk={booked}).update(notes='bulk')"
    )
    stack.manage("shell", "-c", code)
    board.until(lambda shown: shown[booked]["notes"] == "bulk")


def test_raw_sql(stack: LiveStack, board: Watcher, booked: int) -> None:
    with sql(stack.db()) as cursor:
        cursor.execute("UPDATE appointment SET notes = 'raw' WHERE id = %s", [booked])
        board.until(lambda shown: shown[booked]["notes"] == "raw")
        cursor.execute("DELETE FROM appointment WHERE id = %s", [booked])
        board.until(lambda shown: booked not in shown)


def test_a_new_name_of_the_patient(owner: SignedIn, board: Watcher, booked: int) -> None:
    patient = board.shown[booked]["patient"]
    owner.http.patch(f"/api/v1/patients/{patient}", json={"name": "Married Now"})
    board.until(lambda shown: shown[booked]["patient_name"] == "Married Now")


def _sign_in_to_admin(browser: httpx.Client, person: SignedIn) -> None:
    page = browser.get("/admin/login/")
    form = {
        "csrfmiddlewaretoken": _csrf(page),
        "username": person.person.email,
        "password": person.person.password,
        "next": "/admin/",
    }
    done = browser.post("/admin/login/", data=form, headers={"Referer": f"{page.url}"})
    assert "Log out" in done.text


def _csrf(page: httpx.Response) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]
