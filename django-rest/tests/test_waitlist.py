"""Petra's time at nine tomorrow week is Paula's. Pete waits for it, and others may too."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.actor import UserActor
from clinic.appointments.lifecycle import Action
from clinic.appointments.models import ActorKind, Appointment, AppointmentEvent
from clinic.appointments.services.decisions import change_status
from clinic.outbox.models import Message, MessageState
from clinic.outbox.optouts import record_opt_out
from clinic.people.models import Patient
from clinic.scheduling.models import (
    ClaimedCell,
    Clinic,
    Hold,
    ScheduleException,
    Service,
    ServicePractitioner,
    WaitlistMode,
)
from clinic.waitlist.models import EntryState, OfferState, WaitlistEntry, WaitlistOffer
from clinic.waitlist.services.answers import move_on_expired_offers
from clinic.waitlist.services.entries import Wishes, join_waitlist, lapse_entries
from clinic.worker.jobs import run_jobs
from django.db import transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from testkit.clinic.answers import attr_of, refusal
from testkit.clinic.times import in_days
from testkit.clinic.world import World, fresh

WAITLIST = "/api/v1/waitlist"
NINE = in_days(8)(9)
Wait = Callable[..., WaitlistEntry]


@pytest.fixture
def taken(world: World) -> Appointment:
    """Paula's with Petra."""
    return world.book(NINE, service=world.check_up)


@pytest.fixture
def wait(world: World) -> Wait:
    """Puts somebody on the list: Pete, for Petra, on the day, at any time of it."""

    def join(patient: Patient | None = None, *, practitioner: User | None = None, **more: Any) -> WaitlistEntry:
        petra = (practitioner or world.petra).practitioner.pk
        wishes = {"first_date": NINE.date(), "last_date": NINE.date(), "practitioner_id": petra, **more}
        return join_waitlist(
            actor=UserActor(fresh(world.sam)),
            clinic=world.clinic,
            patient_id=(patient or world.pete.patient).pk,
            wishes=Wishes(**wishes),
            now=timezone.now(),
        )

    return join


@pytest.fixture
def others(world: World) -> list[Patient]:
    return [Patient.objects.create(clinic=world.clinic, name=name, phone="+491709999999") for name in ("Ann", "Bo")]


def cancel(world: World, appointment: Appointment, *, by: User | None = None) -> None:
    response = world.client(by or world.sam).post(f"/api/v1/appointments/{appointment.pk}/cancel")
    assert response.status_code == 200, response.json()


def state_of(entry: WaitlistEntry) -> str:
    return WaitlistEntry.objects.get(pk=entry.pk).state


def offer_to(entry: WaitlistEntry) -> WaitlistOffer:
    return WaitlistOffer.objects.get(entry=entry, state=OfferState.OPEN)


def answer(world: World, offer: WaitlistOffer, word: str, *, by: User | None = None) -> Any:
    return world.client(by).post(f"{WAITLIST}/offers/{offer.token}/{word}")


