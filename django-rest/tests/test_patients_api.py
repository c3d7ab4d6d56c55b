from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.common.models import IdempotencyKey
from clinic.people.models import Patient
from django.db import connection
from django.test.utils import CaptureQueriesContext

from testkit.clinic.answers import attr_of, refusal
from testkit.clinic.times import At
from testkit.clinic.world import World

PATIENTS = "/api/v1/patients"


def names(world: World, by: User, **query: Any) -> list[str]:
    response = world.client(by).get(PATIENTS, query)
    assert response.status_code == 200
    return [shown["name"] for shown in response.json()["results"]]


def create(world: World, by: User | None = None, **given: Any) -> Any:
    return world.client(by or world.sam).post(PATIENTS, given)


def test_the_desk_lists_its_clinics_patients_by_name(world: World) -> None:
    Patient.objects.create(clinic=world.clinic, name="Gus")
    Patient.objects.create(clinic=world.hillside, name="Hilda")
    assert names(world, world.sam) == names(world, world.olga) == ["Gus", "Paula", "Pete"]
    assert names(world, world.otto) == ["Hilda"]


def test_a_practitioner_lists_those_they_treat(world: World, tomorrow_at: At) -> None:
    assert names(world, world.petra) == []
    world.book(tomorrow_at(9), patient=world.pete)
    world.book(tomorrow_at(10), patient=world.pete)
    assert names(world, world.petra) == ["Pete"]
    assert names(world, world.quentin) == []


def test_a_patient_has_no_business_in_the_list(world: World) -> None:
    client = world.client(world.paula)
    own = f"{PATIENTS}/{world.paula.patient.pk}"
    for response in (client.get(PATIENTS), client.post(PATIENTS, {"name": "X"}), client.get(own), client.patch(own)):
        assert refusal(response) == (403, "permission_denied")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("pau", ["Paula"]),
        ("PETE@", ["Pete"]),
        ("4917", ["Paula", "Pete"]),
        ("", ["Gülçin", "Paula", "Pete"]),
        ("  pete ", ["Pete"]),
        ("gülçin", ["Gülçin"]),
        ("PETE riverside", ["Pete"]),
        ("riverside.example PA", ["Paula"]),
        ("paula pete", []),
        ("0170 1234567", ["Paula", "Pete"]),
        ("+49 (170) 12 34-567", ["Paula", "Pete"]),
        ("0049 170 123", ["Paula", "Pete"]),
        ("0170/123", ["Paula", "Pete"]),
        ("4568", []),
        ("0", ["Paula", "Pete"]),
        ("%", []),
        ("\0", []),
        ("x" * 5000, []),
        ("\U0001f9b7", []),
    ],
)
def test_the_picker_finds_by_name_mail_and_phone(world: World, text: str, found: list[str]) -> None:
    Patient.objects.create(clinic=world.clinic, name="Gülçin")
    assert names(world, world.sam, search=text) == found


def test_the_desk_adds_a_guest(world: World) -> None:
    response = create(world, name="  Gus ", email="gus@example.org", phone="030 1234567")
    assert response.status_code == 201
    patient = Patient.objects.get(name="Gus")
    shown = response.json()
    assert shown.pop("created_at")
    assert shown == {
        "id": patient.pk,
        "name": "Gus",
        "email": "gus@example.org",
        "phone": "+49301234567",
        "phone_extension": "",
        "birth_date": None,
        "alert": "",
        "has_account": False,
        "possible_duplicates": [],
        "family_of": [],
        "version": 1,
        "preferences": {"language": "", "wants_sms": True, "wants_email": True, "wants_reminders": True},
    }
    assert (patient.clinic, patient.user) == (world.clinic, None)


def test_a_name_is_all_a_guest_needs(world: World) -> None:
    shown = create(world, name="Gus").json()
    assert (shown["email"], shown["phone"]) == ("", "")


