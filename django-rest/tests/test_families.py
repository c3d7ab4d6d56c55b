"""One account books for several people. Paula is the mother; Mia is her daughter, Pete another patient."""

import re
from datetime import date
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.changefeed.models import RealtimeEvent
from clinic.messaging.queries import patients_of_sender, upcoming_of_sender
from clinic.outbox.models import DeliveryChannel, Message
from clinic.people.models import FamilyMember, Patient, PatientEvent
from clinic.people.services.contact_routes import account_id_of, contact_of
from clinic.people.services.families import MAX_MEMBERS
from clinic.scheduling.models import Clinic
from clinic.waitlist.models import WaitlistEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from testkit.clinic.answers import APPOINTMENTS, attr_of, refusal
from testkit.clinic.concurrency import at_once
from testkit.clinic.times import in_days
from testkit.clinic.world import PASSWORD, World

FAMILY = "/api/v1/users/me/family"
PHONE = "+491701234567"


def verify(user: User, phone: str = PHONE) -> None:
    User.objects.filter(pk=user.pk).update(phone=phone, phone_verified_at=timezone.now())


def add(world: World, name: str = "Mia", *, to: User | None = None, **fields: Any) -> Any:
    return world.client(to or world.paula).post(FAMILY, {"name": name, **fields})


def mia_of(world: World) -> Patient:
    return Patient.objects.get(pk=add(world).json()["id"])


def request_of(world: World, patient: int, start: Any, *, by: User | None = None) -> Any:
    given = {"patient": patient, "practitioner": world.petra.practitioner.pk, "start": start.isoformat()}
    return world.client(by or world.paula).post(APPOINTMENTS, given)


def listed(world: World, by: User, path: str = APPOINTMENTS) -> list[int]:
    return [row["id"] for row in world.client(by).get(path).json()["results"]]


def history_of(patient: Patient) -> list[tuple[str, int | None, str]]:
    lines = PatientEvent.objects.filter(patient=patient).order_by("pk")
    return [(line.action, line.account_id, line.actor_name) for line in lines]


# Members


def test_person_gets_a_record_of_their_own(world: World) -> None:
    answer = add(world, birth_date="2019-04-30")
    mia = Patient.objects.get(name="Mia")
    assert answer.status_code == 201
    assert answer.json() == {
        "id": mia.pk,
        "name": "Mia",
        "birth_date": "2019-04-30",
        "has_account": False,
        "version": 1,
    }
    assert (mia.clinic, mia.user, mia.phone, mia.email) == (world.clinic, None, "", "")
    assert history_of(mia) == [("join_family", world.paula.pk, "Paula")]
    assert listed(world, world.paula, FAMILY) == [mia.pk]
    assert listed(world, world.pete, FAMILY) == []
    assert world.client(world.pete).get(f"{FAMILY}/{mia.pk}").status_code == 404


def test_same_person_is_not_added_twice(world: World) -> None:
    mia = mia_of(world)
    again = add(world, "MÍA")
    assert (refusal(again), again.json()["patient"]) == ((409, "already_in_family"), mia.pk)
    assert refusal(add(world, "Paula")) == (409, "already_in_family")
    add(world, "Ben", birth_date="2019-01-01")
    assert add(world, "Ben", birth_date="2021-01-01").status_code == 201


@pytest.mark.race
def test_same_person_added_at_once_is_one_member(committed_world: World) -> None:
    answers = at_once([lambda: add(committed_world)] * 4)
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert Patient.objects.filter(name="Mia").count() == 1


@pytest.mark.race
def test_record_linked_and_merged_at_once_keeps_its_family(committed_world: World) -> None:
    """The desk merges a child's two records while the mother adds the child: whichever comes first, she sees one."""
    world = committed_world
    verify(world.paula)
    one, two = (Patient.objects.create(clinic=world.clinic, name=name, phone=PHONE) for name in ("Mia", "Maria"))
    desk = world.client(world.sam)
    added, merged = at_once(
        [lambda: add(world), lambda: desk.post(f"/api/v1/patients/{one.pk}/merge", {"into": two.pk})]
    )
    assert (added.status_code, merged.status_code) == (201, 200)
    [member] = FamilyMember.objects.all()
    assert member.user == world.paula
    assert Patient.objects.filter(pk=member.patient_id).exists()