class TestFreedTimeIsOffered:
    def test_a_cancelled_time_is_kept_for_who_waits(self, world: World, taken: Appointment, wait: Wait) -> None:
        entry = wait()
        cancel(world, taken)
        offer = offer_to(entry)
        assert state_of(entry) == "offered"
        assert offer.starts_at == NINE
        assert timedelta(minutes=29) < offer.expires_at - timezone.now() <= timedelta(minutes=30)
        assert ClaimedCell.objects.filter(hold_id=offer.hold_id).count() == 6

    def test_by_its_patient_too(self, world: World, taken: Appointment, wait: Wait) -> None:
        entry = wait()
        cancel(world, taken, by=world.paula)
        assert offer_to(entry).starts_at == NINE

    def test_a_rejected_time(self, world: World, wait: Wait) -> None:
        entry, asked = wait(), world.book(NINE, by=world.paula, service=world.check_up)
        world.client(world.petra).post(f"/api/v1/appointments/{asked.pk}/reject")
        assert offer_to(entry).starts_at == NINE

    def test_a_deleted_time(self, world: World, taken: Appointment, wait: Wait) -> None:
        entry = wait()
        world.client(world.sam).delete(f"/api/v1/appointments/{taken.pk}")
        assert offer_to(entry).starts_at == NINE

    def test_the_time_a_move_leaves(self, world: World, taken: Appointment, wait: Wait) -> None:
        entry = wait()
        later = {"start": (NINE + timedelta(hours=3)).isoformat()}
        world.client(world.sam).patch(f"/api/v1/appointments/{taken.pk}", later)
        assert offer_to(entry).starts_at == NINE

    def test_the_time_a_move_to_another_practitioner_leaves(self, world: World, taken: Appointment, wait: Wait) -> None:
        entry = wait()
        given = {"practitioner": world.quentin.practitioner.pk}
        world.client(world.sam).patch(f"/api/v1/appointments/{taken.pk}", given)
        assert offer_to(entry).practitioner_id == world.petra.practitioner.pk

    def test_the_time_of_a_series(self, world: World, wait: Wait) -> None:
        series, entry = world.book_series(NINE), wait()
        world.client(world.sam).delete(f"/api/v1/series/{series.pk}?scope=all")
        assert offer_to(entry).starts_at == NINE

    def test_change_that_frees_no_time_offers_nothing(self, world: World, taken: Appointment, wait: Wait) -> None:
        entry, client = wait(), world.client(world.sam)
        client.patch(f"/api/v1/appointments/{taken.pk}", {"notes": "seen"})
        client.patch(f"/api/v1/appointments/{taken.pk}", {"service": world.check_up.pk})
        assert state_of(entry) == "waiting"

    def test_others_find_it_taken(self, world: World, taken: Appointment, wait: Wait) -> None:
        wait()
        cancel(world, taken)
        body = {"practitioner": world.petra.practitioner.pk, "start": NINE.isoformat()}
        assert refusal(world.client(world.paula).post("/api/v1/appointments", body)) == (409, "slot_taken")

    def test_freed_time_goes_to_the_next(self, world: World, wait: Wait, others: list[Patient]) -> None:
        long = Service.objects.create(clinic=world.clinic, name="Long", duration_minutes=60)
        ServicePractitioner.objects.create(service=long, practitioner=world.petra.practitioner)
        taken = world.book(NINE, service=long)
        first, second, third = wait(), wait(others[0]), wait(others[1])
        cancel(world, taken)
        assert [offer_to(entry).starts_at for entry in (first, second)] == [NINE, NINE + timedelta(minutes=30)]
        assert state_of(third) == "waiting"

    def test_a_clinic_can_do_without(self, world: World, taken: Appointment, wait: Wait) -> None:
        entry = wait()
        Clinic.objects.filter(pk=world.clinic.pk).update(waitlist_mode=WaitlistMode.OFF)
        cancel(world, taken)
        assert state_of(entry) == "waiting"

    def test_the_clinic_says_how_long_it_is_kept(self, world: World, taken: Appointment, wait: Wait) -> None:
        Clinic.objects.filter(pk=world.clinic.pk).update(offer_minutes=120)
        entry = wait()
        cancel(world, taken)
        assert offer_to(entry).expires_at - timezone.now() > timedelta(minutes=119)

    def test_entry_waits_no_longer_than_the_start(self, world: World, wait: Wait) -> None:
        Clinic.objects.filter(pk=world.clinic.pk).update(notice_minutes=0, offer_minutes=24 * 60)
        soon = in_days(1)(0)
        for user in (world.petra, world.quentin):
            user.practitioner.working_blocks.update(start_local="00:00", end_local="00:00")
        taken = world.book(soon)
        entry = wait(first_date=soon.date(), last_date=soon.date())
        cancel(world, taken)
        assert offer_to(entry).expires_at <= soon