def test_a_family_shares_a_phone(world: World) -> None:
    assert create(world, name="Gus", phone="030 1234567").status_code == 201
    assert create(world, name="Greta", phone="030 1234567").status_code == 201


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("030 1234567", "+49301234567"),
        ("+1 212 555 0123", "+12125550123"),
        ("0049 30 1234567", "+49301234567"),
        ("(030) 123-45-67", "+49301234567"),
        ("", ""),
    ],
)
def test_a_phone_is_stored_with_its_country(world: World, written: str, stored: str) -> None:
    assert create(world, name="Gus", phone=written).json()["phone"] == stored


def test_a_local_phone_is_of_the_clinics_country(world: World) -> None:
    assert create(world, world.otto, name="Gus", phone="020 7946 0958").json()["phone"] == "+442079460958"


@pytest.mark.parametrize(
    ("given", "attr"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": ["Gus"]}, "name"),
        ({"name": None}, "name"),
        ({"name": "Gus", "phone": "1"}, "phone"),
        ({"name": "Gus", "phone": "call me"}, "phone"),
        ({"name": "Gus", "phone": "9" * 41}, "phone"),
        ({"name": "Gus", "email": "gus"}, "email"),
        ({"name": "Gus", "email": f"gus@{'.'.join(['x' * 60] * 5)}.org"}, "email"),
    ],
    ids=str,
)
def test_a_bad_record_is_refused_by_name_and_not_kept(world: World, given: dict[str, Any], attr: str) -> None:
    response = create(world, **given)
    assert (response.status_code, attr_of(response)) == (400, attr)
    assert Patient.objects.filter(user=None).count() == 0


def test_a_name_may_be_written_in_any_script(world: World) -> None:
    for name in ("Łukasz Żółć", "王小明", "עדה", "\U0001f9b7 Tooth Fairy"):
        shown = create(world, name=name).json()
        assert world.client(world.sam).get(f"{PATIENTS}/{shown['id']}").json()["name"] == name


