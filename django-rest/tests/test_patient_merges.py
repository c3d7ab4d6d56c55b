"""The desk links, unlinks and merges patients' records: it sees both, and both histories say so."""

from functools import partial
from typing import Any

import pytest
from clinic.appointments.actor import UserActor
from clinic.appointments.models import Appointment, AppointmentEvent, Series
from clinic.people.models import Patient, PatientEvent
from clinic.waitlist.models import WaitlistEntry
from clinic.waitlist.services.entries import Wishes, join_waitlist
from django.utils import timezone

from testkit.clinic.admin_pages import PATIENTS as PATIENTS_PAGE
from testkit.clinic.admin_pages import Page, sign_in
from testkit.clinic.answers import code_of, refusal
from testkit.clinic.concurrency import at_once
from testkit.clinic.times import At, in_days
from testkit.clinic.world import World, fresh

PATIENTS = "/api/v1/patients"


@pytest.fixture
def record(world: World) -> Patient:
    """Paula as the desk has noted her, before she had an account."""
    return Patient.objects.create(
        clinic=world.clinic, name="Paula Noted", phone="+49301234567", email="noted@example.org", wants_sms=False
    )


def book_for(world: World, patient: Patient, start: Any) -> Appointment:
    appointment = world.book(start)
    Appointment.objects.filter(pk=appointment.pk).update(patient=patient)
    return appointment


def post(world: World, patient: Patient, what: str, **body: Any) -> Any:
    return world.client(world.sam).post(f"{PATIENTS}/{patient.pk}/{what}", body)


def wait_for_time(world: World, patient: Patient) -> WaitlistEntry:
    day = in_days(9)(9).date()
    return join_waitlist(
        actor=UserActor(fresh(world.sam)),
        clinic=world.clinic,
        patient_id=patient.pk,
        wishes=Wishes(first_date=day, last_date=day),
        now=timezone.now(),
    )


def test_merge_moves_everything_and_keeps_the_other_record(world: World, record: Patient, tomorrow_at: At) -> None:
    own = world.paula.patient
    visit = book_for(world, own, tomorrow_at(9))
    past = world.book_series(in_days(9)(9))
    Series.objects.filter(pk=past.pk).update(patient=own)
    entry = wait_for_time(world, own)
    answer = post(world, own, "merge", into=record.pk)
    assert answer.status_code == 200, answer.json()
    assert not Patient.objects.filter(pk=own.pk).exists()
    assert Appointment.objects.get(pk=visit.pk).patient_id == record.pk
    assert Series.objects.get(pk=past.pk).patient_id == record.pk
    assert WaitlistEntry.objects.get(pk=entry.pk).patient_id == record.pk
    record.refresh_from_db()
    kept = (record.name, record.phone, record.email, record.wants_sms)
    assert kept == ("Paula Noted", "+49301234567", "noted@example.org", False)
    assert record.user_id == world.paula.pk
    seen = world.client(fresh(world.paula)).get("/api/v1/appointments", {"scope": "all"}).json()["results"]
    assert visit.pk in [shown["id"] for shown in seen]


def test_merge_keeps_both_alerts(world: World, record: Patient) -> None:
    Patient.objects.filter(pk=world.paula.patient.pk).update(alert="Uses a wheelchair")
    Patient.objects.filter(pk=record.pk).update(alert="Allergic to penicillin")
    post(world, world.paula.patient, "merge", into=record.pk)
    assert Patient.objects.get(pk=record.pk).alert == "Allergic to penicillin\nUses a wheelchair"


def test_both_histories_and_each_visit_record_the_merge(world: World, record: Patient, tomorrow_at: At) -> None:
    own = world.paula.patient
    visit = book_for(world, own, tomorrow_at(9))
    post(world, own, "merge", into=record.pk)
    desk = world.client(world.sam)
    for one, other in ((own, record), (record, own)):
        (line,) = desk.get(f"{PATIENTS}/{one.pk}/history").json()
        assert (line["action"], line["patient"], line["other_patient"]) == ("merge", one.pk, other.pk)
        assert (line["account"], line["actor"], line["actor_name"]) == (world.paula.pk, world.sam.pk, world.sam.name)
    moved = AppointmentEvent.objects.filter(appointment=visit.pk).latest("pk")
    assert (moved.action, moved.actor_id, moved.snapshot["patient_id"]) == ("link", world.sam.pk, record.pk)
    assert PatientEvent.objects.get(patient_id=own.pk).snapshot["name"] == own.name


def test_dry_run_counts_and_changes_nothing(world: World, record: Patient, tomorrow_at: At) -> None:
    own = world.paula.patient
    book_for(world, own, tomorrow_at(9))
    before = list(Patient.objects.order_by("pk").values())
    told = post(world, own, "merge", into=record.pk, dry_run=True).json()
    assert (told["dry_run"], told["moves"]["appointments"], told["moves_account"]) == (True, 1, True)
    assert (told["overlaps"], told["into"]["id"]) == ([], record.pk)
    assert list(Patient.objects.order_by("pk").values()) == before
    assert not PatientEvent.objects.exists()


