"""Notifications: on the reader's stream with their COMMIT, and read everywhere at once."""

from datetime import datetime, timedelta
from typing import Any

from testkit.live.people import SignedIn, zone_of
from testkit.live.stack import LiveStack
from testkit.stream.wire import SseReader


def inbox_of(stack: LiveStack, person: SignedIn) -> SseReader:
    url = f"{stack.stream_url}/api/v1/sse/notifications?mode=delta"
    reader = SseReader(url, token=person.token)
    assert reader.status == 200
    return reader


def offered(desk: SignedIn, patient: SignedIn) -> None:
    """Offer returned time to a patient who waits for it."""
    practitioner = desk.get("/api/v1/practitioners")["results"][3]["id"]
    today = datetime.now(zone_of(desk)).date()
    days = {"from": today + timedelta(days=2), "to": today + timedelta(days=20)}
    slot = next(
        slot
        for slot in desk.get(f"/api/v1/practitioners/{practitioner}/slots", **days)["slots"]
        if patient.get("/api/v1/appointments", date=slot["date"])["count"] == 0
    )
    booked = desk.book(datetime.fromisoformat(slot["start"]), practitioner=practitioner, patient=desk.new_patient())
    wish = {"practitioner": practitioner, "first_date": booked["date"], "last_date": booked["date"]}
    response = patient.post("/api/v1/waitlist", wish)
    assert response.status_code == 201, response.text
    desk.act(booked["id"], "cancel")


def test_notification_is_there_at_once_and_read_everywhere(stack: LiveStack) -> None:
    with (
        SignedIn(stack, "staff") as desk,
        SignedIn(stack, "patient", 5) as patient,
        SignedIn(stack, "patient", 6) as other,
    ):
        before: dict[str, Any] = patient.get("/api/v1/notifications")
        with inbox_of(stack, patient) as stream, inbox_of(stack, other) as others:
            assert stream.next_named("snapshot").json["unread_count"] == before["unread_count"]
            others.next_named("snapshot")

            offered(desk, patient)
            change = stream.next_named("change").json
            [told] = change["upserts"]
            assert (told["kind"], change["unread_count"]) == ("waitlist_offer", before["unread_count"] + 1)
            assert patient.get("/api/v1/notifications", unread="true")["results"][0] == told

            response = patient.post(f"/api/v1/notifications/{told['id']}/read")
            assert response.status_code == 200
            change = stream.next_named("change").json
            assert (change["upserts"], change["unread_count"]) == ([response.json()], before["unread_count"])
            assert patient.post(f"/api/v1/notifications/{told['id']}/read").json() == response.json()
            assert other.post(f"/api/v1/notifications/{told['id']}/read").status_code == 404

            assert patient.post("/api/v1/notifications/read-all").json()["unread_count"] == 0
            assert stream.stays_silent(0.3) or before["unread_count"] > 0
            assert others.stays_silent(0.1)

        log = desk.get("/api/v1/messages", channel="in_app", patient=patient.get("/api/v1/users/me")["patient"])
        assert log["results"][0]["id"] == told["id"]
        assert log["results"][0]["state"] == "delivered"