def test_family_has_an_end(world: World) -> None:
    for number in range(MAX_MEMBERS):
        record = Patient.objects.create(clinic=world.clinic, name=f"Child {number}")
        FamilyMember.objects.create(clinic=world.clinic, user=world.paula, patient=record, created_at=timezone.now())
    assert refusal(add(world)) == (409, "too_many_members")


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"name": "Mia\u202e"}, ("not_a_name", "name")),
        ({"name": ""}, ("blank", "name")),
        ({"birth_date": "3000-01-01"}, ("invalid", "birth_date")),
        ({"birthdate": "2019-04-30"}, ("unknown_field", "birthdate")),
    ],
)
def test_fault_of_a_member_is_named(world: World, fields: dict[str, str], fault: tuple[str, str]) -> None:
    refused = world.client(world.paula).post(FAMILY, {"name": "Mia", **fields})
    assert (refused.status_code, refused.json()["errors"][0]["code"], attr_of(refused)) == (400, *fault)


def clinics_mia(world: World, **fields: Any) -> Patient:
    return Patient.objects.create(**{"clinic": world.clinic, "name": "Mia", "phone": PHONE} | fields)


def test_record_of_the_clinic_is_linked_by_verified_phone_and_name(world: World) -> None:
    kept = clinics_mia(world)
    verify(world.paula)
    assert add(world, "MIA", birth_date="2019-04-30").json()["id"] == kept.pk
    kept.refresh_from_db()
    assert (kept.name, kept.birth_date) == ("Mia", date(2019, 4, 30))


@pytest.mark.parametrize(
    "why_not", ["phone not verified", "other birth date", "two of them", "has an account", "extension", "unlinked"]
)
def test_record_that_may_be_somebody_elses_is_left_to_the_desk(world: World, why_not: str) -> None:
    kept = clinics_mia(world, birth_date=date(2019, 4, 30))
    match why_not:
        case "phone not verified":
            User.objects.filter(pk=world.paula.pk).update(phone=PHONE)
        case _:
            verify(world.paula)
    match why_not:
        case "two of them":
            clinics_mia(world)
        case "has an account":
            Patient.objects.filter(pk=world.pete.patient.pk).delete()
            Patient.objects.filter(pk=kept.pk).update(user=world.pete)
        case "extension":
            Patient.objects.filter(pk=kept.pk).update(phone_extension="12")
        case "unlinked":
            desk = world.client(world.sam)
            desk.post(f"/api/v1/patients/{kept.pk}/link", {"user": world.paula.pk})
            assert desk.post(f"/api/v1/patients/{kept.pk}/unlink").status_code == 200
    added = add(world, birth_date="2018-01-01" if why_not == "other birth date" else "2019-04-30").json()["id"]
    assert added != kept.pk
    if why_not != "has an account":  # Then the two are known to be two.
        shown = world.client(world.sam).get(f"/api/v1/patients/{added}").json()
        assert kept.pk in shown["possible_duplicates"] or why_not == "extension"


def test_spelling_is_corrected_in_place(world: World) -> None:
    mia = mia_of(world)
    request_of(world, mia.pk, in_days(3)(9))
    client = world.client(world.paula)
    answer = client.patch(f"{FAMILY}/{mia.pk}", {"name": "Mía", "birth_date": "2019-04-30", "version": 1})
    assert (answer.status_code, answer.json()["id"], answer.json()["name"]) == (200, mia.pk, "Mía")
    assert refusal(client.patch(f"{FAMILY}/{mia.pk}", {"name": "Mia", "version": 1})) == (409, "stale_version")
    assert client.patch(f"{FAMILY}/{mia.pk}", client.get(f"{FAMILY}/{mia.pk}").json()).status_code == 200


def test_record_with_visits_never_becomes_another_persons(world: World) -> None:
    mia = mia_of(world)
    booked = request_of(world, mia.pk, in_days(3)(9)).json()["id"]
    answer = world.client(world.paula).patch(f"{FAMILY}/{mia.pk}", {"name": "Ben"})
    assert answer.status_code == 200
    assert answer.json()["id"] != mia.pk
    assert listed(world, world.paula, FAMILY) == [answer.json()["id"]]
    assert listed(world, world.paula) == []
    assert listed(world, world.sam) == [booked]
    mia.refresh_from_db()
    assert mia.name == "Mia"
    assert history_of(mia)[-1] == ("leave_family", world.paula.pk, "Paula")


