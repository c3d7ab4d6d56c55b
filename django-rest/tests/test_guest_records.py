"""A new account finds the visits that the clinic had booked for its owner before, once the phone is proved."""

import re
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from clinic.appointments.models import Appointment
from clinic.outbox.models import Message
from clinic.people.models import Patient, PatientEvent, PhoneCode
from django.utils import timezone
from rest_framework.test import APIClient

from testkit.clinic.answers import refusal
from testkit.clinic.concurrency import at_once
from testkit.clinic.times import At
from testkit.clinic.world import PASSWORD, World, fresh

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


def shown_to_desk(world: World, patient_id: int) -> Any:
    return world.client(world.sam).get(f"/api/v1/patients/{patient_id}").json()


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
    assert (record.name, record.email, record.user_id) == ("Nora", "", answer.json()["user"]["id"])


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


def test_two_records_of_one_name_are_left_to_the_desk(world: World, tomorrow_at: At) -> None:
    first, second = guest(world), guest(world, " nora ")
    booked = book_for(world, first, tomorrow_at(9))
    answer = sign_up(phone_code=code_for())
    assert appointments_of(answer) == []
    own = answer.json()["user"]["patient"]
    assert shown_to_desk(world, own)["possible_duplicates"] == [first.pk, second.pk]
    booked.refresh_from_db()
    assert booked.patient_id == first.pk


def test_history_of_the_record_names_the_account_it_was_linked_to(world: World) -> None:
    record = guest(world)
    answer = sign_up(phone_code=code_for())
    line = PatientEvent.objects.get(patient=record)
    account = answer.json()["user"]["id"]
    assert (line.action, line.account_id, line.actor_id, line.actor_name) == ("link", account, account, "Nora")
    assert line.snapshot["user_id"] is None


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


@pytest.mark.parametrize("name", ["N. Neumann", "Tim Neumann", "Nora-Marie"])
def test_a_lone_record_with_another_name_stays_as_it_is(world: World, tomorrow_at: At, name: str) -> None:
    """The mother signs up with the phone that the desk has noted for her child."""
    record = guest(world, name, email="desk@example.org")
    booked = book_for(world, record, tomorrow_at(9))
    before = Patient.objects.values().get(pk=record.pk)
    answer = sign_up(phone_code=code_for())
    own = answer.json()["user"]["patient"]
    assert own != record.pk
    assert appointments_of(answer) == []
    assert Patient.objects.values().get(pk=record.pk) == before
    assert Appointment.objects.get(pk=booked.pk).patient_id == record.pk
    assert not PatientEvent.objects.exists()
    assert shown_to_desk(world, own)["possible_duplicates"] == [record.pk]
    assert shown_to_desk(world, record.pk)["possible_duplicates"] == [own]


@pytest.mark.parametrize("name", ["Dr. Nora Müller", "MULLER, NORA", "nora  mu\u0308ller"])
def test_the_same_name_in_another_spelling_links_and_the_desks_name_stays(world: World, name: str) -> None:
    record = guest(world, name)
    assert sign_up(name="Nora Müller", phone_code=code_for()).json()["user"]["patient"] == record.pk
    record.refresh_from_db()
    assert record.name == name


def test_a_record_keeps_the_address_that_the_desk_has_noted(world: World) -> None:
    record = guest(world, email="nora@office.example")
    sign_up(phone_code=code_for())
    record.refresh_from_db()
    assert record.email == "nora@office.example"


def test_new_owner_of_a_number_gets_a_record_of_their_own(world: World, tomorrow_at: At) -> None:
    """Anna had this number and an account. It is Nora's now."""
    Patient.objects.filter(user=world.pete).update(phone=PHONE, name="Anna")
    booked = book_for(world, world.pete.patient, tomorrow_at(9))
    answer = sign_up(phone_code=code_for())
    assert appointments_of(answer) == []
    own = answer.json()["user"]["patient"]
    assert Appointment.objects.get(pk=booked.pk).patient_id == world.pete.patient.pk != own
    assert shown_to_desk(world, own)["possible_duplicates"] == []


def test_namesake_with_an_account_keeps_every_record_apart(world: World) -> None:
    """A landline is shared by father and son of one name; one of them has an account."""
    Patient.objects.filter(user=world.pete).update(phone=PHONE, name="Nora")
    record = guest(world)
    answer = sign_up(phone_code=code_for())
    assert answer.json()["user"]["patient"] not in (record.pk, world.pete.patient.pk)
    record.refresh_from_db()
    assert record.user is None


def test_record_of_another_patient_is_not_taken(world: World) -> None:
    Patient.objects.filter(user=world.pete).update(phone=PHONE, name="Nora")
    other_clinics = guest(world, clinic=world.hillside)
    answer = sign_up(phone_code=code_for())
    assert answer.json()["user"]["patient"] not in (world.pete.patient.pk, other_clinics.pk)
    other_clinics.refresh_from_db()
    assert (other_clinics.user, fresh(world.pete).patient.name) == (None, "Nora")


