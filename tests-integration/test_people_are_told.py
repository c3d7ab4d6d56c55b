"""Book, confirm, remind, answer, cancel: over a real mail server and a stand-in for Twilio, each message once."""

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from icalendar import Calendar as Ics

from testkit.live.people import SignedIn, eventually, sql, zone_of
from testkit.live.stack import LiveStack
from testkit.live.twilio_calls import answer_by_sms
from testkit.stand_ins.mail import MailStandIn
from testkit.stand_ins.twilio import TwilioStandIn

PHONE = "+13105550181"
EMAIL = "paula.story@riverside.example"


@pytest.fixture(autouse=True)
def _own_stack(stack: LiveStack) -> None:
    if not stack.tells_the_outside:
        pytest.skip("containers do not reach the stand-ins of this machine")


def mails(office: MailStandIn, subject: str) -> list[EmailMessage]:
    return [mail for mail in office.delivered_to(EMAIL) if subject in mail["Subject"]]


def texts(twilio: TwilioStandIn, words: str) -> list[str]:
    return [text for text in sent_to(twilio, PHONE) if words in text]


def sent_to(twilio: TwilioStandIn, phone: str) -> list[str]:
    return [sms.body for sms in twilio.sent if sms.recipient == phone]


def invitation(mail: EmailMessage) -> Any:
    [attached] = mail.iter_attachments()
    assert (attached.get_content_type(), attached.get_filename()) == ("application/ics", "invite.ics")
    [alternative] = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    entry = Ics.from_ical(attached.get_content())
    assert Ics.from_ical(alternative.get_content()) == entry
    return entry


def new_patient(desk: SignedIn, *, phone: str = PHONE, email: str = EMAIL) -> int:
    response = desk.post("/api/v1/patients", {"name": "Paula Story", "phone": phone, "email": email})
    assert response.status_code == 201, response.text
    return int(response.json()["id"])


def book_from(desk: SignedIn, at: datetime, patient: int) -> tuple[datetime, int]:
    """The first free start within seven hours from then, and the appointment's id."""
    starts = (on_the_grid(at) + timedelta(minutes=30) * number for number in range(14))
    for start in starts:
        body = {**desk.any_booking(), "start": start.isoformat(), "outside_hours": True, "patient": patient}
        answer = desk.post("/api/v1/appointments", body)
        if answer.status_code == 201:
            return start, answer.json()["id"]
        assert answer.json()["errors"][0]["code"] == "slot_taken", answer.text
    raise AssertionError("nothing is free")


def make_two_days_old(stack: LiveStack, appointment_id: int) -> None:
    """As if it had been booked, and its patient told, two days ago."""
    unsent = f"SELECT id FROM message WHERE appointment_id = {appointment_id} AND state IN ('queued', 'sending')"
    with sql(stack.db()) as cursor:
        eventually(lambda: cursor.execute(unsent) == 0)
        for statement in (
            "UPDATE appointment_event SET at = at - INTERVAL 2 DAY WHERE appointment_id = %s",
            "UPDATE message SET sent_at = sent_at - INTERVAL 2 DAY WHERE appointment_id = %s",
        ):
            cursor.execute(statement, [appointment_id])


def on_the_grid(at: datetime) -> datetime:
    return at.replace(minute=at.minute - at.minute % 5, second=0, microsecond=0)