@pytest.mark.parametrize("is_in_use", [False, True])
def test_record_does_not_take_the_name_of_another_of_the_family(world: World, is_in_use: bool) -> None:
    mia, ben = mia_of(world), add(world, "Ben", birth_date="2019-01-01").json()["id"]
    if is_in_use:
        request_of(world, mia.pk, in_days(3)(9))
    client = world.client(world.paula)
    for name, known in (("Ben", ben), ("PAULA", world.paula.patient.pk)):
        refused = client.patch(f"{FAMILY}/{mia.pk}", {"name": name})
        assert (refusal(refused), refused.json()["patient"]) == ((409, "already_in_family"), known)
    assert listed(world, world.paula, FAMILY) == [mia.pk, ben]
    other = client.patch(f"{FAMILY}/{mia.pk}", {"name": "Ben", "birth_date": "2021-01-01"})
    assert other.status_code == 200


def test_unused_record_takes_another_name(world: World) -> None:
    mia = mia_of(world)
    assert world.client(world.paula).patch(f"{FAMILY}/{mia.pk}", {"name": "Ben"}).json()["id"] == mia.pk


def test_record_of_another_account_is_not_edited(world: World) -> None:
    desk, own = world.client(world.sam), world.pete.patient.pk
    assert refusal(desk.post(f"/api/v1/patients/{own}/link", {"user": world.paula.pk})) == (409, "record_has_account")
    linked = desk.post(f"/api/v1/patients/{own}/link", {"user": world.paula.pk, "family": True})
    assert linked.status_code == 200
    refused = world.client(world.paula).patch(f"{FAMILY}/{own}", {"name": "Peter"})
    assert refusal(refused) == (403, "permission_denied")


# Bookings


def test_family_record_is_booked_for_and_seen(world: World) -> None:
    mia = mia_of(world)
    mias = request_of(world, mia.pk, in_days(3)(9)).json()
    own = request_of(world, world.paula.patient.pk, in_days(3)(10)).json()
    assert (mias["patient"], mias["patient_name"], mias["status"]) == (mia.pk, "Mia", "pending")
    assert listed(world, world.paula) == [mias["id"], own["id"]]
    assert listed(world, world.paula, f"{APPOINTMENTS}?patient={mia.pk}") == [mias["id"]]
    assert listed(world, world.pete) == []
    client = world.client(world.paula)
    assert "notes" not in client.get(f"{APPOINTMENTS}/{mias['id']}").json()
    assert client.get(f"{APPOINTMENTS}/{mias['id']}/history").json()["count"] == 1
    assert client.get("/api/v1/history").json()["count"] == 2
    assert client.get(f"{APPOINTMENTS}/summary").json()["pending_count"] == 2
    assert len(b"".join(client.get(f"{APPOINTMENTS}/export.csv")).splitlines()) == 3
    assert request_of(world, mia.pk, in_days(3)(11), by=world.pete).status_code == 404


@pytest.mark.parametrize("is_verified", [True, False])
def test_unverified_account_has_one_limit_for_all_its_people(world: World, is_verified: bool) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(max_pending_per_phone=1)
    mia = mia_of(world)
    Patient.objects.filter(pk=world.paula.patient.pk).update(phone=PHONE)
    if is_verified:
        verify(world.paula)
    assert request_of(world, world.paula.patient.pk, in_days(3)(9)).status_code == 201
    second = request_of(world, mia.pk, in_days(3)(10))
    assert second.status_code == (201 if is_verified else 429)


def test_patient_may_be_the_accounts_own_user_id_unless_it_is_ambiguous(world: World) -> None:
    own = request_of(world, world.paula.pk, in_days(3)(9))
    assert own.json()["patient"] == world.paula.patient.pk
    same_number = Patient.objects.create(pk=world.paula.pk, clinic=world.clinic, name="Mia")
    FamilyMember.objects.create(clinic=world.clinic, user=world.paula, patient=same_number, created_at=timezone.now())
    refused = request_of(world, world.paula.pk, in_days(3)(10))
    assert (refusal(refused), attr_of(refused)) == ((400, "ambiguous"), "patient")


def test_family_visits_are_moved_confirmed_and_cancelled(world: World) -> None:
    mia = mia_of(world)
    client = world.client(world.paula)
    visit = f"{APPOINTMENTS}/{request_of(world, mia.pk, in_days(4)(9)).json()['id']}"
    for hour in (10, 11):
        moved = client.post(f"{visit}/reschedule", {"start": in_days(4)(hour).isoformat()})
        assert moved.status_code == 200
    assert refusal(client.post(f"{visit}/reschedule", {"start": in_days(4)(12).isoformat()})) == (409, "too_many_moves")
    assert world.client(world.sam).post(f"{visit}/confirm").status_code == 200
    assert client.post(f"{visit}/confirm").json()["attendance_confirmed_at"] is not None
    assert client.post(f"{visit}/cancel").json()["status"] == "cancelled"