class TestWhoIsAsked:
    def test_the_oldest_of_the_highest_priority(
        self, world: World, taken: Appointment, wait: Wait, others: list[Patient]
    ) -> None:
        oldest, urgent, later = wait(), wait(others[0], priority=5), wait(others[1], priority=5)
        cancel(world, taken)
        assert [state_of(entry) for entry in (oldest, urgent, later)] == ["waiting", "offered", "waiting"]

    def test_entries_for_any_practitioner(self, world: World, taken: Appointment, wait: Wait) -> None:
        entry = wait(practitioner_id=None, service_id=world.check_up.pk)
        cancel(world, taken)
        assert offer_to(entry).service_id == world.check_up.pk

    def test_not_who_waits_for_somebody_else(self, world: World, taken: Appointment, wait: Wait) -> None:
        entry = wait(practitioner=world.quentin)
        cancel(world, taken)
        assert state_of(entry) == "waiting"

    @pytest.mark.parametrize("days", [-1, 1])
    def test_not_who_waits_for_another_day(self, world: World, taken: Appointment, wait: Wait, days: int) -> None:
        day = (NINE + timedelta(days=days)).date()
        entry = wait(first_date=day, last_date=day)
        cancel(world, taken)
        assert state_of(entry) == "waiting"

    def test_not_who_waits_for_another_part_of_the_day(self, world: World, taken: Appointment, wait: Wait) -> None:
        entry = wait(part_of_day="afternoon")
        cancel(world, taken)
        assert state_of(entry) == "waiting"

    def test_not_who_has_given_it_back(self, world: World, taken: Appointment, wait: Wait) -> None:
        entry = wait(world.paula.patient)
        cancel(world, taken)
        assert state_of(entry) == "waiting"

    def test_not_who_has_an_appointment_with_another_then(self, world: World, taken: Appointment, wait: Wait) -> None:
        world.book(NINE + timedelta(minutes=15), patient=world.pete, practitioner=world.quentin)
        entry = wait()
        cancel(world, taken)
        assert state_of(entry) == "waiting"

    def test_not_who_is_offered_another_time_then(self, world: World, taken: Appointment, wait: Wait) -> None:
        with_quentin = world.book(NINE, practitioner=world.quentin, patient=world.pete)
        ann = Patient.objects.create(clinic=world.clinic, name="Ann")
        first, second = wait(ann, practitioner=world.quentin), wait(ann)
        cancel(world, with_quentin)
        cancel(world, taken)
        assert [state_of(first), state_of(second)] == ["offered", "waiting"]

    def test_not_on_too_short_a_notice(self, world: World, taken: Appointment, wait: Wait) -> None:
        Clinic.objects.filter(pk=world.clinic.pk).update(notice_minutes=9 * 24 * 60)
        entry = wait()
        cancel(world, taken)
        assert state_of(entry) == "waiting"

    def test_not_for_what_is_longer_than_the_gap(self, world: World, taken: Appointment, wait: Wait) -> None:
        world.book(NINE + timedelta(minutes=30), service=world.check_up)
        long = Service.objects.create(clinic=world.clinic, name="Long", duration_minutes=60)
        ServicePractitioner.objects.create(service=long, practitioner=world.petra.practitioner)
        world.book(NINE - timedelta(minutes=30), service=world.check_up)
        entry = wait(service_id=long.pk)
        cancel(world, taken)
        assert state_of(entry) == "waiting"

    def test_not_for_what_the_practitioner_does_not_offer(self, world: World, taken: Appointment, wait: Wait) -> None:
        entry = wait(practitioner_id=None, service_id=world.check_up.pk)
        ServicePractitioner.objects.filter(practitioner=world.petra.practitioner).delete()
        cancel(world, taken)
        assert state_of(entry) == "waiting"

    def test_not_with_a_practitioner_who_has_left(self, world: World, taken: Appointment, wait: Wait) -> None:
        entry = wait()
        world.petra.practitioner.active = False
        world.petra.practitioner.save()
        cancel(world, taken)
        assert state_of(entry) == "waiting"

    def test_not_on_a_day_that_was_closed_since(self, world: World, taken: Appointment, wait: Wait) -> None:
        ScheduleException.objects.create(clinic=world.clinic, start_date=NINE.date(), end_date=NINE.date(), closed=True)
        entry = wait()
        cancel(world, taken)
        assert state_of(entry) == "waiting"

    def test_not_of_another_clinic(self, world: World, taken: Appointment, wait: Wait) -> None:
        entry = wait(practitioner_id=None)
        WaitlistEntry.objects.filter(pk=entry.pk).update(clinic=world.hillside)
        cancel(world, taken)
        assert state_of(entry) == "waiting"


def test_explicit_consent_books_at_once(world: World, taken: Appointment, wait: Wait) -> None:
    entry = wait(auto_accept=True, service_id=world.check_up.pk)
    cancel(world, taken)
    booked = Appointment.objects.get(patient=world.pete.patient)
    assert (booked.status, booked.source, booked.starts_at) == ("confirmed", "waitlist", NINE)
    assert (state_of(entry), WaitlistEntry.objects.get(pk=entry.pk).appointment_id) == ("booked", booked.pk)
    event = AppointmentEvent.objects.get(appointment=booked)
    assert (event.action, event.actor_kind, event.actor) == ("create", ActorKind.WAITLIST, None)
    assert Hold.objects.count() == 0