def test_unused_record_gives_way_when_the_phone_is_proven_later(world: World, tomorrow_at: At) -> None:
    record = guest(world, "Paula")
    booked = book_for(world, record, tomorrow_at(9))
    client, own = world.client(world.paula), world.paula.patient
    Patient.objects.filter(pk=own.pk).update(wants_sms=False, language="de")
    assert refusal(client.patch(ME, {"phone": PHONE, "phone_code": "x00000", "password": PASSWORD})) == (
        403,
        "phone_not_proven",
    )
    assert fresh(world.paula).phone is None
    answer = client.patch(ME, {"phone": PHONE, "phone_code": code_for(), "password": PASSWORD}).json()
    assert answer["patient"] == record.pk
    assert (answer["preferences"]["wants_sms"], answer["preferences"]["language"]) == (False, "de")
    again = world.client(fresh(world.paula))
    assert [shown["id"] for shown in again.get("/api/v1/appointments").json()["results"]] == [booked.pk]
    assert not Patient.objects.filter(pk=own.pk).exists()
    lines = PatientEvent.objects.order_by("pk").values_list("patient_id", "action", "other_patient_id", "account_id")
    assert list(lines) == [(record.pk, "link", own.pk, world.paula.pk), (own.pk, "merge", record.pk, world.paula.pk)]


@pytest.mark.parametrize(("name", "has_visit"), [("Paula", True), ("Tim", False), ("Tim", True)])
def test_proving_a_phone_later_deletes_and_moves_nothing(
    world: World, tomorrow_at: At, name: str, has_visit: bool
) -> None:
    record, own = guest(world, name), world.paula.patient
    theirs = book_for(world, record, tomorrow_at(9))
    if has_visit:
        book_for(world, own, tomorrow_at(10))
    answer = world.client(world.paula).patch(ME, {"phone": PHONE, "phone_code": code_for(), "password": PASSWORD})
    assert (answer.status_code, answer.json()["patient"]) == (200, own.pk)
    record.refresh_from_db()
    assert (record.name, record.user) == (name, None)
    assert Appointment.objects.get(pk=theirs.pk).patient_id == record.pk
    assert shown_to_desk(world, own.pk)["possible_duplicates"] == [record.pk]


def test_record_that_the_desk_unlinked_is_not_linked_by_another_proof(world: World) -> None:
    Patient.objects.filter(pk=world.paula.patient.pk).update(phone=PHONE)
    desk = world.client(world.sam)
    assert desk.post(f"/api/v1/patients/{world.paula.patient.pk}/unlink").status_code == 200
    answer = world.client(world.paula).patch(ME, {"phone": PHONE, "phone_code": code_for(), "password": PASSWORD})
    assert answer.json()["patient"] != world.paula.patient.pk


def test_desk_is_shown_possible_duplicates_in_lists_and_by_themselves(world: World) -> None:
    record = guest(world, "Paula")
    tim = guest(world, "Tim")
    Patient.objects.filter(pk=world.paula.patient.pk).update(phone=PHONE)
    desk, own = world.client(world.sam), world.paula.patient.pk
    listed = {shown["id"]: shown["possible_duplicates"] for shown in desk.get("/api/v1/patients").json()["results"]}
    assert listed == {own: [record.pk, tim.pk], record.pk: [own], tim.pk: [own], world.pete.patient.pk: []}
    shown = desk.get(f"/api/v1/patients/{own}/possible-duplicates").json()
    assert [(one["id"], one["same_name"], one["has_account"]) for one in shown] == [
        (record.pk, True, False),
        (tim.pk, False, False),
    ]


def test_family_that_the_desk_has_noted_is_no_duplicate_of_itself(world: World) -> None:
    nora, tim, again = guest(world), guest(world, "Tim"), guest(world, "NORA")
    assert shown_to_desk(world, tim.pk)["possible_duplicates"] == []
    assert shown_to_desk(world, nora.pk)["possible_duplicates"] == [again.pk]


def test_other_clinics_record_is_no_duplicate(world: World) -> None:
    guest(world, clinic=world.hillside)
    assert shown_to_desk(world, guest(world).pk)["possible_duplicates"] == []


def test_practitioner_is_not_told_of_strangers_records(world: World, tomorrow_at: At) -> None:
    record = guest(world, "Paula")
    Patient.objects.filter(pk=world.paula.patient.pk).update(phone=PHONE)
    book_for(world, world.paula.patient, tomorrow_at(9))
    shown = world.client(world.petra).get(f"/api/v1/patients/{world.paula.patient.pk}").json()
    assert shown["possible_duplicates"] == []
    book_for(world, record, tomorrow_at(10))
    shown = world.client(world.petra).get(f"/api/v1/patients/{world.paula.patient.pk}").json()
    assert shown["possible_duplicates"] == [record.pk]


def test_a_changed_phone_alone_links_nothing(world: World) -> None:
    record = guest(world, "Paula")
    assert world.client(world.paula).patch(ME, {"phone": PHONE, "password": PASSWORD}).status_code == 200
    assert Patient.objects.filter(pk=record.pk, user=None).exists()


@pytest.mark.race
def test_of_two_who_prove_one_phone_at_once_one_gets_the_record(committed_world: World) -> None:
    record = guest(committed_world)
    code = code_for()
    at_once([partial(sign_up, email=f"nora{index}@example.org", phone_code=code) for index in range(4)])
    record.refresh_from_db()
    assert record.user is not None
    # Separate records: a phone may be verified by several people.
    owners = Patient.objects.filter(phone=PHONE).values_list("user_id", flat=True)
    assert len(set(owners)) == len(owners) == 4


def test_a_code_does_not_hold_for_ever(world: World) -> None:
    guest(world)
    code = code_for()
    assert Message.objects.latest("pk").expires_at is not None
    PhoneCode.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert refusal(sign_up(phone_code=code)) == (403, "phone_not_proven")
