"""Gus talks to a bot, which books, moves and cancels for him at Riverside."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from clinic.appointments.lifecycle import Status
from clinic.appointments.models import Appointment
from clinic.appointments.views.guests import GuestBookingListView
from clinic.chat.views import ChatBookView
from clinic.common.limits import Limit
from clinic.outbox.models import Message
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic, Hold, Practitioner
from clinic.waitlist.models import WaitlistEntry

from testkit.clinic.answers import refusal
from testkit.clinic.feed_rows import make_hold
from testkit.clinic.times import in_days
from testkit.clinic.world import World, fresh

CHAT = "/api/v1/chat"
GUS = {"name": "Gus Guest", "phone": "0171 2345678"}
Say = Callable[..., Any]


@pytest.fixture
def say(world: World) -> Say:
    """POST with a body, GET with a query."""

    def call(step: str, *, accept: str = "", key: str | None = None, **given: Any) -> Any:
        client, headers = world.client(), {"Accept-Language": accept}
        if key is not None:
            headers["Idempotency-Key"] = key
        ask = client.get if step in ("services", "times") else client.post
        return ask(f"{CHAT}/{step}", given, headers=headers)

    return call


def hold(world: World, say: Say, hour: int = 9, **more: Any) -> dict[str, Any]:
    start = in_days(3)(hour).isoformat()
    response = say("hold", clinic="riverside", start=start, service=world.check_up.pk, **more)
    assert response.status_code == 201, response.json()
    held: dict[str, Any] = response.json()
    return held


def book(world: World, say: Say, hour: int = 9, **more: Any) -> dict[str, Any]:
    response = say("book", hold=hold(world, say, hour)["hold"], **GUS, **more)
    assert response.status_code == 201, response.json()
    booked: dict[str, Any] = response.json()
    return booked


def code_of_gus(say: Say) -> str:
    assert say("code", clinic="riverside", phone=GUS["phone"]).status_code == 202
    codes: list[str] = re.findall(r"\b\d{6}\b", Message.objects.filter(recipient="+491712345678").latest("pk").body)
    return codes[0]


def test_services_are_listed_in_one_sentence(world: World, say: Say) -> None:
    body = say("services", clinic="riverside").json()
    assert body["services"] == [{"id": world.check_up.pk, "name": "Check-up", "duration_minutes": 30}]
    assert body["say"] == "Riverside offers Check-up (30 minutes). What would you like?"
    by_id = say("services", clinic=str(world.clinic.pk), language="de").json()
    assert by_id["say"] == "Riverside bietet Check-up (30 Minuten). Was möchten Sie?"


def test_language_is_that_of_the_field_then_of_the_header_then_of_the_clinic(world: World, say: Say) -> None:
    for language, accept, of_clinic, spoken in (
        (None, "", "en", "en"),
        (None, "", "de", "de"),
        (None, "de-AT,en;q=0.5", "en", "de"),
        ("en", "de", "de", "en"),
        ("de", "en", "en", "de"),
    ):
        Clinic.objects.filter(pk=world.clinic.pk).update(language=of_clinic)
        more = {} if language is None else {"language": language}
        response = say("services", accept=accept, clinic="riverside", **more)
        assert response.headers["Content-Language"] == spoken
        assert ("What would you like?" in response.json()["say"]) == (spoken == "en")


def test_times_of_a_day_and_the_soonest(world: World, say: Say) -> None:
    day = in_days(3)(9)
    given = {"clinic": "riverside", "service": world.check_up.pk}
    body = say("times", when=day.date().isoformat(), part_of_day="afternoon", count=2, **given).json()
    assert [(one["date"], one["time"]) for one in body["times"]] == [
        (day.date().isoformat(), "12:00"),
        (day.date().isoformat(), "12:30"),
    ]
    assert body["on_day"]
    assert body["times"][0]["say"].endswith("12:00 with Dr Petra")
    assert body["say"].startswith("I can offer you ")
    assert len(say("times", when="soonest", **given).json()["times"]) == 3
    assert refusal(say("times", when="tomorrow", **given)) == (400, "invalid")
    assert say("times", when="tomorrow", **given).json()["say"].startswith("On which day would you like to come?")


def test_day_without_a_free_time_names_the_next_ones(world: World, say: Say) -> None:
    closed = in_days(200)(9).date().isoformat()
    body = say("times", clinic="riverside", when=closed).json()
    assert (body["times"], body["on_day"]) == ([], False)
    assert body["say"] == "Nothing is free then. Shall I put you on the waitlist?"
    past = in_days(-1)(9).date().isoformat()
    body = say("times", clinic="riverside", when=past).json()
    assert (len(body["times"]), body["on_day"]) == (3, False)
    assert body["say"].startswith("Nothing is free on ")


def test_hold_takes_whoever_is_free(world: World, say: Say) -> None:
    first, second = hold(world, say), hold(world, say)
    assert {first["practitioner_name"], second["practitioner_name"]} == {"Dr Petra", "Dr Quentin"}
    assert first["say"].endswith(f"09:00 with {first['practitioner_name']} for you for 5 minutes.")
    start = in_days(3)(9).isoformat()
    refused = say("hold", clinic="riverside", start=start, service=world.check_up.pk)
    assert refusal(refused) == (409, "slot_taken")
    assert refused.json()["say"].startswith("This time has just been taken. Near it, ")
    assert "09:30" in refused.json()["say"]


def test_released_hold_is_free_again(world: World, say: Say) -> None:
    held = hold(world, say)
    assert say("release", hold=held["hold"]).json() == {"say": "The time is free again. Would you like another one?"}
    assert not Hold.objects.exists()
    assert refusal(say("release", hold=held["hold"])) == (404, "not_found")


def test_booking_is_a_request_with_a_reference(world: World, say: Say) -> None:
    booked = book(world, say, email="gus@example.org", note="Afraid of needles.")
    visit = Appointment.objects.get()
    assert (booked["reference"], booked["status"]) == (visit.reference, "pending")
    assert (visit.source, visit.patient.phone) == ("guest", "+491712345678")
    assert visit.request_note == "Afraid of needles."
    assert booked["say"].startswith("I have asked Riverside for ")
    assert booked["reference"] not in booked["say"]


def test_booking_needs_a_hold(world: World, say: Say) -> None:
    refused = say("book", **GUS)
    assert refusal(refused) == (400, "required")
    assert refused.json()["say"] == "Please choose a time first."
    expired = say("book", hold="x" * 43, **GUS)
    assert refusal(expired) == (409, "hold_expired")
    assert expired.json()["say"] == "I kept the time for you too long ago. Please choose it again."


@pytest.mark.parametrize("key", [None, "one"])
def test_booking_that_is_sent_twice_is_one(world: World, say: Say, key: str | None) -> None:
    held = hold(world, say)["hold"]
    first, again = (say("book", hold=held, key=key, **GUS) for _ in range(2))
    assert first.json() == again.json()
    assert (first.status_code, again.status_code) == (201, 200 if key is None else 201)
    assert Appointment.objects.count() == 1
    assert refusal(say("book", hold=held, name="Gesa", phone="0171 9999999")) in (
        (409, "hold_expired"),
        (422, "idempotency_key_reused"),
    )


def test_visits_ahead_are_shown_by_phone_and_code(world: World, say: Say) -> None:
    booked, other = book(world, say), book(world, say, hour=11)
    assert say("cancel", reference=other["reference"]).status_code == 200
    code = code_of_gus(say)
    body = say("visits", clinic="riverside", phone=GUS["phone"], code=code).json()
    assert [visit["reference"] for visit in body["visits"]] == [booked["reference"]]
    assert body["say"] == "You have 1 visit ahead."
    assert body["visits"][0]["say"].endswith("The clinic has not answered yet.")
    refused = say("visits", clinic="riverside", phone=GUS["phone"], code="000000" if code != "000000" else "1")
    assert refusal(refused) == (403, "phone_not_proven")
    assert refused.json()["say"].startswith("This code is not right")


def test_cancelling_twice_says_the_same(world: World, say: Say) -> None:
    booked = book(world, say)
    for _ in range(2):
        body = say("cancel", reference=booked["reference"], language="de").json()
        assert body["status"] == Status.CANCELLED
        assert body["say"].startswith("Ihr Termin ist abgesagt: ")
    unknown = say("cancel", reference="x" * 22)
    assert refusal(unknown) == (404, "not_found")
    assert unknown.json()["say"] == "I cannot find that. Please begin again, or call the clinic."


def test_visit_moves_to_a_held_time(world: World, say: Say) -> None:
    booked, held = book(world, say), hold(world, say, hour=14)
    body = say("move", reference=booked["reference"], hold=held["hold"]).json()
    assert (body["time"], body["reference"], body["status"]) == ("14:00", booked["reference"], "pending")
    assert body["say"].startswith("Your visit is moved: ")
    assert not Hold.objects.exists()
    refused = say("move", reference=booked["reference"], hold=held["hold"])
    assert refusal(refused) == (409, "hold_expired")


def test_hold_of_another_clinic_moves_nothing(world: World, say: Say) -> None:
    Practitioner.objects.create(clinic=world.hillside, user=world.otto, name="Dr Otto")
    booked, elsewhere = book(world, say), make_hold(world.hillside, fresh(world.otto), in_days(3)(14))
    assert refusal(say("move", reference=booked["reference"], hold=elsewhere.token)) == (409, "hold_expired")


def test_refused_move_leaves_hold_and_visit(world: World, say: Say) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(patient_moves="off")
    booked, held = book(world, say), hold(world, say, hour=14)
    refused = say("move", reference=booked["reference"], hold=held["hold"])
    assert refusal(refused) == (409, "moves_not_offered")
    assert refused.json()["say"] == "The clinic moves visits by phone only. Please call it."
    assert Hold.objects.get().token == held["hold"]


def test_move_that_the_clinic_decides_is_a_question(world: World, say: Say) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(patient_moves="request")
    booked, held = book(world, say), hold(world, say, hour=14)
    body = say("move", reference=booked["reference"], hold=held["hold"]).json()
    assert body["time"] == "09:00"
    assert body["say"].startswith("I have asked the clinic to move your visit. ")


def test_guest_waits_with_a_code_alone(world: World, say: Say) -> None:
    book(world, say)
    days = {"first_date": in_days(1)(9).date().isoformat(), "last_date": in_days(5)(9).date().isoformat()}
    wish = {"clinic": "riverside", "service": world.check_up.pk, **GUS, **days}
    assert refusal(say("waitlist", code="x", **wish)) == (403, "phone_not_proven")
    response = say("waitlist", code=code_of_gus(say), part_of_day="morning", **wish)
    assert response.status_code == 201, response.json()
    entry = WaitlistEntry.objects.get()
    assert entry.patient == Patient.objects.get(phone="+491712345678")
    assert response.json()["say"].startswith("You are on the waitlist of Riverside from ")


REFUSALS: list[tuple[str, dict[str, Any], str]] = [
    ("hold", {"clinic": "riverside"}, "When would you like to come?"),
    ("hold", {"start": "2026-11-20T09:00", "clinic": "nowhere"}, "I cannot find that."),
    ("times", {"when": "soonest"}, "Which clinic do you mean?"),
    ("book", {"hold": "x", "phone": "1"}, "What is your name?"),
    ("book", {"hold": "x", "nam": "Gus"}, "I cannot do that for you. Please call the clinic."),
    ("visits", {"clinic": "riverside", "phone": "call me", "code": "1"}, "That is not a phone number."),
    ("waitlist", {"clinic": "riverside", **GUS, "code": "1"}, "From which day on could you come?"),
]


def test_refusal_says_what_to_do_next(say: Say) -> None:
    for step, given, said in REFUSALS:
        response = say(step, **given)
        body = response.json()
        assert response.status_code >= 400
        assert set(body) >= {"type", "errors", "say"}
        assert body["say"].startswith(said), step


def test_clinic_that_asks_for_a_code_says_so(world: World, say: Say) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(guests_verify_phone=True)
    held = hold(world, say)["hold"]
    refused = say("book", hold=held, **GUS)
    assert refusal(refused) == (403, "phone_not_proven")
    assert refused.json()["say"].startswith("The clinic has to know that this phone is yours.")
    wrong = say("book", hold=held, code="x", **GUS)
    assert wrong.json()["say"].startswith("This code is not right")
    assert say("book", hold=held, code=code_of_gus(say), **GUS).status_code == 201


def test_too_many_bookings_of_one_address_are_refused(world: World, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted together with those of `public/bookings`."""
    assert ChatBookView.address_limit is GuestBookingListView.address_limit
    monkeypatch.setattr(ChatBookView, "address_limit", Limit("guest_booking", 1, timedelta(hours=1)))
    book(world, say)
    refused = say("book", hold=hold(world, say, hour=11)["hold"], **GUS)
    assert refusal(refused) == (429, "throttled")
    assert refused.json()["say"].startswith("That was too often in a short time.")
    assert int(refused.headers["Retry-After"]) > 0


def test_malformed_body_has_a_sentence(world: World) -> None:
    response = world.client().post(f"{CHAT}/book", "{", content_type="application/json")
    assert refusal(response) == (400, "parse_error")
    assert response.json()["say"]