@pytest.fixture
def entry(world: World, taken: Appointment, wait: Wait) -> WaitlistEntry:
    """Pete's, to whom Paula's time is offered."""
    entry = wait(service_id=world.check_up.pk)
    cancel(world, taken)
    return entry


class TestAnswers:
    def test_the_token_shows_what_is_offered_to_somebody_not_signed_in(
        self, world: World, entry: WaitlistEntry
    ) -> None:
        shown = world.client().get(f"{WAITLIST}/offers/{offer_to(entry).token}").json()
        assert (shown["state"], shown["start"], shown["practitioner_name"]) == ("open", NINE.isoformat(), "Dr Petra")
        assert "Pete" not in str(shown)

    def test_accepted_it_is_booked_and_confirmed(self, world: World, entry: WaitlistEntry) -> None:
        response = answer(world, offer_to(entry), "accept")
        assert response.status_code == 200, response.json()
        booked = Appointment.objects.get(pk=response.json()["appointment"])
        assert (booked.patient_id, booked.status, booked.source) == (world.pete.patient.pk, "confirmed", "waitlist")
        assert booked.service_id == world.check_up.pk
        assert state_of(entry) == "booked"
        assert Hold.objects.count() == 0
        event = AppointmentEvent.objects.get(appointment=booked)
        assert (event.actor_kind, event.actor) == ("waitlist", None)

    def test_offered_time_is_booked_though_the_service_takes_longer_by_now(
        self, world: World, entry: WaitlistEntry
    ) -> None:
        offer = offer_to(entry)
        Service.objects.filter(pk=world.check_up.pk).update(duration_minutes=60, buffer_after_minutes=10)
        booked = Appointment.objects.get(pk=answer(world, offer, "accept").json()["appointment"])
        assert (booked.starts_at, booked.ends_at, booked.blocked_until) == (NINE, offer.ends_at, offer.ends_at)

    def test_the_history_names_the_patient_who_is_signed_in(self, world: World, entry: WaitlistEntry) -> None:
        booked = answer(world, offer_to(entry), "accept", by=world.pete).json()["appointment"]
        event = AppointmentEvent.objects.get(appointment_id=booked)
        assert (event.actor_kind, event.actor) == ("waitlist", world.pete)

    def test_but_no_stranger_who_has_the_token(self, world: World, entry: WaitlistEntry) -> None:
        booked = answer(world, offer_to(entry), "accept", by=world.otto).json()["appointment"]
        assert AppointmentEvent.objects.get(appointment_id=booked).actor is None

    def test_accepted_again_it_is_the_same(self, world: World, entry: WaitlistEntry) -> None:
        offer = offer_to(entry)
        assert answer(world, offer, "accept").json() == answer(world, offer, "accept").json()
        assert Appointment.objects.filter(patient=world.pete.patient).count() == 1

    def test_declined_it_goes_to_the_next_and_the_entry_waits_on(
        self, world: World, entry: WaitlistEntry, wait: Wait, others: list[Patient]
    ) -> None:
        following, offer = wait(others[0]), offer_to(entry)
        response = answer(world, offer, "decline")
        assert (response.status_code, response.json()["state"]) == (200, "declined")
        assert state_of(entry) == "waiting"
        assert offer_to(following).starts_at == NINE

    def test_one_time_is_offered_once_to_an_entry(
        self, world: World, entry: WaitlistEntry, wait: Wait, others: list[Patient]
    ) -> None:
        following = wait(others[0])
        answer(world, offer_to(entry), "decline")
        answer(world, offer_to(following), "decline")
        assert WaitlistOffer.objects.filter(state=OfferState.OPEN).count() == 0
        assert Hold.objects.count() == 0

    def test_ended_offer_cannot_be_answered(self, world: World, entry: WaitlistEntry) -> None:
        offer = offer_to(entry)
        answer(world, offer, "decline")
        assert refusal(answer(world, offer, "accept")) == (409, "offer_over")

    def test_expired_offer_cannot_be_accepted_before_the_worker_came(self, world: World, entry: WaitlistEntry) -> None:
        offer = offer_to(entry)
        WaitlistOffer.objects.filter(pk=offer.pk).update(expires_at=timezone.now())
        assert refusal(answer(world, offer, "accept")) == (409, "offer_over")
        assert refusal(answer(world, offer, "decline")) == (409, "offer_over")

    def test_patient_with_another_booking_by_now_is_told(self, world: World, entry: WaitlistEntry) -> None:
        world.book(NINE, patient=world.pete, practitioner=world.quentin)
        assert refusal(answer(world, offer_to(entry), "accept")) == (409, "own_appointment")
        assert state_of(entry) == "offered"

    def test_on_a_day_that_was_closed_since_it_cannot_be_kept(self, world: World, entry: WaitlistEntry) -> None:
        day = NINE.date()
        ScheduleException.objects.create(clinic=world.clinic, start_date=day, end_date=day, closed=True)
        assert refusal(answer(world, offer_to(entry), "accept")) == (409, "offer_over")

    def test_a_token_that_nobody_was_given_is_not_found(self, world: World, entry: WaitlistEntry) -> None:
        hold = Hold.objects.get()
        for token in ("x" * 43, hold.token):
            assert world.client().get(f"{WAITLIST}/offers/{token}").status_code == 404

    def test_the_notice_was_kept_when_it_was_offered(self, world: World, entry: WaitlistEntry) -> None:
        Clinic.objects.filter(pk=world.clinic.pk).update(notice_minutes=14 * 24 * 60)
        assert answer(world, offer_to(entry), "accept").status_code == 200


