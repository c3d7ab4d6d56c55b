"""A booking removes the patient's matching entries from the waitlist."""

from datetime import timedelta
from typing import Any

import pytest
from clinic.appointments.actor import UserActor
from clinic.appointments.lifecycle import Action, Status
from clinic.appointments.models import Appointment
from clinic.appointments.services.clock import expire_requests
from clinic.appointments.services.decisions import change_status, correct_status
from clinic.appointments.services.undoing import undo_step
from clinic.common.versions import Expected
from clinic.outbox.models import Message, MessageState
from clinic.scheduling.models import Clinic, Hold
from clinic.waitlist.models import EntryState, WaitlistEntry, WaitlistOffer
from clinic.waitlist.services.answers import accept_offer
from clinic.waitlist.services.entries import Wishes, join_waitlist
from django.db import connection
from django.test.utils import CaptureQueriesContext

from testkit.clinic.times import in_days
from testkit.clinic.world import World, fresh

NINE, TEN, THREE = in_days(3)(9), in_days(3)(10), in_days(3)(15)
NOW = NINE - timedelta(days=2)
SECOND = timedelta(seconds=1)


def wait(world: World, patient: Any = None, **wishes: Any) -> WaitlistEntry:
    wanted = {"first_date": NINE.date(), "last_date": NINE.date(), **wishes}
    return join_waitlist(
        actor=UserActor(fresh(world.sam)),
        clinic=world.clinic,
        patient_id=(patient or world.paula).patient.pk,
        wishes=Wishes(**wanted),
        now=NOW,
    )


def state_of(entry: WaitlistEntry) -> tuple[str, int | None]:
    row = WaitlistEntry.objects.get(pk=entry.pk)
    return row.state, row.appointment_id


@pytest.mark.parametrize("by", ["sam", "paula"])
def test_booking_removes_the_matching_entry(world: World, by: str) -> None:
    entry, petes = wait(world), wait(world, world.pete)
    booked = world.book(NINE, by=getattr(world, by), now=NOW)
    assert state_of(entry) == (EntryState.BOOKED, booked.pk)
    assert state_of(petes) == (EntryState.WAITING, None)


def test_booking_of_something_else_leaves_the_entry(world: World) -> None:
    others = [
        wait(world, first_date=in_days(4)(9).date(), last_date=in_days(9)(9).date()),
        wait(world, practitioner_id=world.quentin.practitioner.pk),
        wait(world, service_id=world.check_up.pk),
        wait(world, part_of_day="afternoon"),
    ]
    matching = [wait(world, part_of_day="morning"), wait(world, practitioner_id=world.petra.practitioner.pk)]
    world.book(NINE, now=NOW)
    assert {state_of(entry)[0] for entry in others} == {EntryState.WAITING}
    assert {state_of(entry)[0] for entry in matching} == {EntryState.BOOKED}


def test_open_offer_of_the_entry_goes_to_the_next(world: World) -> None:
    taken = world.book(TEN, patient=world.pete, now=NOW)
    first = wait(world, priority=1)
    gus = world.client(world.sam).post("/api/v1/patients", {"name": "Gus", "phone": "+4917099999"}).json()["id"]
    wishes = Wishes(first_date=NINE.date(), last_date=NINE.date())
    sam = UserActor(fresh(world.sam))
    second = join_waitlist(actor=sam, clinic=world.clinic, patient_id=gus, wishes=wishes, now=NOW)
    change_status(actor=sam, appointment_id=taken.pk, action=Action.CANCEL, now=NOW)
    assert (state_of(first)[0], state_of(second)[0]) == (EntryState.OFFERED, EntryState.WAITING)
    booked = world.book(THREE, practitioner=world.quentin, now=NOW)
    assert state_of(first) == (EntryState.BOOKED, booked.pk)
    assert state_of(second)[0] == EntryState.OFFERED
    assert Hold.objects.filter(starts_at=TEN).count() == 1
    waiting = Message.objects.filter(template="waitlist_offer", state=MessageState.QUEUED)
    assert not waiting.filter(user=world.paula).exists()


