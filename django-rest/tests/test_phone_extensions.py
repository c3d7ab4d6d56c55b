"""Extensions of phone numbers are kept beside the number; numbers that cannot be dialled are refused."""

from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.accounts.phones import NO_PHONE, Phone, phone_given, read_phone
from clinic.changefeed.models import RealtimeEvent
from clinic.common.errors import ChairsideError, NotAPhone
from clinic.outbox.contact_routes import Ways
from clinic.people.models import Patient
from clinic.people.services.contact_routes import ways_to_patient
from clinic.people.services.linking import link_proven_record
from django.utils import timezone

from testkit.clinic.admin_pages import PATIENTS, USERS, Page, errors_of, sign_in
from testkit.clinic.answers import APPOINTMENTS, attr_of, refusal
from testkit.clinic.times import At
from testkit.clinic.world import PASSWORD, World, fresh

OFFICE = Phone("+49301234567", "12")


@pytest.mark.parametrize("text", ["030 1234567 ext. 12", "030 1234567 x12", "+49 30 1234567;ext=12", "030 1234567 #12"])
def test_extension_is_read_beside_the_number(text: str) -> None:
    assert read_phone(text, region="DE") == OFFICE


@pytest.mark.parametrize(
    "text", ["", "call me", "1", "+49 1", "+1 555 0123", "+49 30 123456789012345", "+999 12345678"]
)
def test_number_that_cannot_be_dialled_is_refused(text: str) -> None:
    with pytest.raises(NotAPhone):
        read_phone(text, region="DE")


@pytest.mark.parametrize(
    ("given", "known", "outcome"),
    [
        ({}, OFFICE, None),
        ({"phone": "030 1234567 x12"}, NO_PHONE, OFFICE),
        ({"phone": "030 1234567", "phone_extension": "12"}, NO_PHONE, OFFICE),
        ({"phone": "030 1234567 x12", "phone_extension": "12"}, NO_PHONE, OFFICE),
        ({"phone": "030 1234567 x12", "phone_extension": ""}, NO_PHONE, OFFICE),
        ({"phone": "030 1234567 x12", "phone_extension": "13"}, NO_PHONE, "ambiguous"),
        ({"phone": "030 1234567"}, OFFICE, OFFICE),
        ({"phone": "030 1234567 x13"}, OFFICE, Phone("+49301234567", "13")),
        ({"phone": "030 7654321"}, OFFICE, Phone("+49307654321")),
        ({"phone": ""}, OFFICE, NO_PHONE),
        ({"phone": None}, OFFICE, NO_PHONE),
        ({"phone_extension": "14"}, OFFICE, Phone("+49301234567", "14")),
        ({"phone_extension": ""}, OFFICE, Phone("+49301234567")),
        ({"phone_extension": "14"}, NO_PHONE, "invalid"),
        ({"phone": "", "phone_extension": "14"}, OFFICE, "invalid"),
    ],
)
def test_request_and_known_number_make_a_phone(given: dict[str, Any], known: Phone, outcome: Any) -> None:
    if not isinstance(outcome, str):
        assert phone_given(given, known=known, region="DE") == outcome
        return
    with pytest.raises(ChairsideError) as refused:
        phone_given(given, known=known, region="DE")
    assert (refused.value.code, refused.value.attr) == (outcome, "phone_extension")


def shown(response: Any) -> tuple[str, str]:
    body = response.json()
    body = body.get("user", body)
    return body["phone"], body["phone_extension"]