class TestThePatientIsTold:
    def test_by_sms_and_in_the_app_until_the_offer_ends(
        self, world: World, wait: Wait, taken: Appointment, settings: Settings
    ) -> None:
        settings.SMS_IS_CONFIGURED = True
        entry = wait()
        cancel(world, taken)
        offer = offer_to(entry)
        told = {message.channel: message for message in Message.objects.filter(template="waitlist_offer")}
        assert set(told) == {"sms", "in_app"}
        assert told["sms"].recipient == world.pete.patient.phone
        assert {message.expires_at for message in told.values()} == {offer.expires_at}
        for message in told.values():
            assert "09:00 with Dr Petra" in message.body
            assert offer.token not in message.body

    def test_by_mail_without_a_phone(self, world: World, taken: Appointment, wait: Wait) -> None:
        wait(Patient.objects.create(clinic=world.clinic, name="Gus", email="gus@example.org"))
        cancel(world, taken)
        [message] = Message.objects.filter(template="waitlist_offer")
        assert (message.channel, message.recipient) == ("email", "gus@example.org")
        assert message.subject == "A time has become free for you at Riverside"

    def test_by_mail_at_once_where_the_phone_wants_no_sms(
        self, world: World, wait: Wait, taken: Appointment, settings: Settings
    ) -> None:
        settings.SMS_IS_CONFIGURED = True
        wait()
        record_opt_out("sms", world.pete.patient.phone, source="reply", at=timezone.now())
        cancel(world, taken)
        told = set(Message.objects.filter(template="waitlist_offer").values_list("channel", "recipient"))
        assert told == {("email", world.pete.email), ("in_app", world.pete.email)}

    def test_rolled_back_change_is_told_to_no_reader(self, world: World, taken: Appointment, wait: Wait) -> None:
        wait()
        with transaction.atomic():
            cancel(world, taken)
            transaction.set_rollback(True)
        assert Message.objects.filter(template="waitlist_offer").count() == WaitlistOffer.objects.count() == 0


