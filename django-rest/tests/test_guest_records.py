"""Who signs up finds what the clinic had booked for them before, when they prove their phone."""

import re
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from clinic.appointments.models import Appointment, AppointmentEvent
from clinic.outbox.models import Message
from clinic.people.models import Patient, PhoneCode
from django.utils import timezone
from rest_framework.test import APIClient

from .conftest import PASSWORD, At, World, at_once, fresh, refusal

PHONE = "+49301234567"
SIGN_UP = "/api/v1/auth/patient/signup"
ME = "/api/v1/users/me"


def guest(world: World, name: str = "Nora", *, phone: str = PHONE, **fields: Any) -> Patient:
    return Patient.objects.create(**{"clinic": world.clinic, "name": name, "phone": phone} | fields)


def book_for(world: World, patient: Patient, start: Any) -> Appointment:
    appointment = world.book(start)
    Appointment.objects.filter(pk=appointment.pk).update(patient=patient)
    return appointment


def code_for(phone: str = PHONE) -> str:
    asked = APIClient().post("/api/v1/public/phone-codes", {"phone": phone, "clinic": "riverside"})
    assert asked.status_code == 202
    message = Message.objects.filter(recipient=phone).latest("pk")
    (code,) = re.findall(r"\b\d{6}\b", message.body)
    return str(code)


def sign_up(*, name: str = "Nora", **given: Any) -> Any:
    nora = {"name": name, "email": "nora@example.org", "phone": "030 1234567", "password": PASSWORD}
    return APIClient().post(SIGN_UP, nora | {"clinic": "riverside"} | given)


def appointments_of(answer: Any) -> list[int]:
    client = APIClient(headers={"Authorization": f"Bearer {answer.json()['access']}"})
    shown = client.get("/api/v1/appointments", {"scope": "all"}).json()["results"]
    return [appointment["id"] for appointment in shown]


def test_a_proven_phone_brings_what_was_booked(world: World, tomorrow_at: At) -> None:
    record = guest(world)
    booked = book_for(world, record, tomorrow_at(9))
    answer = sign_up(phone_code=code_for())
    assert answer.status_code == 201
    assert answer.json()["user"]["patient"] == record.pk
    assert appointments_of(answer) == [booked.pk]
    record.refresh_from_db()
    assert (record.name, record.email, record.user_id) == ("Nora", "nora@example.org", answer.json()["user"]["id"])


def test_without_a_code_nothing_is_linked_and_nothing_tells(world: World, tomorrow_at: At) -> None:
    record = guest(world)
    book_for(world, record, tomorrow_at(9))
    answer = sign_up()
    assert answer.status_code == 201
    assert appointments_of(answer) == []
    record.refresh_from_db()
    assert record.user is None
    Patient.objects.filter(phone=PHONE).exclude(user=None).update(phone="")
    unknown = sign_up(email="una@example.org", phone="030 7654321")
    assert set(unknown.json()) == set(answer.json())


@pytest.mark.parametrize("is_known", [True, False])
def test_a_wrong_code_is_refused_alike_and_makes_no_account(world: World, is_known: bool) -> None:
    if is_known:
        guest(world)
        code_for()
    before = Patient.objects.count()
    assert refusal(sign_up(phone_code="x00000")) == (403, "phone_not_proven")
    assert Patient.objects.count() == before


def test_wrong_codes_are_counted(world: World) -> None:
    guest(world)
    code = code_for()
    for _ in range(5):
        assert refusal(sign_up(phone_code="x00000")) == (403, "phone_not_proven")
    assert refusal(sign_up(phone_code=code)) == (403, "phone_not_proven")


def test_a_code_proves_one_number(world: World) -> None:
    guest(world)
    guest(world, phone="+49307654321")
    code = code_for()
    assert refusal(sign_up(phone="030 7654321", phone_code=code)) == (403, "phone_not_proven")


def test_a_refused_sign_up_leaves_the_code_good(world: World) -> None:
    record = guest(world)
    code = code_for()
    assert refusal(sign_up(phone_code=code, password="short")) == (400, "invalid")
    assert sign_up(phone_code=code).json()["user"]["patient"] == record.pk


