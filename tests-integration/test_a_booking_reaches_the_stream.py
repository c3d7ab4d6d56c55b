from datetime import datetime, timedelta

from testkit.live.people import SignedIn, free_start, row_of, zone_of
from testkit.live.stack import LiveStack
from testkit.live.visits import ask_for_visit

# A quarter of a second is the promise; a machine that is busy with tests gets more before this fails.
SOON = 2.0


def test_each_step_of_an_appointment_is_on_the_stream(stack: LiveStack) -> None:
    with SignedIn(stack, "owner") as owner, SignedIn(stack, "patient") as patient, owner.watch() as board:
        board.next()
        zone = zone_of(owner)
        booked = owner.book(free_start(zone), patient=patient.get("/api/v1/users/me")["patient"])
        change = board.until(lambda shown: booked["id"] in shown, SOON)
        assert change.event == "change"
        assert board.shown[booked["id"]] == row_of(booked)
        cancelled = owner.act(booked["id"], "cancel")
        board.until(lambda shown: shown[booked["id"]]["status"] == "cancelled", SOON)
        assert board.shown[booked["id"]] == row_of(cancelled)
        owner.http.delete(f"/api/v1/appointments/{booked['id']}")
        board.until(lambda shown: booked["id"] not in shown, SOON)


def test_a_request_is_approved_and_the_patient_sees_it(stack: LiveStack) -> None:
    with SignedIn(stack, "patient") as patient, SignedIn(stack, "staff") as staff, patient.watch() as phone:
        phone.next()
        practitioner = patient.get("/api/v1/practitioners")["results"][0]["id"]
        today = datetime.now(zone_of(patient)).date()
        asked = ask_for_visit(patient, practitioner, today + timedelta(days=1), today + timedelta(days=14))
        phone.until(lambda shown: asked["id"] in shown, SOON)
        staff.act(asked["id"], "confirm")
        phone.until(lambda shown: shown[asked["id"]]["status"] == "confirmed", SOON)


def test_a_snapshot_dashboard_sees_the_same(stack: LiveStack) -> None:
    with SignedIn(stack, "staff") as staff, staff.watch(mode="snapshot") as board:
        board.next()
        booked = staff.book(free_start(zone_of(staff)))
        message = board.until(lambda shown: booked["id"] in shown, SOON)
        assert message.event == "message"
        starts = [(row["start"], row["id"]) for row in message.json["appointments"]]
        assert len(starts) == len(set(starts))
        assert board.shown[booked["id"]] == row_of(booked)
