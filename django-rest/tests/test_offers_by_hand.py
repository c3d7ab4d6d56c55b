"""Sam looks for a free time for Paula, who waits, and offers it by hand."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from clinic.appointments.models import Appointment
from clinic.outbox.models import Message, MessageState
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic, Hold
from clinic.waitlist.models import WaitlistEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext

from testkit.clinic.answers import refusal
from testkit.clinic.concurrency import at_once
from testkit.clinic.times import in_days
from testkit.clinic.waitlist import wait
from testkit.clinic.world import World

WAITLIST = "/api/v1/waitlist"
NINE = in_days(3)(9)


@pytest.fixture
def entry(world: World) -> WaitlistEntry:
    return wait(world, practitioner_id=world.petra.practitioner.pk)


def offer(world: World, entry: WaitlistEntry, start: datetime = NINE, **more: Any) -> Any:
    body = {"practitioner": world.petra.practitioner.pk, "start": start.isoformat(), **more}
    return world.client(world.sam).post(f"{WAITLIST}/{entry.pk}/offer", body)


def overview(world: World) -> Any:
    return world.client(world.sam).get(f"{WAITLIST}/overview").json()


def test_first_free_times_that_suit_are_shown(world: World) -> None:
    wait(world, practitioner_id=world.petra.practitioner.pk, part_of_day="afternoon")
    world.book(in_days(2)(12), patient=world.pete)
    (shown,) = overview(world)["entries"]
    starts = [datetime.fromisoformat(match["start"]) for match in shown["matches"]]
    assert starts == [in_days(2)(12, 30), in_days(2)(13), in_days(2)(13, 30)]
    assert {match["practitioner_name"] for match in shown["matches"]} == {"Dr Petra"}


def test_time_at_which_the_patient_is_elsewhere_does_not_suit(world: World) -> None:
    world.book(in_days(2)(8), practitioner=world.quentin)
    wait(world, practitioner_id=world.petra.practitioner.pk)
    (shown,) = overview(world)["entries"]
    assert datetime.fromisoformat(shown["matches"][0]["start"]) == in_days(2)(8, 30)


def test_nothing_suits_who_waits_for_next_year(world: World) -> None:
    day = in_days(300)(9).date()
    wait(world, first_date=day, last_date=day)
    assert overview(world)["entries"][0]["matches"] == []


def test_overview_takes_the_same_statements_for_few_and_many(world: World) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as seen:
            overview(world)
        return len(seen)

    wait(world)
    few = statements()
    for number in range(8):
        wait(world, patient=Patient.objects.create(clinic=world.clinic, name=f"P{number}"))
    assert statements() == few <= 16


def test_offer_is_kept_told_and_accepted(world: World, entry: WaitlistEntry) -> None:
    shown = offer(world, entry)
    assert shown.status_code == 201, shown.json()
    assert (shown.json()["state"], shown.json()["offer"]["time"]) == ("offered", "09:00")
    assert Hold.objects.filter(starts_at=NINE).exists()
    assert Message.objects.filter(template="waitlist_offer").exists()
    accepted = world.client(world.sam).post(f"{WAITLIST}/offers/{shown.json()['offer']['token']}/accept")
    assert accepted.json()["state"] == "accepted"
    assert Appointment.objects.get(starts_at=NINE).patient_id == world.paula.patient.pk


def test_offer_taken_back_in_the_undo_window_is_told_to_nobody(world: World, entry: WaitlistEntry) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(undo_seconds=60)
    wait(world, patient=world.pete.patient)
    offer(world, entry)
    back = world.client(world.sam).delete(f"{WAITLIST}/{entry.pk}/offer")
    assert (back.status_code, back.json()["state"], back.json()["offer"]) == (200, "waiting", None)
    assert set(Message.objects.filter(template="waitlist_offer").values_list("state", flat=True)) == {
        MessageState.CANCELLED
    }
    assert not Hold.objects.exists()
    assert refusal(world.client(world.sam).delete(f"{WAITLIST}/{entry.pk}/offer")) == (409, "offer_over")


def test_entry_that_accepts_beforehand_is_booked(world: World) -> None:
    entry = wait(world, auto_accept=True)
    assert offer(world, entry).json()["state"] == "booked"
    assert Appointment.objects.get(starts_at=NINE).source == "waitlist"


@pytest.mark.parametrize(
    ("start", "code"),
    [
        (in_days(3)(20), "outside_working_hours"),
        (in_days(3)(9, 2), "off_grid"),
        (in_days(-1)(9), "in_the_past"),
    ],
)
def test_time_at_which_the_desk_could_not_book_is_not_offered(
    world: World, entry: WaitlistEntry, start: datetime, code: str
) -> None:
    assert refusal(offer(world, entry, start))[1] == code


def test_taken_time_is_not_offered(world: World, entry: WaitlistEntry) -> None:
    world.book(NINE, patient=world.pete)
    assert refusal(offer(world, entry)) == (409, "slot_taken")


def test_time_of_the_patients_own_visit_is_not_offered(world: World, entry: WaitlistEntry) -> None:
    world.book(NINE, practitioner=world.quentin)
    assert refusal(offer(world, entry)) == (409, "own_appointment")


def test_entry_with_an_open_offer_gets_no_second(world: World, entry: WaitlistEntry) -> None:
    offer(world, entry)
    assert refusal(offer(world, entry, NINE + timedelta(hours=1))) == (409, "transition_not_allowed")


def test_practitioner_offers_their_own_time_alone(world: World, entry: WaitlistEntry) -> None:
    body = {"practitioner": world.quentin.practitioner.pk, "start": NINE.isoformat()}
    assert refusal(world.client(world.petra).post(f"{WAITLIST}/{entry.pk}/offer", body)) == (403, "permission_denied")
    assert world.client(world.petra).get(f"{WAITLIST}/overview").json()["count"] == 1
    assert world.client(world.quentin).get(f"{WAITLIST}/overview").json()["count"] == 0


def test_two_who_offer_at_once_make_one_offer(committed_world: World) -> None:
    world = committed_world
    entry = wait(world, practitioner_id=world.petra.practitioner.pk)
    answers = at_once([lambda: offer(world, entry), lambda: offer(world, entry)])
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert entry.offers.count() == 1