def test_the_same_key_adds_one_record(world: World) -> None:
    client = world.client(world.sam)
    answers = [client.post(PATIENTS, {"name": "Gus"}, headers={"Idempotency-Key": "gus-1"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert Patient.objects.filter(name="Gus").count() == 1


def test_a_key_belongs_to_its_user(world: World) -> None:
    for user in (world.sam, world.olga):
        assert world.client(user).post(PATIENTS, {"name": "Gus"}, headers={"Idempotency-Key": "1"}).status_code == 201
    assert Patient.objects.filter(name="Gus").count() == IdempotencyKey.objects.count() == 2


@pytest.mark.parametrize("key", ["", "x" * 101, "a\tb"])
def test_a_key_that_is_none_is_refused(world: World, key: str) -> None:
    response = world.client(world.sam).post(PATIENTS, {"name": "Gus"}, headers={"Idempotency-Key": key})
    assert (response.status_code, attr_of(response)) == (400, "Idempotency-Key")


def test_the_desk_edits_what_is_given_and_nothing_else(world: World) -> None:
    client, path = world.client(world.sam), f"{PATIENTS}/{world.paula.patient.pk}"
    shown = client.patch(path, {"phone": "030 1234567"}).json()
    assert (shown["phone"], shown["name"], shown["has_account"]) == ("+49301234567", "Paula", True)
    assert client.patch(path, {"phone": "", "name": "Paula N."}).json()["phone"] == ""
    assert client.patch(path, {}).json()["name"] == "Paula N."
    refused = client.patch(path, {"name": "Nobody", "phone": "1"})
    assert (refused.status_code, attr_of(refused)) == (400, "phone")
    assert client.get(path).json()["name"] == "Paula N."


def test_an_edit_cannot_move_a_record_to_another_clinic_or_account(world: World) -> None:
    path = f"{PATIENTS}/{world.paula.patient.pk}"
    for changes in ({"clinic": world.hillside.pk}, {"user": world.pete.pk}, {"id": 1}):
        assert world.client(world.sam).patch(path, changes).status_code == 400
    patient = Patient.objects.get(pk=world.paula.patient.pk)
    assert (patient.clinic, patient.user) == (world.clinic, world.paula)


def test_the_account_keeps_its_own_name_when_the_desk_edits_the_record(world: World) -> None:
    world.client(world.sam).patch(f"{PATIENTS}/{world.paula.patient.pk}", {"name": "Paula N."})
    assert User.objects.get(pk=world.paula.pk).name == "Paula"


def test_a_record_of_another_clinic_is_not_found(world: World) -> None:
    path = f"{PATIENTS}/{world.paula.patient.pk}"
    client = world.client(world.otto)
    assert refusal(client.get(path)) == (404, "not_found")
    assert refusal(client.patch(path, {"name": "X"})) == (404, "not_found")


def test_a_practitioner_reads_their_own_patients_and_edits_none(world: World, tomorrow_at: At) -> None:
    path = f"{PATIENTS}/{world.paula.patient.pk}"
    assert refusal(world.client(world.petra).get(path)) == (404, "not_found")
    world.book(tomorrow_at(9))
    assert world.client(world.petra).get(path).json()["name"] == "Paula"
    assert refusal(world.client(world.quentin).get(path)) == (404, "not_found")
    assert refusal(world.client(world.petra).patch(path, {"name": "X"})) == (403, "permission_denied")
    assert refusal(create(world, world.petra, name="X")) == (403, "permission_denied")


@pytest.fixture
def seven_guests(world: World) -> list[str]:
    names = [f"Guest {letter}" for letter in "ABCDEFG"]
    Patient.objects.bulk_create(Patient(clinic=world.clinic, name=name) for name in reversed(names))
    return names


@pytest.mark.parametrize("page_size", [1, 3, 6, 7, 8])
def test_the_pages_of_a_search_hold_everybody_once_and_in_order(
    world: World, seven_guests: list[str], page_size: int
) -> None:
    client, url = world.client(world.sam), f"{PATIENTS}?search=guest&page_size={page_size}"
    names: list[str] = []
    while url:
        page = client.get(url).json()
        assert page["count"] == 7
        names += [row["name"] for row in page["results"]]
        url = page["next"]
    assert names == seven_guests


@pytest.mark.parametrize(("page", "status"), [(1, 200), (3, 200), (4, 404), (0, 404), ("x", 404), ("9" * 30, 404)])
def test_a_page_that_is_not_there_is_404(world: World, seven_guests: list[str], page: object, status: int) -> None:
    response = world.client(world.sam).get(PATIENTS, {"search": "guest", "page_size": "3", "page": str(page)})
    assert response.status_code == status


def test_a_search_that_finds_nobody_is_an_empty_page(world: World, seven_guests: list[str]) -> None:
    page = world.client(world.sam).get(PATIENTS, {"search": "nobody"}).json()
    assert (page["count"], page["results"], page["next"]) == (0, [], None)


@pytest.mark.parametrize(("page_size", "counts"), [(8, 0), (7, 0), (3, 1)])
def test_only_a_page_with_more_behind_it_makes_a_count(
    world: World, seven_guests: list[str], page_size: int, counts: int
) -> None:
    with CaptureQueriesContext(connection) as seen:
        world.client(world.sam).get(PATIENTS, {"search": "guest", "page_size": str(page_size)})
    assert sum("COUNT(" in query["sql"] for query in seen.captured_queries) == counts


def test_alert_is_kept_and_shown_to_the_clinic(world: World, tomorrow_at: At) -> None:
    paula = f"{PATIENTS}/{world.paula.patient.pk}"
    answer = world.client(world.sam).patch(paula, {"alert": "Allergic to penicillin"})
    assert (answer.status_code, answer.json()["alert"]) == (200, "Allergic to penicillin")
    world.book(tomorrow_at(9))
    assert world.client(world.petra).get(paula).json()["alert"] == "Allergic to penicillin"
    assert refusal(world.client(world.sam).patch(paula, {"alert": "x" * 501})) == (400, "max_length")
    assert create(world, name="Gus", alert="Uses a wheelchair").json()["alert"] == "Uses a wheelchair"