class TestQuietHours:
    """From nine in the evening until eight nobody is disturbed; Paula cancels in the night before her day, at two."""

    TWO, EIGHT = in_days(8)(2), in_days(8)(8)

    @pytest.fixture(autouse=True)
    def _quiet(self, world: World, settings: Settings) -> None:
        settings.SMS_IS_CONFIGURED = True
        Clinic.objects.filter(pk=world.clinic.pk).update(
            quiet_from="21:00", quiet_until="08:00", cancellation_notice_minutes=0, notice_minutes=0
        )

    def cancelled_at(self, world: World, appointment: Appointment, now: datetime) -> None:
        actor = UserActor(fresh(world.paula))
        change_status(actor=actor, appointment_id=appointment.pk, action=Action.CANCEL, now=now)

    def test_the_time_is_kept_at_once_and_asked_for_in_the_morning(
        self, world: World, taken: Appointment, wait: Wait
    ) -> None:
        entry = wait()
        self.cancelled_at(world, taken, self.TWO)
        offer = offer_to(entry)
        assert ClaimedCell.objects.filter(hold_id=offer.hold_id).count() == 6
        assert offer.expires_at == self.EIGHT + timedelta(minutes=30)
        told = {message.channel: message for message in Message.objects.filter(template="waitlist_offer")}
        assert (told["sms"].send_at, told["sms"].expires_at) == (self.EIGHT, offer.expires_at)
        assert "08:30" in told["sms"].body
        assert told["in_app"].state == MessageState.DELIVERED

    def test_by_day_nothing_waits(self, world: World, taken: Appointment, wait: Wait) -> None:
        entry, noon = wait(), in_days(7)(12)
        self.cancelled_at(world, taken, noon)
        assert offer_to(entry).expires_at == noon + timedelta(minutes=30)
        assert Message.objects.get(template="waitlist_offer", channel="sms").send_at == noon

    @pytest.mark.parametrize(("minutes", "state"), [(0, "waiting"), (5, "offered")])
    def test_time_that_begins_as_it_is_freed_is_offered_to_nobody(
        self, world: World, taken: Appointment, wait: Wait, minutes: int, state: str
    ) -> None:
        entry = wait()
        self.cancelled_at(world, taken, NINE - timedelta(minutes=minutes))
        assert state_of(entry) == state

    def test_it_does_not_run_through_the_list_in_the_night(
        self, world: World, taken: Appointment, wait: Wait, others: list[Patient]
    ) -> None:
        entry, following = wait(), wait(others[0])
        self.cancelled_at(world, taken, self.TWO)
        assert move_on_expired_offers(now=self.EIGHT) == 0
        half_past = self.EIGHT + timedelta(minutes=30)
        assert move_on_expired_offers(now=half_past) == 1
        assert [state_of(entry), state_of(following)] == ["waiting", "offered"]
        assert offer_to(following).expires_at == NINE

    def test_an_offer_of_the_evening_ends_and_the_next_waits_for_the_morning(
        self, world: World, taken: Appointment, wait: Wait, others: list[Patient]
    ) -> None:
        wait()
        following, evening = wait(others[0]), in_days(7)(20, 50)
        self.cancelled_at(world, taken, evening)
        assert move_on_expired_offers(now=evening + timedelta(minutes=30)) == 1
        assert offer_to(following).expires_at == self.EIGHT + timedelta(minutes=30)

    @pytest.mark.parametrize(("hour", "minute", "state"), [(8, 10, "waiting"), (8, 15, "offered")])
    def test_time_that_begins_too_soon_to_ask_is_not_offered(
        self, world: World, wait: Wait, hour: int, minute: int, state: str
    ) -> None:
        world.petra.practitioner.working_blocks.update(start_local="08:00")
        entry, early = wait(part_of_day="morning"), world.book(in_days(8)(hour, minute), service=world.check_up)
        world.book(in_days(8)(hour, minute) + timedelta(minutes=30), service=world.check_up)
        self.cancelled_at(world, early, self.TWO)
        assert state_of(entry) == state

    def test_explicit_force_books_all_the_same(self, world: World, wait: Wait) -> None:
        world.petra.practitioner.working_blocks.update(start_local="08:00")
        entry, early = wait(auto_accept=True), world.book(self.EIGHT, service=world.check_up)
        self.cancelled_at(world, early, self.TWO)
        assert state_of(entry) == "booked"

    @pytest.mark.parametrize("word", ["accept", "decline"])
    def test_earlier_answer_is_not_asked_for_again(
        self, world: World, taken: Appointment, wait: Wait, word: str
    ) -> None:
        entry = wait()
        self.cancelled_at(world, taken, self.TWO)
        assert answer(world, offer_to(entry), word).status_code == 200
        assert Message.objects.get(template="waitlist_offer", channel="sms").state == MessageState.CANCELLED