def test_a_visit_from_the_booking_to_the_end(stack: LiveStack, post_office: MailStandIn, twilio: TwilioStandIn) -> None:
    with SignedIn(stack, "staff") as desk, SignedIn(stack, "owner") as owner:
        zone, patient = zone_of(desk), new_patient(desk)
        soon, soon_id = book_from(desk, datetime.now(UTC).astimezone(zone) + timedelta(hours=16), patient)
        when = f"{soon:%a} {soon.day} {soon:%b}, {soon:%H:%M}"

        # Booked: an SMS, and a mail whose file opens in a calendar.
        eventually(lambda: texts(twilio, f"{when} with") and mails(post_office, f"Your appointment on {when}"))
        [mail] = mails(post_office, "Your appointment on")
        file = invitation(mail)
        [event] = file.walk("VEVENT")
        assert (str(file["METHOD"]), int(event["SEQUENCE"])) == ("REQUEST", 1)
        assert event.decoded("DTSTART") == soon

        # Not reminded of what was just booked; two days later by this worker or that one, once.
        stack.manage("run_worker", "--once")
        assert not texts(twilio, "a reminder of")
        make_two_days_old(stack, soon_id)
        stack.manage("run_worker", "--once")
        [reminder] = eventually(lambda: texts(twilio, "a reminder of"))
        assert f"Reply CONFIRM {soon_id} or NO {soon_id}." in reminder

        # They come, and everybody sees it.
        answer = answer_by_sms(stack.api_url, sender=PHONE, body=f"confirm {soon_id}")
        assert (answer.status_code, "Thank you. We expect you on" in answer.text) == (200, True)
        assert desk.get(f"/api/v1/appointments/{soon_id}")["attendance_confirmed_at"]

        # Another visit, in time to cancel: in writing to the patient, and the clinic knows.
        _, later_id = book_from(desk, datetime.now(UTC).astimezone(zone) + timedelta(days=9, hours=1), patient)
        booked = eventually(lambda: (two := mails(post_office, "Your appointment on"))[1:] and two)
        answer = answer_by_sms(stack.api_url, sender=PHONE, body=f"NO {later_id}")
        assert "is cancelled" in answer.text
        [mail] = eventually(lambda: mails(post_office, "Cancelled: your appointment"))
        file = invitation(mail)
        [event] = file.walk("VEVENT")
        assert (str(file["METHOD"]), str(event["STATUS"])) == ("CANCEL", "CANCELLED")
        uids = [str(invitation(one).walk("VEVENT")[0]["UID"]) for one in booked]
        assert (uids.count(str(event["UID"])), len(set(uids))) == (1, 2)
        notes = owner.get("/api/v1/notifications")["results"]
        assert [note["title"] for note in notes if note["appointment"] == later_id] == ["Paula Story has cancelled"]

        # The clinic calls off the first one: by every way.
        desk.act(soon_id, "cancel")
        eventually(lambda: texts(twilio, "is cancelled") and len(mails(post_office, "Cancelled: ")) == 2)

        # Nothing came twice, and nothing that nobody knows of.
        stack.manage("run_worker", "--once")
        assert sorted(text.split(": ")[1].split()[0] for text in sent_to(twilio, PHONE)) == [
            "a",
            "your",
            "your",
            "your",
        ]
        assert len(post_office.delivered_to(EMAIL)) == 4
        log = owner.get("/api/v1/messages", patient=patient, page_size=50)["results"]
        assert {message["state"] for message in log} <= {"sent", "delivered"}


def test_a_stranger_learns_nothing_and_a_forged_answer_does_nothing(stack: LiveStack) -> None:
    with SignedIn(stack, "staff") as desk:
        in_eight_days = datetime.now(UTC).astimezone(zone_of(desk)) + timedelta(days=8, hours=2)
        # Of another patient than the first story's, which counts hers.
        phone = "+13105550183"
        _, appointment_id = book_from(desk, in_eight_days, new_patient(desk, phone=phone, email="forged@story.example"))
        answer = answer_by_sms(stack.api_url, sender="+13105550199", body=f"NO {appointment_id}")
        assert "We have no such appointment" in answer.text
        forged = desk.http.post("/api/v1/twilio/webhook", data={"From": phone, "Body": f"NO {appointment_id}"})
        assert forged.status_code == 403
        assert desk.get(f"/api/v1/appointments/{appointment_id}")["status"] == "confirmed"


def test_stop_said_to_the_provider_leads_to_a_mail(
    stack: LiveStack, post_office: MailStandIn, twilio: TwilioStandIn
) -> None:
    phone, address = "+13105550182", "stopped@riverside.example"
    twilio.refused.add(phone)
    with SignedIn(stack, "staff") as desk:
        patient = desk.post("/api/v1/patients", {"name": "Stan", "phone": phone, "email": address}).json()["id"]
        _, booked = book_from(desk, datetime.now(UTC).astimezone(zone_of(desk)) + timedelta(hours=16), patient)
        eventually(lambda: post_office.delivered_to(address))
        make_two_days_old(stack, booked)
        stack.manage("run_worker", "--once")
        # The confirmation comes by mail anyway, the reminder in the place of its SMS.
        eventually(lambda: len(post_office.delivered_to(address)) == 2)
    assert sent_to(twilio, phone) == []
