"""Time becomes free, and the waitlist and the public want it at the same time."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from clinic.appointments.actor import UserActor
from clinic.appointments.lifecycle import Action
from clinic.appointments.models import Appointment
from clinic.appointments.services import booking as booking_module
from clinic.appointments.services import decisions as decisions_module
from clinic.appointments.services import effects as effects_module
from clinic.appointments.services.decisions import change_status
from clinic.appointments.services.moving import Edit, edit_appointment
from clinic.common import transactions
from clinic.common.errors import OfferOver, OwnAppointment, SlotTaken, TransitionNotAllowed, TryAgain
from clinic.people.models import Patient
from clinic.scheduling.models import Hold, Practitioner, Service, ServicePractitioner
from clinic.scheduling.services import ClaimLock
from clinic.waitlist.matching import best_start
from clinic.waitlist.models import EntryState, OfferState, WaitlistEntry, WaitlistOffer
from clinic.waitlist.services import offering as offering_module
from clinic.waitlist.services.answers import accept_offer, decline_offer, move_on_expired_offers
from clinic.waitlist.services.entries import Wishes, join_waitlist, leave_waitlist
from django.utils import timezone

from testkit.clinic.concurrency import Meanwhile, at_once, no_overlaps
from testkit.clinic.times import in_days
from testkit.clinic.world import World, fresh

pytestmark = pytest.mark.race

NINE = in_days(8)(9)
HALF_AN_HOUR = timedelta(minutes=30)


def wait(world: World, patient: Patient, **more: Any) -> WaitlistEntry:
    wishes = {"first_date": NINE.date(), "last_date": NINE.date(), **more}
    return join_waitlist(
        actor=UserActor(fresh(world.sam)),
        clinic=world.clinic,
        patient_id=patient.pk,
        wishes=Wishes(**wishes),
        now=timezone.now(),
    )


def cancel(world: World, appointment: Appointment) -> Appointment:
    actor = UserActor(fresh(world.sam))
    return change_status(actor=actor, appointment_id=appointment.pk, action=Action.CANCEL, now=timezone.now())


def outcome_of(job: Callable[..., Any], *args: Any) -> Any:
    try:
        return job(*args)
    except Exception as error:
        return error


class TestTheOfferAndThePublic:
    """Pete waits for an hour. Paula's half of it becomes free, and somebody books the other half meanwhile."""

    @pytest.fixture
    def taken(self, committed_world: World) -> Appointment:
        return committed_world.book(NINE)

    @pytest.fixture(autouse=True)
    def entry(self, committed_world: World, taken: Appointment) -> WaitlistEntry:
        hour = Service.objects.create(clinic=committed_world.clinic, name="Hour", duration_minutes=60)
        ServicePractitioner.objects.create(service=hour, practitioner=committed_world.petra.practitioner)
        # The time before is taken, so that the hour needs both halves.
        committed_world.book(NINE - HALF_AN_HOUR)
        return wait(committed_world, committed_world.pete.patient, service_id=hour.pk)

    @pytest.fixture
    def meanwhile(self, committed_world: World, monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
        public = Meanwhile(lambda: committed_world.book(NINE + HALF_AN_HOUR, now=timezone.now()))

        def find_and_dawdle(*args: Any, **kwargs: Any) -> Any:
            found = best_start(*args, **kwargs)
            public.begin()
            return found

        monkeypatch.setattr(offering_module, "best_start", find_and_dawdle)
        monkeypatch.setattr(transactions, "TRIES", 1)  # A deadlock is not tried again, so that it can be seen.
        return public

    def test_without_the_lock_they_run_into_each_other(
        self, committed_world: World, taken: Appointment, meanwhile: Meanwhile, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Both find the time free. One has the feed's head, the other the cells: each waits for the other."""

        def look_only(_: Any, practitioner_ids: Any, **__: Any) -> dict[int, Practitioner]:
            return Practitioner.objects.in_bulk(list(practitioner_ids))

        def look_only_for_claim(clinic: Any, *, practitioner_id: int, service_id: int | None) -> ClaimLock:
            return ClaimLock(look_only(clinic, [practitioner_id]))

        for module in (offering_module, effects_module):
            monkeypatch.setattr(module, "lock_practitioners", look_only)
        monkeypatch.setattr(booking_module, "lock_for_claim", look_only_for_claim)
        assert TryAgain in {type(outcome_of(cancel, committed_world, taken)), type(meanwhile.end())}

    def test_with_the_lock_what_was_found_is_offered(
        self, committed_world: World, taken: Appointment, entry: WaitlistEntry, meanwhile: Meanwhile
    ) -> None:
        cancel(committed_world, taken)
        assert isinstance(meanwhile.end(), SlotTaken)
        assert WaitlistOffer.objects.get(entry=entry).starts_at == NINE


class TestTheOrderOfLocks:
    """While an appointment is cancelled, and its time given on, somebody moves it."""

    @pytest.fixture
    def taken(self, committed_world: World) -> Appointment:
        wait(committed_world, committed_world.pete.patient)
        return committed_world.book(NINE)

    @pytest.fixture
    def meanwhile(self, committed_world: World, taken: Appointment, monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
        """Begins when the cancelling has locked its appointment."""
        mover = Meanwhile(
            lambda: edit_appointment(
                actor=UserActor(fresh(committed_world.olga)),
                appointment_id=taken.pk,
                edit=Edit(start=NINE + timedelta(hours=2)),
                now=timezone.now(),
            )
        )
        take = decisions_module.take

        def dawdle_and_take(*args: Any, **kwargs: Any) -> Any:
            mover.begin()
            return take(*args, **kwargs)

        monkeypatch.setattr(decisions_module, "take", dawdle_and_take)
        monkeypatch.setattr(transactions, "TRIES", 1)  # A deadlock is not tried again, so that it can be seen.
        return mover

    def test_with_the_appointment_locked_first_they_wait_in_a_circle(
        self, committed_world: World, taken: Appointment, meanwhile: Meanwhile, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(decisions_module, "lock_what_effects_may_claim", lambda *_, **__: None)
        assert TryAgain in {type(outcome_of(cancel, committed_world, taken)), type(meanwhile.end())}

    def test_with_the_practitioner_locked_first_one_waits_for_the_other(
        self, committed_world: World, taken: Appointment, meanwhile: Meanwhile
    ) -> None:
        cancel(committed_world, taken)
        assert isinstance(meanwhile.end(), TransitionNotAllowed)
        assert WaitlistOffer.objects.get().starts_at == NINE


@pytest.fixture
def offer(committed_world: World) -> WaitlistOffer:
    """Paula's time, offered to Pete; somebody else waits behind."""
    taken = committed_world.book(NINE)
    wait(committed_world, committed_world.pete.patient)
    wait(committed_world, Patient.objects.create(clinic=committed_world.clinic, name="Ann"))
    cancel(committed_world, taken)
    return WaitlistOffer.objects.get()


@pytest.mark.parametrize("_round", range(3))
def test_an_offer_has_one_end(committed_world: World, offer: WaitlistOffer, _round: int) -> None:
    now, late = timezone.now(), offer.expires_at
    pete = UserActor(fresh(committed_world.pete))
    jobs: list[Callable[[], Any]] = [
        lambda: accept_offer(token=offer.token, viewer=None, now=now),
        lambda: accept_offer(token=offer.token, viewer=None, now=now),
        lambda: decline_offer(token=offer.token, now=now),
        lambda: move_on_expired_offers(now=late),
        lambda: leave_waitlist(actor=pete, entry_id=offer.entry_id, now=now),
        lambda: committed_world.book(NINE, now=now),
    ]
    with no_overlaps(committed_world):
        outcomes = at_once(jobs)
    errors = {type(outcome) for outcome in outcomes if isinstance(outcome, Exception)}
    assert errors <= {OfferOver, SlotTaken, TransitionNotAllowed}
    end = WaitlistOffer.objects.get(pk=offer.pk)
    assert end.state != OfferState.OPEN
    booked = Appointment.objects.filter(patient=committed_world.pete.patient, source="waitlist").count()
    assert booked == (1 if end.state == OfferState.ACCEPTED else 0)
    open_offers = WaitlistOffer.objects.filter(state=OfferState.OPEN)
    assert set(open_offers.values_list("hold_id", flat=True)) == set(Hold.objects.values_list("pk", flat=True))


def test_much_is_cancelled_while_the_public_books(committed_world: World) -> None:
    """Nothing overlaps, nobody gets two times for one wish, and no deadlock is seen."""
    world = committed_world
    starts = [NINE + HALF_AN_HOUR * step for step in range(6)]
    pairs = ((world.petra, world.paula), (world.quentin, world.pete))
    taken = [world.book(start, practitioner=who, patient=patient) for start in starts for who, patient in pairs]
    patients = [Patient.objects.create(clinic=world.clinic, name=f"Waiting {number}") for number in range(8)]
    for number, patient in enumerate(patients):
        wait(world, patient, auto_accept=number % 2 == 0)
    jobs: list[Callable[[], Any]] = []
    for appointment in taken:
        jobs.append(partial(cancel, world, appointment))
        jobs.append(partial(world.book, appointment.starts_at, patient=world.pete, now=timezone.now()))
    with no_overlaps(world):
        outcomes = at_once(jobs, connections=12)
    assert {type(outcome) for outcome in outcomes if isinstance(outcome, Exception)} <= {SlotTaken, OwnAppointment}
    entries = WaitlistEntry.objects.all()
    assert {entry.state for entry in entries} == {EntryState.OFFERED, EntryState.BOOKED}
    assert Hold.objects.count() == entries.filter(state=EntryState.OFFERED).count() == 4
    assert Appointment.objects.filter(source="waitlist").count() == 4