def test_visits_at_the_same_time_are_named_and_need_the_desks_word(
    world: World, record: Patient, tomorrow_at: At
) -> None:
    own = world.paula.patient
    visit = book_for(world, own, tomorrow_at(9))
    other = world.book(tomorrow_at(9), patient=world.pete, practitioner=world.quentin)
    Appointment.objects.filter(pk=other.pk).update(patient=record)
    told = post(world, own, "merge", into=record.pk, dry_run=True).json()
    assert [overlap["id"] for overlap in told["overlaps"]] == [visit.pk]
    refused = post(world, own, "merge", into=record.pk)
    assert refusal(refused) == (409, "own_appointment")
    assert [one["id"] for one in refused.json()["appointments"]] == [visit.pk]
    assert post(world, own, "merge", into=record.pk, allow_overlap=True).status_code == 200
    assert set(Appointment.objects.filter(patient=record).values_list("pk", flat=True)) == {visit.pk, other.pk}


def test_two_records_with_an_account_are_not_merged(world: World) -> None:
    refused = post(world, world.paula.patient, "merge", into=world.pete.patient.pk)
    assert refusal(refused) == (409, "both_have_accounts")


def test_a_record_is_not_merged_into_itself_or_another_clinics(world: World, record: Patient) -> None:
    strange = Patient.objects.create(clinic=world.hillside, name="Paula Noted", phone=record.phone)
    for into in (record.pk, strange.pk, 0):
        assert post(world, record, "merge", into=into).status_code == 400
    assert post(world, strange, "merge", into=record.pk).status_code == 404


@pytest.mark.race
def test_of_two_merges_in_opposite_directions_one_is_made(committed_world: World) -> None:
    world = committed_world
    first, second = (Patient.objects.create(clinic=world.clinic, name="Gus") for _ in range(2))
    answers = at_once(
        [partial(post, world, first, "merge", into=second.pk), partial(post, world, second, "merge", into=first.pk)]
    )
    assert sorted(answer.status_code for answer in answers) in ([200, 400], [200, 404])
    assert Patient.objects.filter(pk__in=(first.pk, second.pk)).count() == 1


def test_link_gives_a_record_to_an_account_whose_own_is_unused(world: World, record: Patient, tomorrow_at: At) -> None:
    own = world.paula.patient
    visit = book_for(world, record, tomorrow_at(9))
    linked = post(world, record, "link", user=world.paula.pk, family=False)
    assert (linked.status_code, linked.json()["has_account"]) == (200, True)
    assert not Patient.objects.filter(pk=own.pk).exists()
    assert world.client(fresh(world.paula)).get(f"/api/v1/appointments/{visit.pk}").status_code == 200
    lines = PatientEvent.objects.order_by("pk").values_list("patient_id", "action", "other_patient_id", "actor_id")
    assert list(lines) == [(record.pk, "link", own.pk, world.sam.pk), (own.pk, "merge", record.pk, world.sam.pk)]


def test_link_refuses_what_would_hide_a_record_in_use(world: World, record: Patient, tomorrow_at: At) -> None:
    book_for(world, world.paula.patient, tomorrow_at(9))
    refused = post(world, record, "link", user=world.paula.pk, family=False)
    assert refusal(refused) == (409, "account_has_record")
    assert refused.json()["patient"] == world.paula.patient.pk
    assert code_of(post(world, world.pete.patient, "link", user=world.paula.pk)) == "record_has_account"
    for account in (world.sam, world.otto):
        assert post(world, record, "link", user=account.pk).status_code == 400


def test_unlinked_record_stays_with_the_clinic_and_the_account_begins_anew(world: World, tomorrow_at: At) -> None:
    former = world.paula.patient
    visit = book_for(world, former, tomorrow_at(9))
    assert post(world, former, "unlink").json()["has_account"] is False
    paula = world.client(fresh(world.paula))
    assert paula.get(f"/api/v1/appointments/{visit.pk}").status_code == 404
    assert paula.get("/api/v1/users/me").json()["patient"] not in (None, former.pk)
    assert Appointment.objects.get(pk=visit.pk).patient_id == former.pk
    assert PatientEvent.objects.get().action == "unlink"
    assert code_of(post(world, former, "unlink")) == "record_has_no_account"


def test_desk_merges_on_the_page_of_a_patient(world: World, record: Patient, tomorrow_at: At) -> None:
    own = world.paula.patient
    Patient.objects.filter(pk=own.pk).update(phone=record.phone)
    visit = book_for(world, own, tomorrow_at(9))
    page = Page.open(sign_in(world.sam), f"{PATIENTS_PAGE}{own.pk}/change/")
    assert (
        f'<a href="{PATIENTS_PAGE}{record.pk}/change/">Paula Noted</a> (no account)' in page.response.content.decode()
    )
    answer = page.save(merge_into=record.pk)
    assert answer.redirect_chain[-1][0] == f"{PATIENTS_PAGE}{record.pk}/change/"
    assert Appointment.objects.get(pk=visit.pk).patient_id == record.pk
    assert not Patient.objects.filter(pk=own.pk).exists()


def test_page_of_a_patient_offers_no_merge_with_strangers(world: World, record: Patient) -> None:
    page = Page.open(sign_in(world.sam), f"{PATIENTS_PAGE}{record.pk}/change/")
    assert "merge_into" not in page.fields
    page.save(merge_into=world.pete.patient.pk)
    assert Patient.objects.filter(pk=record.pk).exists()
