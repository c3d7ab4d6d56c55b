import random
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.models import Appointment
from clinic.common.errors import PhoneNotProven
from clinic.common.models import AttemptCount
from clinic.outbox.models import Message
from clinic.people.models import Patient, PhoneCode
from clinic.people.services.phone_codes import check_phone_code, prune_phone_codes, send_phone_code
from clinic.scheduling.models import Clinic
from django.db import connection
from django.test.utils import CaptureQueriesContext

from testkit.clinic.answers import attr_of, refusal
from testkit.clinic.concurrency import at_once
from testkit.clinic.times import At, in_days
from testkit.clinic.world import World

BY_PHONE = "/api/v1/appointments/by_phone"
PHONE_CODES = "/api/v1/public/phone-codes"
# Paula's and Pete's.
SHARED = "+491701234567"
UNKNOWN = "+491709999999"
NOT_PROVEN = (403, "phone_not_proven")
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The codes in the order in which they were made."""
    codes: list[str] = []

    def draw(most: int) -> int:
        number = random.randrange(most)
        codes.append(f"{number:06}")
        return number

    monkeypatch.setattr(secrets, "randbelow", draw)
    return codes


@pytest.fixture
def diary(world: World) -> dict[str, Appointment]:
    """Three of the shared number's, active and past, and one of Gus, who has a phone of his own."""
    first = in_days(1)
    gus = Patient.objects.create(clinic=world.clinic, name="Gus", phone="+493055501")
    booked = {
        "paulas": world.book(first(9), notes="afraid of drills"),
        "petes": world.book(first(10), patient=world.pete, practitioner=world.quentin),
        "missed": world.book(first(11)),
        "gus": world.book(first(12)),
    }
    Appointment.objects.filter(pk=booked["missed"].pk).update(status="no_show")
    Appointment.objects.filter(pk=booked["gus"].pk).update(patient=gus)
    return booked


@pytest.fixture
def found(world: World, diary: dict[str, Appointment]) -> Callable[..., list[str]]:
    words = {appointment.pk: word for word, appointment in diary.items()}

    def read(by: User | None, phone: str = SHARED, **query: Any) -> list[str]:
        asked: Any = {"phone": phone, "clinic": "riverside", **query}
        response = world.client(by).get(BY_PHONE, asked)
        assert response.status_code == 200, response.json()
        return [words[shown["id"]] for shown in response.json()["results"]]

    return read


Found = Callable[..., list[str]]


def ask_for_code(world: World, phone: str = SHARED, **more: Any) -> Any:
    return world.client().post(PHONE_CODES, {"phone": phone, "clinic": "riverside"}, **more)


def look_up(world: World, code: str | None, phone: str = SHARED, by: User | None = None) -> Any:
    query: dict[str, str] = {"phone": phone, "clinic": "riverside", **({"code": code} if code is not None else {})}
    return world.client(by).get(BY_PHONE, query)