def test_accepted_offer_settles_the_other_entries_it_meets(world: World) -> None:
    taken = world.book(TEN, patient=world.pete, now=NOW)
    first, other = wait(world, priority=1), wait(world, part_of_day="morning")
    later = wait(world, part_of_day="afternoon")
    sam = UserActor(fresh(world.sam))
    change_status(actor=sam, appointment_id=taken.pk, action=Action.CANCEL, now=NOW)
    offer = WaitlistOffer.objects.get(entry=first)
    booked = accept_offer(token=offer.token, viewer=None, now=NOW + SECOND).appointment
    assert booked is not None
    assert state_of(first) == state_of(other) == (EntryState.BOOKED, booked.pk)
    assert state_of(later) == (EntryState.WAITING, None)


@pytest.mark.parametrize("end", ["reject", "expire"])
def test_request_that_comes_to_nothing_brings_the_entry_back(world: World, end: str) -> None:
    entry = wait(world)
    asked = world.book(NINE, by=world.paula, now=NOW)
    assert state_of(entry) == (EntryState.BOOKED, asked.pk)
    if end == "reject":
        sam = UserActor(fresh(world.sam))
        change_status(actor=sam, appointment_id=asked.pk, action=Action.REJECT, now=NOW)
    else:
        expire_requests(now=NINE)
    assert state_of(entry) == (EntryState.WAITING, None)


def test_undo_leaves_the_waitlist_as_it_was(world: World) -> None:
    """An undo gives nobody the other time of that day that they wait for."""
    booked = world.book(NINE, now=NOW)
    entry = wait(world)
    taken_and_undone(world, booked, Action.CANCEL)
    assert state_of(entry) == (EntryState.WAITING, None)


def test_undo_removes_the_entry_that_the_step_brought_back_and_no_other(world: World) -> None:
    entry = wait(world)
    asked = world.book(NINE, by=world.paula, now=NOW)
    another = wait(world)
    taken_and_undone(world, asked, Action.REJECT)
    assert state_of(entry) == (EntryState.BOOKED, asked.pk)
    assert state_of(another) == (EntryState.WAITING, None)


def test_undo_brings_back_the_entry_that_the_step_removed(world: World) -> None:
    booked = world.book(NINE, now=NOW)
    sam = UserActor(fresh(world.sam))
    change_status(actor=sam, appointment_id=booked.pk, action=Action.CANCEL, now=NOW)
    entry = wait(world)
    Clinic.objects.filter(pk=world.clinic.pk).update(undo_seconds=10)
    correct_status(actor=sam, appointment_id=booked.pk, status=Status.CONFIRMED, reason="a slip", now=NOW)
    assert state_of(entry) == (EntryState.BOOKED, booked.pk)
    undo_step(actor=sam, appointment_id=booked.pk, now=NOW + SECOND, expected=Expected(3))
    assert state_of(entry) == (EntryState.WAITING, None)


def taken_and_undone(world: World, one: Appointment, action: Action) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(undo_seconds=10)
    sam = UserActor(fresh(world.sam))
    change_status(actor=sam, appointment_id=one.pk, action=action, now=NOW + SECOND)
    undo_step(actor=sam, appointment_id=one.pk, now=NOW + 2 * SECOND, expected=Expected(2))


def test_series_looks_for_entries_once(world: World) -> None:
    entry = wait(world)
    with CaptureQueriesContext(
        connection,
    ) as seen:
        world.book_series(NINE.replace(hour=11), count=6)
    looked = [query for query in seen.captured_queries if "FROM `waitlist_entry`" in query["sql"]]
    assert len(looked) == 1
    assert state_of(entry)[1] == Appointment.objects.order_by("starts_at").values_list("pk", flat=True)[0]
