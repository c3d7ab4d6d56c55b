from datetime import datetime, timedelta
from typing import Any

from testkit.live.people import SignedIn, zone_of
from testkit.live.stack import LiveStack

SOON = 2.0


def booked_slot(desk: SignedIn, patient: SignedIn) -> dict[str, Any]:
    """Another patient's appointment that the patient would rather have."""
    practitioner = desk.get("/api/v1/practitioners")["results"][4]["id"]
    today = datetime.now(zone_of(desk)).date()
    days = {"from": today + timedelta(days=2), "to": today + timedelta(days=20)}
    others = desk.new_patient()
    for slot in desk.get(f"/api/v1/practitioners/{practitioner}/slots", **days)["slots"]:
        if is_free(patient, slot["date"]):
            return desk.book(datetime.fromisoformat(slot["start"]), practitioner=practitioner, patient=others)
    raise AssertionError("every day has something of the patient's")


def is_free(patient: SignedIn, day: str) -> bool:
    return bool(patient.get("/api/v1/appointments", date=day)["count"] == 0)


def wait_for(patient: SignedIn, appointment: dict[str, Any], **more: Any) -> dict[str, Any]:
    day = appointment["date"]
    wish = {"practitioner": appointment["practitioner"], "first_date": day, "last_date": day, **more}
    response = patient.post("/api/v1/waitlist", wish)
    assert response.status_code == 201, response.text
    entry: dict[str, Any] = response.json()
    return entry


def entry_of(patient: SignedIn, entry: dict[str, Any]) -> dict[str, Any]:
    (found,) = [each for each in patient.get("/api/v1/waitlist", state="all")["results"] if each["id"] == entry["id"]]
    return dict(found)


def test_cancelled_time_is_kept_for_the_waitlist_and_booked_on_acceptance(stack: LiveStack) -> None:
    with SignedIn(stack, "staff") as desk, SignedIn(stack, "patient", 2) as patient, patient.watch() as phone:
        phone.next()
        appointment = booked_slot(desk, patient)
        entry = wait_for(patient, appointment)
        desk.act(appointment["id"], "cancel")
        offer = entry_of(patient, entry)["offer"]
        assert offer["start"] == appointment["start"]
        taken = desk.post(
            "/api/v1/appointments",
            {key: appointment[key] for key in ("patient", "practitioner", "start")},
        )
        assert (taken.status_code, taken.json()["errors"][0]["code"]) == (409, "slot_taken")

        accepted = patient.post(f"/api/v1/waitlist/offers/{offer['token']}/accept")
        assert accepted.status_code in {200, 201}, accepted.text
        phone.until(lambda shown: any(row["start"] == appointment["start"] for row in shown.values()), SOON)
        (row,) = [row for row in phone.shown.values() if row["start"] == appointment["start"]]
        assert row["source"] == "waitlist"
        again = patient.post(f"/api/v1/waitlist/offers/{offer['token']}/accept")
        assert again.status_code in {200, 409}
        assert patient.get("/api/v1/appointments", date=appointment["date"])["count"] == 1


def test_declined_time_is_open_again(stack: LiveStack) -> None:
    with SignedIn(stack, "staff") as desk, SignedIn(stack, "patient", 3) as patient:
        appointment = booked_slot(desk, patient)
        entry = wait_for(patient, appointment)
        desk.act(appointment["id"], "cancel")
        offer = entry_of(patient, entry)["offer"]
        assert patient.post(f"/api/v1/waitlist/offers/{offer['token']}/decline").status_code == 200
        slots = desk.get(f"/api/v1/practitioners/{appointment['practitioner']}/slots", date=appointment["date"])[
            "slots"
        ]
        assert appointment["start"] in {slot["start"] for slot in slots}
        # Waiting on, they would be asked for the time that another story frees.
        assert patient.http.delete(f"/api/v1/waitlist/{entry['id']}").status_code == 204


def test_entry_that_accepts_beforehand_is_booked_at_once(stack: LiveStack) -> None:
    with SignedIn(stack, "staff") as desk, SignedIn(stack, "patient", 4) as patient, desk.watch() as board:
        board.next()
        appointment = booked_slot(desk, patient)
        entry = wait_for(patient, appointment, auto_accept=True)
        desk.act(appointment["id"], "cancel")
        booked = entry_of(patient, entry)["appointment"]
        board.until(lambda shown: booked in shown, SOON)
        assert board.shown[booked]["start"] == appointment["start"]
        assert board.shown[booked]["status"] == "confirmed"