def test_series_of_a_family_record_is_seen(world: World) -> None:
    mia = mia_of(world)
    series = world.book_series(in_days(3)(9))
    type(series).objects.filter(pk=series.pk).update(patient=mia)
    series.appointments.update(patient=mia)
    assert len(world.client(world.paula).get(f"{APPOINTMENTS}/series/{series.pk}").json()["appointments"]) == 3


def test_waitlist_is_joined_for_the_family(world: World) -> None:
    mia, day = mia_of(world), in_days(8)(9).date().isoformat()
    client = world.client(world.paula)
    entry = client.post("/api/v1/waitlist", {"patient": mia.pk, "first_date": day, "last_date": day})
    assert (entry.status_code, entry.json()["patient"]) == (201, mia.pk)
    assert listed(world, world.paula, "/api/v1/waitlist") == [entry.json()["id"]]
    assert client.delete(f"/api/v1/waitlist/{entry.json()['id']}").status_code == 204
    assert WaitlistEntry.objects.get().state == "withdrawn"


def test_access_ends_with_the_link_and_visits_stay(world: World) -> None:
    mia = mia_of(world)
    visit = request_of(world, mia.pk, in_days(3)(9)).json()["id"]
    client = world.client(world.paula)
    assert client.get(APPOINTMENTS).json()["count"] == 1
    assert client.delete(f"{FAMILY}/{mia.pk}").status_code == 204
    assert client.get(APPOINTMENTS).json()["count"] == 0
    for answer in (
        client.get(f"{APPOINTMENTS}/{visit}"),
        client.post(f"{APPOINTMENTS}/{visit}/cancel"),
        client.get(f"{FAMILY}/{mia.pk}"),
        client.delete(f"{FAMILY}/{mia.pk}"),
        request_of(world, mia.pk, in_days(3)(11)),
    ):
        assert answer.status_code == 404
    assert listed(world, world.sam) == [visit]
    assert [line[0] for line in history_of(mia)] == ["join_family", "leave_family"]


def test_booking_for_a_family_record_stays_within_twenty_statements(world: World) -> None:
    mia, client = mia_of(world), world.client(world.paula)
    given = {"patient": mia.pk, "practitioner": world.petra.practitioner.pk, "start": in_days(3)(9).isoformat()}
    with CaptureQueriesContext(connection) as asked:
        assert client.post(APPOINTMENTS, given).status_code == 201
    assert len(asked) <= 20