def another(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


def test_the_desk_finds_all_patients_of_a_number_each_appointment_once(world: World, found: Found) -> None:
    assert found(world.sam) == found(world.olga) == ["missed", "petes", "paulas"]
    assert found(world.sam, "+493055501") == ["gus"]


@pytest.mark.parametrize(
    "phone", ["0170 1234567", "+49 170 12 34 567", "0049 170/1234567", "(0170) 123-4567", " 491701234567"]
)
def test_a_number_is_read_in_the_clinics_region(world: World, found: Found, phone: str) -> None:
    assert found(world.sam, phone) == ["missed", "petes", "paulas"]


def test_a_practitioner_finds_their_own(world: World, found: Found) -> None:
    assert found(world.petra) == ["missed", "paulas"]
    assert found(world.quentin) == ["petes"]


def test_another_clinic_finds_nothing_here(world: World, found: Found) -> None:
    assert found(world.otto) == []


@pytest.mark.parametrize("phone", ["", "abc", "1", "+", "x" * 41, "\0"])
def test_value_that_is_no_number_is_refused_by_name(world: World, phone: str) -> None:
    response = world.client(world.sam).get(BY_PHONE, {"phone": phone})
    assert (response.status_code, attr_of(response)) == (400, "phone")


def test_the_number_is_required(world: World) -> None:
    response = world.client(world.sam).get(BY_PHONE)
    assert refusal(response) == (400, "required")


def test_the_answer_comes_in_pages(world: World, diary: dict[str, Appointment]) -> None:
    client = world.client(world.sam)
    first = client.get(f"{BY_PHONE}?phone=0170 1234567&page_size=2").json()
    assert (first["count"], len(first["results"])) == (3, 2)
    assert len(client.get(first["next"]).json()["results"]) == 1


def test_without_a_code_nobody_else_learns_anything(world: World, diary: dict[str, Appointment]) -> None:
    for by in (None, world.paula):
        assert refusal(look_up(world, None, by=by)) == NOT_PROVEN
        assert refusal(look_up(world, None, UNKNOWN, by=by)) == NOT_PROVEN


def test_the_code_opens_the_list_without_internal_notes(world: World, found: Found, sent: list[str]) -> None:
    assert ask_for_code(world).status_code == 202
    assert found(None, code=sent[0]) == found(world.paula, code=sent[0]) == ["missed", "petes", "paulas"]
    assert all("notes" not in shown for shown in look_up(world, sent[0]).json()["results"])
    header = world.client().get(BY_PHONE, {"phone": SHARED, "clinic": "riverside"}, HTTP_X_PHONE_CODE=sent[0])
    assert header.json()["count"] == 3


def test_the_code_is_sent_to_the_number_and_to_no_unknown_one(world: World, sent: list[str]) -> None:
    ask_for_code(world, UNKNOWN)
    assert not Message.objects.exists()
    ask_for_code(world, "0170 1234567")
    message = Message.objects.get()
    assert (message.recipient, message.channel, message.secret) == (SHARED, "sms", True)
    assert sent[1] in message.body
    assert "10 minutes" in message.body
    assert message.expires_at == PhoneCode.objects.get(phone=SHARED).expires_at


def test_a_known_and_an_unknown_number_are_answered_alike(world: World, sent: list[str]) -> None:
    def ask(phone: str) -> tuple[int, Any, list[str]]:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            response = ask_for_code(world, phone)
        return response.status_code, response.json(), [query["sql"].split()[0] for query in seen.captured_queries]

    known, unknown = ask(SHARED), ask(UNKNOWN)
    assert known[:2] == unknown[:2] == (202, {"expires_in": 600})
    ends = {"RELEASE", "ROLLBACK"}
    assert [word for word in known[2] if word not in ends] == [word for word in unknown[2] if word not in ends]
    assert PhoneCode.objects.count() == 2


def test_the_code_of_an_unknown_number_opens_an_empty_list(world: World, sent: list[str]) -> None:
    # It is never sent; the owner of the phone learns no more than a guesser.
    ask_for_code(world, UNKNOWN)
    assert look_up(world, sent[0], UNKNOWN).json()["results"] == []


def test_only_the_hash_of_a_code_is_kept(world: World, sent: list[str]) -> None:
    ask_for_code(world)
    kept = PhoneCode.objects.values().get()
    assert len(kept["code_hash"]) == 64
    assert not any(
        sent[0] in str(value) for name, value in kept.items() if name not in {"code_hash", "created_at", "expires_at"}
    )


def test_a_code_is_of_one_number_of_one_clinic(world: World, sent: list[str]) -> None:
    ask_for_code(world)
    assert refusal(look_up(world, sent[0], UNKNOWN)) == NOT_PROVEN
    response = world.client().get(BY_PHONE, {"phone": SHARED, "clinic": "hillside", "code": sent[0]})
    assert refusal(response) == NOT_PROVEN
    assert look_up(world, sent[0]).status_code == 200


@pytest.mark.parametrize(("clinics", "patients", "said"), [("de", "", "ist Ihr Code"), ("de", "en", "is your code")])
def test_a_code_is_sent_in_the_language_of_the_phones_patient(
    world: World, clinics: str, patients: str, said: str
) -> None:
    Clinic.objects.update(language=clinics)
    world.clinic.refresh_from_db()
    Patient.objects.filter(phone=SHARED).update(language=patients)
    send_phone_code(clinic=world.clinic, phone=SHARED, address="192.0.2.1", now=NOW)
    assert said in Message.objects.get(template="phone_code").body


def test_a_newer_code_replaces_the_older(world: World, sent: list[str]) -> None:
    ask_for_code(world)
    ask_for_code(world)
    assert refusal(look_up(world, sent[0])) == NOT_PROVEN
    assert look_up(world, sent[1]).status_code == 200


def test_a_code_holds_ten_minutes(world: World, sent: list[str]) -> None:
    send_phone_code(clinic=world.clinic, phone=SHARED, address="192.0.2.1", now=NOW)
    at_the_end = NOW + timedelta(minutes=10)
    given: dict[str, Any] = {"clinic": world.clinic, "phone": SHARED, "code": sent[0]}
    check_phone_code(**given, now=at_the_end - timedelta(seconds=1))
    with pytest.raises(PhoneNotProven):
        check_phone_code(**given, now=at_the_end)


def test_after_five_wrong_tries_the_right_code_is_worth_nothing(world: World, sent: list[str]) -> None:
    ask_for_code(world)
    for _ in range(4):
        assert refusal(look_up(world, another(sent[0]))) == NOT_PROVEN
    assert look_up(world, sent[0]).status_code == 200
    assert refusal(look_up(world, another(sent[0]))) == NOT_PROVEN
    assert refusal(look_up(world, sent[0])) == NOT_PROVEN


@pytest.mark.race
def test_many_guesses_at_once_are_five_tries(committed_world: World, sent: list[str]) -> None:
    world = committed_world
    send_phone_code(clinic=world.clinic, phone=SHARED, address="192.0.2.1", now=NOW)

    def guess() -> None:
        check_phone_code(clinic=world.clinic, phone=SHARED, code=another(sent[0]), now=NOW)

    assert all(isinstance(outcome, PhoneNotProven) for outcome in at_once([guess] * 20))
    assert PhoneCode.objects.get().wrong_tries == 5


@pytest.mark.parametrize("phone", [SHARED, UNKNOWN])
def test_a_number_is_sent_three_codes_in_ten_minutes(world: World, phone: str) -> None:
    for _ in range(3):
        assert ask_for_code(world, phone).status_code == 202
    refused = ask_for_code(world, phone)
    assert refusal(refused) == (429, "throttled")
    assert 590 <= int(refused.headers["Retry-After"]) <= 601
    AttemptCount.objects.update(expires_at=datetime.now(UTC))
    assert ask_for_code(world, phone).status_code == 202


def test_an_address_asks_for_twenty_codes_an_hour(world: World) -> None:
    for number in range(20):
        assert ask_for_code(world, f"+4917012345{number:02}").status_code == 202
    assert refusal(ask_for_code(world)) == (429, "throttled")
    assert ask_for_code(world, REMOTE_ADDR="192.0.2.9").status_code == 202


def test_a_proxys_word_about_the_address_is_taken_and_nobody_elses(world: World) -> None:
    ask_for_code(world, HTTP_X_FORWARDED_FOR="203.0.113.1, 198.51.100.7")
    ask_for_code(world, HTTP_X_FORWARDED_FOR="198.51.100.7", REMOTE_ADDR="192.0.2.9")
    assert set(PhoneCode.objects.values_list("address", flat=True)) == {"198.51.100.7", "192.0.2.9"}


@pytest.mark.parametrize("body", [{}, {"phone": "abc"}, {"phone": ""}])
def test_a_code_needs_a_number(world: World, body: dict[str, str]) -> None:
    response = world.client().post(PHONE_CODES, {**body, "clinic": "riverside"})
    assert (response.status_code, attr_of(response)) == (400, "phone")


def test_old_codes_are_pruned(world: World, sent: list[str]) -> None:
    send_phone_code(clinic=world.clinic, phone=SHARED, address="192.0.2.1", now=NOW)
    assert prune_phone_codes(older_than=NOW) == 0
    assert prune_phone_codes(older_than=NOW + timedelta(seconds=1)) == 1


def test_the_number_of_queries_does_not_grow(world: World, tomorrow_at: At) -> None:
    counts = []
    for hours in ((8, 9), range(10, 18)):
        for hour in hours:
            world.book(tomorrow_at(hour))
        client = world.client(world.sam)
        with CaptureQueriesContext(connection) as seen:
            assert client.get(BY_PHONE, {"phone": SHARED}).status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 8