def test_several_records_of_one_name_become_one(world: World, tomorrow_at: At) -> None:
    first, second = guest(world), guest(world, " nora ")
    booked = [book_for(world, first, tomorrow_at(9)).pk, book_for(world, second, tomorrow_at(10)).pk]
    versions = dict(Appointment.objects.values_list("pk", "version"))
    answer = sign_up(phone_code=code_for())
    assert sorted(appointments_of(answer)) == booked
    assert Patient.objects.filter(phone=PHONE).get().pk == first.pk
    assert Appointment.objects.get(pk=booked[1]).version == versions[booked[1]] + 1


def test_an_appointments_history_tells_whose_it_became(world: World, tomorrow_at: At) -> None:
    _, second = guest(world), guest(world)
    booked = book_for(world, second, tomorrow_at(9))
    answer = sign_up(phone_code=code_for())
    line = AppointmentEvent.objects.filter(appointment=booked).latest("pk")
    assert (line.action, line.actor_id, line.from_status, line.to_status) == (
        "link",
        answer.json()["user"]["id"],
        "confirmed",
        "confirmed",
    )
    assert line.snapshot["patient_id"] == answer.json()["user"]["patient"]


def test_of_a_family_only_the_one_who_signs_up_is_linked(world: World, tomorrow_at: At) -> None:
    nora, tim = guest(world), guest(world, "Tim")
    book_for(world, tim, tomorrow_at(9))
    answer = sign_up(phone_code=code_for())
    assert (answer.json()["user"]["patient"], appointments_of(answer)) == (nora.pk, [])
    tim.refresh_from_db()
    assert (tim.name, tim.user) == ("Tim", None)


def test_a_family_without_them_stays_as_it_is(world: World) -> None:
    guest(world, "Tim")
    guest(world, "Tom")
    answer = sign_up(phone_code=code_for())
    assert Patient.objects.get(pk=answer.json()["user"]["patient"]).name == "Nora"
    assert Patient.objects.filter(phone=PHONE, user=None).count() == 2


def test_a_record_that_stands_alone_is_theirs_by_any_name(world: World) -> None:
    record = guest(world, "N. Neumann")
    assert sign_up(phone_code=code_for()).json()["user"]["patient"] == record.pk
    record.refresh_from_db()
    assert record.name == "Nora"


def test_nobody_elses_record_is_taken(world: World) -> None:
    Patient.objects.filter(user=world.pete).update(phone=PHONE, name="Nora")
    other_clinics = guest(world, clinic=world.hillside)
    answer = sign_up(phone_code=code_for())
    assert answer.json()["user"]["patient"] not in (world.pete.patient.pk, other_clinics.pk)
    other_clinics.refresh_from_db()
    assert (other_clinics.user, fresh(world.pete).patient.name) == (None, "Nora")


def test_who_has_an_account_already_proves_their_phone_later(world: World, tomorrow_at: At) -> None:
    record = guest(world, "Paula")
    booked = book_for(world, record, tomorrow_at(9))
    client, own = world.client(world.paula), world.paula.patient.pk
    assert refusal(client.patch(ME, {"phone": PHONE, "phone_code": "x00000"})) == (403, "phone_not_proven")
    assert fresh(world.paula).phone is None
    assert client.patch(ME, {"phone": PHONE, "phone_code": code_for()}).json()["patient"] == own
    assert [shown["id"] for shown in client.get("/api/v1/appointments").json()["results"]] == [booked.pk]
    assert not Patient.objects.filter(pk=record.pk).exists()


def test_a_changed_phone_alone_links_nothing(world: World) -> None:
    record = guest(world, "Paula")
    assert world.client(world.paula).patch(ME, {"phone": PHONE}).status_code == 200
    assert Patient.objects.filter(pk=record.pk, user=None).exists()


@pytest.mark.race
def test_of_two_who_prove_one_phone_at_once_one_gets_the_record(committed_world: World) -> None:
    record = guest(committed_world)
    code = code_for()
    at_once([partial(sign_up, email=f"nora{index}@example.org", phone_code=code) for index in range(4)])
    record.refresh_from_db()
    assert record.user is not None
    assert Patient.objects.filter(phone=PHONE).exclude(user=None).count() == 1


def test_a_code_does_not_hold_for_ever(world: World) -> None:
    guest(world)
    code = code_for()
    assert Message.objects.latest("pk").expires_at is not None
    PhoneCode.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert refusal(sign_up(phone_code=code)) == (403, "phone_not_proven")