class TestExpiry:
    def test_the_worker_asks_the_next(
        self, world: World, entry: WaitlistEntry, wait: Wait, others: list[Patient]
    ) -> None:
        following, first = wait(others[0]), offer_to(entry)
        later = timezone.now() + timedelta(minutes=31)
        assert run_jobs(now=later)["expired offers moved on"] == 1
        assert WaitlistOffer.objects.get(pk=first.pk).state == OfferState.EXPIRED
        assert state_of(entry) == "waiting"
        assert offer_to(following).starts_at == NINE
        assert Hold.objects.count() == 1

    def test_before_its_end_nothing_happens(self, world: World, entry: WaitlistEntry) -> None:
        assert move_on_expired_offers(now=timezone.now() + timedelta(minutes=28)) == 0
        assert state_of(entry) == "offered"

    def test_a_time_that_somebody_took_meanwhile_is_offered_to_nobody(
        self, world: World, entry: WaitlistEntry, wait: Wait, others: list[Patient]
    ) -> None:
        following = wait(others[0])
        later = timezone.now() + timedelta(minutes=31)
        world.book(NINE, now=later)  # A claim removes what has expired.
        assert move_on_expired_offers(now=later) == 1
        assert [state_of(entry), state_of(following)] == ["waiting", "waiting"]

    def test_a_clinic_that_stopped_offering_asks_nobody_further(
        self, world: World, entry: WaitlistEntry, wait: Wait, others: list[Patient]
    ) -> None:
        following = wait(others[0])
        Clinic.objects.filter(pk=world.clinic.pk).update(waitlist_mode=WaitlistMode.OFF)
        move_on_expired_offers(now=timezone.now() + timedelta(minutes=31))
        assert [state_of(entry), state_of(following)] == ["waiting", "waiting"]

    def test_entry_past_its_last_day_waits_no_more(self, world: World, wait: Wait) -> None:
        entry = wait()
        assert lapse_entries(now=NINE.replace(hour=23)) == 0
        assert lapse_entries(now=NINE + timedelta(days=1)) == 1
        assert state_of(entry) == EntryState.LAPSED


def body(world: World, **more: Any) -> dict[str, Any]:
    day = NINE.date().isoformat()
    return {
        "patient": world.paula.patient.pk,
        "practitioner": world.petra.practitioner.pk,
        "first_date": day,
        "last_date": day,
        **more,
    }


