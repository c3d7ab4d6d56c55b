"""Two claims of one patient's time, with two practitioners: exactly one wins, and neither waits for the other in a
circle. Nothing locks the patient: `Doorway` holds both where they have looked and not yet written."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import combinations
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.actor import UserActor
from clinic.appointments.lifecycle import Action
from clinic.appointments.models import ACTIVE, Appointment
from clinic.appointments.recurrence import Frequency, Rule
from clinic.appointments.services import booking, moving, series
from clinic.appointments.services.booking import Booking, book_appointment
from clinic.appointments.services.claiming import write_claim
from clinic.appointments.services.decisions import change_status
from clinic.appointments.services.guest_bookings import book_as_guest
from clinic.appointments.services.moving import Edit, edit_appointment
from clinic.appointments.services.series import OnConflict, SeriesBooking, book_series
from clinic.changefeed.repair import repair_feed
from clinic.common import transactions
from clinic.common.errors import OwnAppointment, SeriesConflict, SlotTaken
from clinic.people.models import Patient
from clinic.people.services.guests import guest_of
from clinic.people.services.merging import merge_patients
from clinic.scheduling.models import ClaimedCell, Clinic
from clinic.waitlist.models import WaitlistOffer
from clinic.waitlist.services import answers
from clinic.waitlist.services.answers import accept_offer
from clinic.waitlist.services.entries import Wishes, join_waitlist
from django.db import connection
from django.utils import timezone

from testkit.clinic.concurrency import Doorway, at_once
from testkit.clinic.feed_rows import insert, make_hold
from testkit.clinic.times import in_days
from testkit.clinic.world import World, fresh

pytestmark = pytest.mark.race

NINE = in_days(7)(9)
QUARTER_PAST = NINE + timedelta(minutes=15)
Job = Callable[[], Any]


class Deadlocks:
    """Stands for the module `time` in `transactions`: a pause there means that a deadlock is tried again."""

    def __init__(self) -> None:
        self.count = 0

    def sleep(self, _: float) -> None:
        self.count += 1


@pytest.fixture
def deadlocks(monkeypatch: pytest.MonkeyPatch) -> Deadlocks:
    counted = Deadlocks()
    monkeypatch.setattr(transactions, "time", counted)
    return counted


def doorway(monkeypatch: pytest.MonkeyPatch, *, patience_seconds: float) -> Doorway:
    door = Doorway(expected=2, patience_seconds=patience_seconds)
    for module in (booking, moving, series, answers):
        monkeypatch.setattr(
            module, "write_claim", lambda write, **more: door.pass_through(lambda: write_claim(write, **more))
        )
    return door


# Claims of Paula's time at nine


def book(
    world: World, practitioner: User | None, *, start: datetime = NINE, patient: Patient | None = None, **more: Any
) -> Job:
    actor, clinic = UserActor(fresh(world.sam)), Clinic.objects.get(pk=world.clinic.pk)
    wanted = Booking(
        patient_id=(patient or world.paula.patient).pk,
        practitioner_id=None if practitioner is None else practitioner.practitioner.pk,
        start=start,
        service_id=world.check_up.pk,
        **more,
    )
    return lambda: book_appointment(actor=actor, clinic=clinic, booking=wanted, now=timezone.now())


def petras(world: World) -> Job:
    return book(world, world.petra)


def quentins(world: World) -> Job:
    return book(world, world.quentin, start=QUARTER_PAST)


def anybodys(world: World) -> Job:
    """Quentin's: Petra has more to do."""
    world.book(NINE + timedelta(hours=5), practitioner=world.petra, patient=world.pete)
    return book(world, None, start=QUARTER_PAST)


def held(world: World) -> Job:
    hold = make_hold(world.clinic, world.quentin, NINE)
    actor, clinic = UserActor(fresh(world.sam)), Clinic.objects.get(pk=world.clinic.pk)
    wanted = Booking(patient_id=world.paula.patient.pk, hold_token=hold.token)
    return lambda: book_appointment(actor=actor, clinic=clinic, booking=wanted, now=timezone.now())


