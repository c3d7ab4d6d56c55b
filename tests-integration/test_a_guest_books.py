from datetime import datetime, timedelta
from typing import Any

import httpx

from testkit.live.people import SignedIn, zone_of
from testkit.live.stack import NO_CERTIFICATES, LiveStack

SOON = 2.0


def open_slot(desk: SignedIn, practitioner: int) -> dict[str, str]:
    today = datetime.now(zone_of(desk)).date()
    days = {"from": today + timedelta(days=2), "to": today + timedelta(days=20)}
    slot: dict[str, str] = desk.get(f"/api/v1/practitioners/{practitioner}/slots", **days)["slots"][0]
    return slot


def offered(desk: SignedIn, practitioner: int, slot: dict[str, str]) -> bool:
    slots = desk.get(f"/api/v1/practitioners/{practitioner}/slots", date=slot["date"])["slots"]
    return slot["start"] in {other["start"] for other in slots}


def post(stack: LiveStack, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
    """As somebody without an account."""
    return httpx.post(f"{stack.api_url}/api/v1/{path}", json=body or {}, timeout=30, verify=NO_CERTIFICATES)


def test_a_guest_holds_a_slot_asks_for_it_and_follows_it_by_its_reference(stack: LiveStack) -> None:
    with SignedIn(stack, "staff") as desk, desk.watch() as board:
        board.next()
        practitioner = desk.get("/api/v1/practitioners")["results"][2]["id"]
        slot = open_slot(desk, practitioner)
        held = post(stack, "holds", {"practitioner": practitioner, "start": slot["start"]})
        assert held.status_code == 201, held.text
        assert not offered(desk, practitioner, slot)
        other = post(stack, "holds", {"practitioner": practitioner, "start": slot["start"]})
        assert (other.status_code, other.json()["errors"][0]["code"]) == (409, "slot_taken")
        assert other.json()["nearest"]

        guest = {"name": "Gwen Guest", "phone": "+447700900123"}
        asked = post(stack, "public/bookings", {**guest, "hold": held.json()["token"]})
        assert (asked.status_code, asked.json()["status"]) == (201, "pending"), asked.text
        reference = asked.json()["reference"]
        board.until(lambda shown: any(row["patient_name"] == "Gwen Guest" for row in shown.values()), SOON)
        (row,) = [row for row in board.shown.values() if row["patient_name"] == "Gwen Guest"]
        assert (row["start"], row["source"]) == (slot["start"], "guest")

        desk.act(row["id"], "confirm")
        seen = httpx.get(f"{stack.api_url}/api/v1/public/bookings/{reference}").json()
        assert seen["status"] == "confirmed"
        assert not any("Gwen" in str(value) for value in seen.values())

        assert post(stack, f"public/bookings/{reference}/cancel").status_code == 200
        board.until(lambda shown: shown[row["id"]]["status"] == "cancelled", SOON)
        assert offered(desk, practitioner, slot)


def test_a_hold_that_is_released_is_offered_again(stack: LiveStack) -> None:
    with SignedIn(stack, "staff") as desk:
        practitioner = desk.get("/api/v1/practitioners")["results"][3]["id"]
        slot = open_slot(desk, practitioner)
        held = post(stack, "availability/reserve", {"practitioner": practitioner, "start": slot["start"]}).json()
        url = f"{stack.api_url}/api/v1/holds/{held['id']}"
        assert httpx.request("DELETE", url, json={"token": "somebody else's"}).status_code in {403, 404}
        assert not offered(desk, practitioner, slot)
        assert httpx.request("DELETE", url, json={"token": held["token"]}).status_code == 204
        assert offered(desk, practitioner, slot)