def test_changes_of_a_family_are_numbered_under_head_0_and_the_clinic(world: World) -> None:
    def numbered() -> tuple[int, int]:
        of_account = RealtimeEvent.objects.filter(clinic_id=0, entity_id=world.paula.pk, kind="session")
        of_clinic = RealtimeEvent.objects.filter(
            clinic_id=world.clinic.pk, entity="family", entity_id=world.paula.patient.pk
        )
        return of_account.count(), of_clinic.count()

    account, clinic = numbered()
    mia = mia_of(world)
    assert numbered() == (account + 1, clinic + 1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT user_id, patient_id FROM live_family")
        assert list(cursor.fetchall()) == [(world.paula.pk, mia.pk)]
        cursor.execute("DELETE FROM family_member WHERE patient_id = %s", [mia.pk])
    assert numbered() == (account + 2, clinic + 2)


# The same phone


def code_for(phone: str) -> str:
    answer = APIClient().post("/api/v1/public/phone-codes", {"phone": phone, "clinic": "riverside"})
    assert answer.status_code == 202
    return "".join(re.findall(r"\b\d{6}\b", Message.objects.filter(recipient=phone).latest("pk").body))


def test_several_accounts_verify_one_phone_and_then_none_signs_in_by_it(world: World) -> None:
    def signs_in() -> bool:
        given = {"username": "0170 1234567", "password": PASSWORD}
        return bool(APIClient().post("/api/v1/auth/patient/login", given).status_code == 200)

    def set_phone(user: User, **more: Any) -> Any:
        return world.client(user).patch("/api/v1/users/me", {"phone": PHONE, "password": PASSWORD, **more}).json()

    assert set_phone(world.paula)["phone_verified"] is False
    assert not signs_in()
    assert set_phone(world.paula, phone_code=code_for(PHONE))["phone_verified"] is True
    assert signs_in()
    assert set_phone(world.pete)["phone_verified"] is False
    assert signs_in()
    assert set_phone(world.pete, phone_code=code_for(PHONE))["phone_verified"] is True
    assert not signs_in()
    other = world.client(world.pete).patch("/api/v1/users/me", {"phone": "0170 7654321", "password": PASSWORD}).json()
    assert (other["phone"], other["pending_phone"], other["phone_verified"]) == (PHONE, "+491707654321", True)
    assert not signs_in()
    assert set_phone(world.pete, phone=None)["phone_verified"] is False
    assert signs_in()


def test_code_is_sent_to_a_phone_that_only_an_account_has(world: World) -> None:
    User.objects.filter(pk=world.sam.pk).update(phone="+491709999999")
    assert code_for("+491709999999")


# Messages


def test_messages_go_to_the_account_unless_the_record_has_contact_data(world: World, settings: Settings) -> None:
    settings.SMS_IS_CONFIGURED = True
    mia = mia_of(world)
    visit = request_of(world, mia.pk, in_days(3)(9)).json()["id"]
    confirm = f"{APPOINTMENTS}/{visit}/confirm"
    assert world.client(world.sam).post(confirm).status_code == 200
    told = Message.objects.filter(appointment_id=visit, template="confirmed")
    assert set(told.values_list("channel", "recipient", "user_id")) == {
        (DeliveryChannel.EMAIL, world.paula.email, world.paula.pk),
        (DeliveryChannel.SMS, PHONE, world.paula.pk),
        (DeliveryChannel.IN_APP, world.paula.email, world.paula.pk),
    }
    assert all("Mia" in message.body for message in told if message.channel == DeliveryChannel.EMAIL)
    assert world.client(world.paula).get("/api/v1/notifications").json()["count"] == 1
    log = world.client(world.sam).get(f"/api/v1/messages?patient={mia.pk}").json()["results"]
    assert {line["template"] for line in log} >= {"confirmed"}

    Patient.objects.filter(pk=mia.pk).update(email="mia@example.org")
    assert world.client(world.sam).post(f"{APPOINTMENTS}/{visit}/cancel").status_code == 200
    told = Message.objects.filter(appointment_id=visit, template="cancelled")
    assert set(told.values_list("channel", "recipient")) == {(DeliveryChannel.EMAIL, "mia@example.org")}


def test_contact_of_a_child_of_two_accounts_is_the_first(world: World) -> None:
    mia = mia_of(world)
    FamilyMember.objects.create(clinic=world.clinic, user=world.pete, patient=mia, created_at=timezone.now())
    assert contact_of(mia) == world.paula.patient
    User.objects.filter(pk=world.paula.pk).update(is_active=False)
    assert account_id_of(Patient.objects.get(pk=mia.pk)) == world.pete.pk


def test_sms_from_the_accounts_phone_is_about_the_familys_visits_too(world: World) -> None:
    mia = mia_of(world)
    Patient.objects.filter(pk=world.paula.patient.pk).update(phone="+491705555555")
    visit = request_of(world, mia.pk, in_days(3)(9)).json()["id"]
    phones = ["+491705555555"]
    assert [one.pk for one in upcoming_of_sender(phones, now=timezone.now(), most=5)] == [visit]
    assert {one.pk for one in patients_of_sender(phones)} == {mia.pk, world.paula.patient.pk}
    Patient.objects.filter(pk=mia.pk).update(phone="+491706666666")
    assert upcoming_of_sender(phones, now=timezone.now(), most=5) == []


# The desk


def test_desk_links_a_record_of_another_name_as_family(world: World) -> None:
    kept, desk = clinics_mia(world), world.client(world.sam)
    answer = desk.post(f"/api/v1/patients/{kept.pk}/link", {"user": world.paula.pk})
    assert (answer.status_code, answer.json()["has_account"], answer.json()["family_of"]) == (
        200,
        False,
        [world.paula.pk],
    )
    assert history_of(kept) == [("join_family", world.paula.pk, "Sam")]
    assert listed(world, world.paula, FAMILY) == [kept.pk]
    assert world.paula.patient.pk not in answer.json()["possible_duplicates"]
    again = desk.post(f"/api/v1/patients/{kept.pk}/unlink")
    assert (again.status_code, again.json()["family_of"]) == (200, [])
    assert refusal(desk.post(f"/api/v1/patients/{kept.pk}/unlink")) == (409, "record_has_no_account")


def test_desk_says_whether_a_link_is_to_the_family(world: World) -> None:
    same = Patient.objects.create(clinic=world.clinic, name="Paula")
    other = Patient.objects.create(clinic=world.clinic, name="Gus")
    desk = world.client(world.sam)
    junior = desk.post(f"/api/v1/patients/{same.pk}/link", {"user": world.paula.pk, "family": True})
    assert junior.json()["family_of"] == [world.paula.pk]
    own = desk.post(f"/api/v1/patients/{other.pk}/link", {"user": world.paula.pk, "family": False})
    assert (own.status_code, own.json()["has_account"]) == (200, True)


def test_desk_says_from_which_account_a_record_is_parted(world: World) -> None:
    mia, desk = mia_of(world), world.client(world.sam)
    desk.post(f"/api/v1/patients/{mia.pk}/link", {"user": world.pete.pk})
    refused = desk.post(f"/api/v1/patients/{mia.pk}/unlink")
    assert (refusal(refused), attr_of(refused)) == ((400, "ambiguous"), "user")
    parted = desk.post(f"/api/v1/patients/{mia.pk}/unlink", {"user": world.paula.pk})
    assert parted.json()["family_of"] == [world.pete.pk]


def test_merge_keeps_the_family(world: World) -> None:
    mia, kept, desk = mia_of(world), clinics_mia(world), world.client(world.sam)
    visit = request_of(world, mia.pk, in_days(3)(9)).json()["id"]
    preview = desk.post(f"/api/v1/patients/{mia.pk}/merge", {"into": kept.pk, "dry_run": True}).json()
    assert (preview["moves"]["family_of"], preview["moves"]["appointments"]) == (1, 1)
    assert desk.post(f"/api/v1/patients/{mia.pk}/merge", {"into": kept.pk}).status_code == 200
    assert listed(world, world.paula, FAMILY) == [kept.pk]
    assert listed(world, world.paula) == [visit]


def test_merge_leaves_one_link_to_each_account_and_none_to_the_own_one(world: World) -> None:
    mia, kept, desk = mia_of(world), clinics_mia(world), world.client(world.sam)
    desk.post(f"/api/v1/patients/{kept.pk}/link", {"user": world.paula.pk})
    desk.post(f"/api/v1/patients/{mia.pk}/link", {"user": world.pete.pk})
    assert desk.post(f"/api/v1/patients/{mia.pk}/merge", {"into": kept.pk}).status_code == 200
    links = FamilyMember.objects.order_by("user_id").values_list("user_id", "patient_id")
    assert list(links) == [(world.paula.pk, kept.pk), (world.pete.pk, kept.pk)]
    assert desk.post(f"/api/v1/patients/{kept.pk}/merge", {"into": world.paula.patient.pk}).status_code == 200
    assert list(FamilyMember.objects.values_list("user_id", flat=True)) == [world.pete.pk]


def test_pair_that_the_desk_has_dismissed_is_shown_no_more(world: World) -> None:
    one, two, desk = clinics_mia(world), clinics_mia(world), world.client(world.sam)

    def shown(patient: Patient) -> Any:
        return desk.get(f"/api/v1/patients/{patient.pk}").json()["possible_duplicates"]

    assert two.pk in shown(one)
    for _ in range(2):
        assert desk.delete(f"/api/v1/patients/{two.pk}/possible-duplicates/{one.pk}").status_code == 204
    assert two.pk not in shown(one)
    assert one.pk not in shown(two)
    three = clinics_mia(world)
    assert {one.pk, two.pk} <= set(shown(three))
    assert (
        world.client(world.otto).delete(f"/api/v1/patients/{one.pk}/possible-duplicates/{three.pk}").status_code == 404
    )


def test_list_of_patients_costs_the_same_for_one_family_or_many(world: World) -> None:
    desk = world.client(world.sam)

    def cost() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert desk.get("/api/v1/patients").status_code == 200
        return len(asked)

    verify(world.paula)
    clinics_mia(world)
    add(world)
    few = cost()
    for number in range(5):
        add(world, f"Child {'abcde'[number]}")
        clinics_mia(world)
    assert cost() == few


def test_family_is_a_patients_alone(world: World) -> None:
    for user in (world.sam, world.petra, world.olga):
        assert refusal(world.client(user).get(FAMILY)) == (403, "permission_denied")