def moved(world: World) -> Job:
    later = world.book(NINE + timedelta(hours=2), practitioner=world.quentin)
    actor = UserActor(fresh(world.sam))
    edit = Edit(start=QUARTER_PAST)
    return lambda: edit_appointment(actor=actor, appointment_id=later.pk, edit=edit, now=timezone.now())


def in_series(world: World) -> Job:
    """Its second date is the one."""
    actor, clinic = UserActor(fresh(world.sam)), Clinic.objects.get(pk=world.clinic.pk)
    wanted = SeriesBooking(
        patient_id=world.paula.patient.pk,
        practitioner_id=world.quentin.practitioner.pk,
        first_date=(NINE - timedelta(days=1)).date(),
        start_local=QUARTER_PAST.time(),
        rule=Rule(Frequency.WEEKLY, count=4, weekdays=tuple(sorted({(NINE.weekday() - 1) % 7, NINE.weekday()}))),
    )
    return lambda: book_series(
        actor=actor, clinic=clinic, booking=wanted, on_conflict=OnConflict.FAIL, now=timezone.now()
    )


def offered(world: World) -> Job:
    """Pete's time with Quentin was offered to Paula."""
    taken = world.book(NINE, practitioner=world.quentin, patient=world.pete)
    desk, day = UserActor(fresh(world.sam)), NINE.date()
    wishes = Wishes(first_date=day, last_date=day, practitioner_id=world.quentin.practitioner.pk)
    paula = world.paula.patient.pk
    join_waitlist(actor=desk, clinic=world.clinic, patient_id=paula, wishes=wishes, now=timezone.now())
    change_status(actor=desk, appointment_id=taken.pk, action=Action.CANCEL, now=timezone.now())
    token = WaitlistOffer.objects.get().token
    return lambda: accept_offer(token=token, viewer=None, now=timezone.now())


# They meet where both have found the time free.
RIVALS_AT_THE_DOOR = [quentins, moved, in_series]
# They wait for the other before: for a candidate's row, or for a hold that the other has just used.
OTHER_RIVALS = [anybodys, held, offered]


def lost(outcome: Any) -> bool:
    if isinstance(outcome, SeriesConflict):
        return True
    if isinstance(outcome, Exception):
        assert isinstance(outcome, OwnAppointment), repr(outcome)
        return True
    return False


def assert_one_place_at_a_time() -> None:
    rows = Appointment.objects.filter(status__in=ACTIVE, allow_overlap=False)
    for one, other in combinations(rows, 2):
        is_same = one.patient_id == other.patient_id
        assert not is_same or one.ends_at <= other.starts_at or other.ends_at <= one.starts_at
    visits = sum((row.ends_at - row.starts_at for row in rows), timedelta())
    assert ClaimedCell.objects.filter(kind="patient").count() == visits / timedelta(minutes=5)


def race(
    world: World, monkeypatch: pytest.MonkeyPatch, rival: Callable[[World], Job], *, patience_seconds: float
) -> Doorway:
    jobs = [petras(world), rival(world)]
    door = doorway(monkeypatch, patience_seconds=patience_seconds)
    outcomes = at_once(jobs)
    assert [lost(outcome) for outcome in outcomes].count(True) == 1, outcomes
    assert_one_place_at_a_time()
    return door


@pytest.mark.parametrize("rival", RIVALS_AT_THE_DOOR)
def test_of_two_who_have_found_the_patient_free_one_wins(
    committed_world: World, monkeypatch: pytest.MonkeyPatch, deadlocks: Deadlocks, rival: Callable[[World], Job]
) -> None:
    door = race(committed_world, monkeypatch, rival, patience_seconds=10)
    assert (door.most, deadlocks.count) == (2, 0)


@pytest.mark.parametrize("rival", OTHER_RIVALS)
def test_of_two_who_may_wait_for_each_other_one_wins(
    committed_world: World, monkeypatch: pytest.MonkeyPatch, deadlocks: Deadlocks, rival: Callable[[World], Job]
) -> None:
    race(committed_world, monkeypatch, rival, patience_seconds=0.3)
    assert deadlocks.count == 0