def test_every_route_keeps_the_extension(world: World, tomorrow_at: At) -> None:
    text = "030 1234567 ext. 12"
    desk = world.client(world.sam)
    made = desk.post("/api/v1/patients", {"name": "Gus", "phone": text})
    assert shown(made) == ("+49301234567", "12")
    path = f"/api/v1/patients/{made.json()['id']}"
    assert shown(desk.patch(path, {"phone_extension": "99"})) == ("+49301234567", "99")
    assert shown(desk.patch(path, {"phone": "030 1234567"})) == ("+49301234567", "99")
    assert shown(desk.patch(path, {"phone": "030 7654321"})) == ("+49307654321", "")

    signup = {"name": "Nora", "email": "nora@x.example", "password": PASSWORD, "clinic": "riverside"}
    assert shown(world.client().post("/api/v1/auth/patient/signup", {**signup, "phone": text})) == (
        "+49301234567",
        "12",
    )
    assert Patient.objects.get(name="Nora").phone_extension == "12"

    assert shown(
        world.client(world.pete).patch("/api/v1/users/me", {"phone": "030 1234568 x7", "password": PASSWORD})
    ) == (
        "+49301234568",
        "7",
    )
    assert Patient.objects.get(user=world.pete).whole_phone == Phone("+49301234568", "7")

    member = {"name": "Tara", "email": "tara@x.example", "role": "staff", "phone": "030 1234569 x5"}
    assert shown(world.client(world.olga).post("/api/v1/staff", member)) == ("+49301234569", "5")

    guest = {"name": "Gwen", "phone": text, "clinic": "riverside", "practitioner": world.petra.practitioner.pk}
    asked = world.client().post("/api/v1/public/bookings", {**guest, "start": tomorrow_at(9).isoformat()})
    assert asked.status_code == 201
    assert Patient.objects.get(name="Gwen").whole_phone == OFFICE
    [row] = desk.get(APPOINTMENTS).json()["results"]
    assert (row["patient_phone"], row["patient_phone_extension"]) == ("+49301234567", "12")


def test_admin_keeps_the_extension(world: World) -> None:
    client = sign_in(world.olga)
    for path, more in ((PATIENTS, {}), (USERS, {"email": "d@x.example", "role": "staff"})):
        assert errors_of(Page.open(client, f"{path}add/").save(name="Gisela", phone="030 1234567 x12", **more)) == ""
    assert Patient.objects.get(name="Gisela").whole_phone == User.objects.get(name="Gisela").shown_phone == OFFICE


def test_number_that_cannot_be_dialled_has_one_code_everywhere(world: World, tomorrow_at: At) -> None:
    signup = {"name": "Nora", "email": "nora@x.example", "password": PASSWORD, "clinic": "riverside"}
    guest = {"name": "Gwen", "clinic": "riverside", "practitioner": world.petra.practitioner.pk}
    member = {"name": "Tara", "email": "tara@x.example", "role": "staff"}
    answers = [
        world.client(world.sam).post("/api/v1/patients", {"name": "Gus", "phone": "555 0123"}),
        world.client().post("/api/v1/auth/patient/signup", {**signup, "phone": "1"}),
        world.client(world.paula).patch("/api/v1/users/me", {"phone": "call me"}),
        world.client(world.olga).post("/api/v1/staff", {**member, "phone": "+49 1"}),
        world.client().post("/api/v1/public/bookings", {**guest, "phone": "1", "start": tomorrow_at(9).isoformat()}),
        world.client().post("/api/v1/public/phone-codes", {"phone": "1", "clinic": "riverside"}),
    ]
    assert [(refusal(answer), attr_of(answer)) for answer in answers[1:]] == [((400, "not_a_phone"), "phone")] * 5
    assert answers[0].status_code == 201  # In Germany a number of seven digits may be one.


def test_code_is_not_sent_to_an_extension(world: World) -> None:
    asked = world.client().post("/api/v1/public/phone-codes", {"phone": "030 1234567 x12", "clinic": "riverside"})
    assert (refusal(asked), attr_of(asked)) == ((400, "phone_has_extension"), "phone")


def test_code_sent_to_a_number_proves_no_extension(world: World) -> None:
    Patient.objects.create(clinic=world.clinic, name="Nora", phone="+49301234567", phone_extension="12")
    nora = User.objects.create_user("nora@x.example", name="Nora", role="patient", clinic=world.clinic)
    assert link_proven_record(fresh(nora), phone="+49301234567", now=timezone.now()) is None


def test_no_sms_goes_to_an_extension(world: World) -> None:
    patient = Patient(
        clinic=world.clinic, name="Nora", phone="+491701234567", phone_extension="12", email="n@x.example"
    )
    assert [way.channel for way in ways_to_patient(patient, Ways.EVERY, clinic=world.clinic)] == ["email"]


def test_change_of_an_extension_is_numbered_once(world: World) -> None:
    def count() -> int:
        return RealtimeEvent.objects.filter(clinic_id=world.clinic.pk, entity="patient").count()

    patient, before = world.paula.patient, count()
    Patient.objects.filter(pk=patient.pk).update(phone_extension="12")
    assert count() == before + 1
    Patient.objects.filter(pk=patient.pk).update(phone="+49301234567", phone_extension="13")
    assert count() == before + 2
    Patient.objects.filter(pk=patient.pk).update(wants_sms=False)
    assert count() == before + 2