class TestEntries:
    def test_the_desk_puts_somebody_on_the_list(self, world: World) -> None:
        given = body(world, service=world.check_up.pk, part_of_day="morning", priority=3)
        response = world.client(world.sam).post(WAITLIST, given)
        assert response.status_code == 201, response.json()
        shown = response.json()
        assert (shown["state"], shown["priority"], shown["part_of_day"]) == ("waiting", 3, "morning")
        assert (shown["patient_name"], shown["service_name"], shown["offer"]) == ("Paula", "Check-up", None)

    def test_a_patient_waits_for_themselves(self, world: World) -> None:
        given = body(world)
        del given["patient"]
        assert world.client(world.paula).post(WAITLIST, given).json()["patient"] == world.paula.patient.pk
        assert world.client(world.pete).post(WAITLIST, body(world)).status_code == 404

    def test_a_patient_does_not_say_who_is_asked_first(self, world: World) -> None:
        client = world.client(world.paula)
        assert refusal(client.post(WAITLIST, body(world, priority=9))) == (403, "permission_denied")
        entry = client.post(WAITLIST, body(world)).json()["id"]
        assert refusal(client.patch(f"{WAITLIST}/{entry}", {"priority": 9})) == (403, "permission_denied")

    def test_a_practitioner_keeps_their_own_list(self, world: World) -> None:
        client = world.client(world.petra)
        assert client.post(WAITLIST, body(world)).status_code == 201
        assert refusal(client.post(WAITLIST, body(world, practitioner=None))) == (400, "invalid")
        given = body(world, practitioner=world.quentin.practitioner.pk)
        assert refusal(client.post(WAITLIST, given)) == (403, "permission_denied")

    @pytest.mark.parametrize(
        ("more", "attr"),
        [
            ({"last_date": "2001-01-01"}, "last_date"),
            ({"first_date": "2001-01-02", "last_date": "2001-01-02"}, "last_date"),
            ({"last_date": "2999-01-01"}, "last_date"),
            ({"part_of_day": "night"}, "part_of_day"),
            ({"priority": 10}, "priority"),
        ],
    )
    def test_contradictory_input_is_refused(self, world: World, more: dict[str, Any], attr: str) -> None:
        response = world.client(world.sam).post(WAITLIST, body(world, **more))
        assert (response.status_code, attr_of(response)) == (400, attr)

    def test_ten_are_enough_for_anybody(self, world: World) -> None:
        client = world.client(world.paula)
        assert [client.post(WAITLIST, body(world)).status_code for _ in range(10)] == [201] * 10
        assert refusal(client.post(WAITLIST, body(world))) == (409, "too_many_entries")

    def test_the_list_is_in_the_order_in_which_they_are_asked(
        self, world: World, wait: Wait, others: list[Patient]
    ) -> None:
        last, first, second = wait(), wait(others[0], priority=2), wait(others[1], priority=2)
        shown = world.client(world.sam).get(WAITLIST).json()["results"]
        assert [one["id"] for one in shown] == [first.pk, second.pk, last.pk]

    def test_the_list_shows_the_open_offer_to_the_desk_and_the_patient(
        self, world: World, entry: WaitlistEntry
    ) -> None:
        for user in (world.sam, world.pete, world.petra):
            [shown] = world.client(user).get(WAITLIST).json()["results"]
            assert shown["offer"]["token"] == offer_to(entry).token
            assert shown["offer"]["time"] == "09:00"
        assert world.client(world.paula).get(WAITLIST).json()["count"] == 0

    def test_ended_entries_are_shown_on_demand(self, world: World, entry: WaitlistEntry) -> None:
        answer(world, offer_to(entry), "accept")
        client = world.client(world.sam)
        assert client.get(WAITLIST).json()["count"] == 0
        assert client.get(f"{WAITLIST}?state=booked").json()["count"] == 1
        assert client.get(f"{WAITLIST}?state=all").json()["count"] == 1

    def test_wishes_change(self, world: World, wait: Wait) -> None:
        entry, client = wait(), world.client(world.pete)
        response = client.patch(f"{WAITLIST}/{entry.pk}", {"part_of_day": "evening", "practitioner": None})
        assert response.status_code == 200, response.json()
        assert (response.json()["part_of_day"], response.json()["practitioner"]) == ("evening", None)
        assert response.headers["ETag"] == '"2"'

    def test_late_click_sees_the_current_state(self, world: World, wait: Wait) -> None:
        entry, client = wait(), world.client(world.sam)
        client.patch(f"{WAITLIST}/{entry.pk}", {"priority": 1})
        response = client.patch(f"{WAITLIST}/{entry.pk}", {"priority": 2, "version": 1})
        assert refusal(response) == (409, "stale_version")
        assert response.json()["current"]["priority"] == 1

    def test_leaving_practitioners_entries_wait_no_more(self, world: World, taken: Appointment, wait: Wait) -> None:
        entry, client = wait(), world.client(world.pete)
        assert client.delete(f"{WAITLIST}/{entry.pk}").status_code == 204
        cancel(world, taken)
        assert state_of(entry) == "withdrawn"
        assert refusal(client.delete(f"{WAITLIST}/{entry.pk}")) == (409, "transition_not_allowed")

    def test_leaving_with_an_offer_passes_it_to_the_next(
        self, world: World, entry: WaitlistEntry, wait: Wait, others: list[Patient]
    ) -> None:
        following, offer = wait(others[0]), offer_to(entry)
        assert world.client(world.pete).delete(f"{WAITLIST}/{entry.pk}").status_code == 204
        assert WaitlistOffer.objects.get(pk=offer.pk).state == OfferState.WITHDRAWN
        assert offer_to(following).starts_at == NINE
        assert refusal(answer(world, offer, "accept")) == (409, "offer_over")

    def test_an_appointment_from_the_list_may_be_deleted(self, world: World, entry: WaitlistEntry) -> None:
        booked = answer(world, offer_to(entry), "accept").json()["appointment"]
        assert world.client(world.sam).delete(f"/api/v1/appointments/{booked}").status_code == 204
        assert world.client(world.sam).get(f"{WAITLIST}/{entry.pk}").status_code == 200

    def test_the_number_of_queries_of_a_list_does_not_grow(
        self, world: World, wait: Wait, others: list[Patient], django_assert_max_num_queries: Any
    ) -> None:
        for patient in others * 4:
            wait(patient)
        client = world.client(world.sam)
        with django_assert_max_num_queries(4):
            assert client.get(WAITLIST).json()["count"] == 8


def test_freed_time_costs_nothing_where_nobody_waits(world: World, taken: Appointment) -> None:
    cancel(world, taken)
    assert WaitlistOffer.objects.count() == Hold.objects.count() == 0