@pytest.fixture
def without_cells_of_patients(committed_world: World) -> Iterator[None]:
    with connection.cursor() as cursor:
        for moment in ("insert", "update", "delete"):
            cursor.execute(f"DROP TRIGGER appointment_claims_patient_on_{moment}")
    yield
    repair_feed(now=datetime.now(UTC))


@pytest.mark.usefixtures("without_cells_of_patients")
def test_without_the_cells_both_win(committed_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [petras(committed_world), quentins(committed_world)]
    doorway(monkeypatch, patience_seconds=10)
    assert [lost(outcome) for outcome in at_once(jobs)] == [False, False]


def test_of_two_requests_of_a_guest_one_wins(committed_world: World) -> None:
    world = committed_world
    gus = Patient.objects.create(clinic=world.clinic, name="Gus Guest", phone="+49301234567")
    Appointment.objects.filter(pk=world.book(in_days(2)(9)).pk).update(patient=gus, reference="earlier")
    for hour in range(8, 13):
        guest = replace(guest_of(world.clinic, name="Gus Guest", phone="030 1234567"), reference="earlier")
        wanted = [Booking(None, who.practitioner.pk, in_days(7)(hour)) for who in (world.petra, world.quentin)]
        jobs = [partial(book_as_guest, guest=guest, booking=one, now=timezone.now()) for one in wanted]
        outcomes = at_once(jobs)
        assert [lost(outcome) for outcome in outcomes].count(True) == 1, outcomes
    assert Patient.objects.filter(name="Gus Guest").count() == 1
    assert_one_place_at_a_time()


def test_raw_sql_and_a_booking_never_have_the_patient_at_the_same_time(committed_world: World) -> None:
    world = committed_world
    for hour in range(8, 17):
        start = in_days(7)(hour)
        jobs = [lambda: insert_visit(world, start), book(world, world.quentin, start=start)]  # noqa: B023
        raw, outcome = at_once(jobs)
        assert (raw, lost(outcome)) in (("inserted", True), ("refused", False))
    assert_one_place_at_a_time()


def insert_visit(world: World, start: datetime) -> str:
    """With Petra, around every service of ours."""
    begins, ends = start.astimezone(UTC), (start + timedelta(minutes=30)).astimezone(UTC)
    row: dict[str, Any] = {
        "clinic_id": world.clinic.pk,
        "patient_id": world.paula.patient.pk,
        "practitioner_id": world.petra.practitioner.pk,
        "starts_at": begins,
        "ends_at": ends,
        "blocked_from": begins,
        "blocked_until": ends,
        "local_date": start.date(),
        "status": "confirmed",
        "notes": "",
        "cancel_reason": "",
        "source": "desk",
        "version": 1,
        "created_at": begins,
        "updated_at": begins,
    }
    return insert("appointment", row)


def test_merge_and_a_booking_leave_the_patient_in_one_place(committed_world: World) -> None:
    world = committed_world
    for hour in range(8, 13):
        start = in_days(7)(hour)
        noted = Patient.objects.create(clinic=world.clinic, name="Paula Noted", phone="+49301234567")
        book(world, world.petra, start=start, patient=noted)()
        merge = partial(merge_patients, editor=fresh(world.sam), patient_id=noted.pk, into_id=world.paula.patient.pk)
        jobs: list[Job] = [partial(merge, now=timezone.now()), book(world, world.quentin, start=start)]
        assert [lost(outcome) for outcome in at_once(jobs)].count(True) == 1
    assert_one_place_at_a_time()


def test_many_claims_of_few_patients_never_deadlock(committed_world: World, deadlocks: Deadlocks) -> None:
    world = committed_world
    starts = [NINE + timedelta(minutes=15 * number) for number in range(8)]
    people = [Patient.objects.create(clinic=world.clinic, name=name, phone="") for name in ("Ann", "Bo")]
    jobs = [
        book(world, practitioner, start=start, patient=patient)
        for start in starts
        for practitioner in (world.petra, world.quentin, None)
        for patient in people
    ]
    outcomes = at_once(jobs)
    assert Appointment.objects.count() > 4
    refused = {type(outcome) for outcome in outcomes if isinstance(outcome, Exception)}
    assert refused <= {SlotTaken, OwnAppointment}
    assert_one_place_at_a_time()
    assert deadlocks.count == 0
