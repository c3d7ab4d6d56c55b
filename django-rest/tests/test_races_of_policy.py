"""The clinic changes its zone, its policy or its days while somebody books.

A claim reads the clinic anew when it has its practitioners, and shares its row with other claims. A change for the
whole clinic has that row alone. So a claim goes by what holds when it is written, and the change sees every claim
before it.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from clinic.appointments.actor import UserActor
from clinic.appointments.models import Appointment, Series
from clinic.appointments.queries import upcoming_appointments
from clinic.appointments.services import booking as booking_module
from clinic.appointments.services import series as series_module
from clinic.appointments.services.booking import Booking, book_appointment
from clinic.appointments.services.claiming import write_claim
from clinic.clinic_setup.services import clinics as clinics_module
from clinic.clinic_setup.services import schedules as schedules_module
from clinic.clinic_setup.services.clinics import edit_clinic
from clinic.clinic_setup.services.practitioners import create_practitioner
from clinic.clinic_setup.services.schedules import create_exception
from clinic.common.errors import OutsideWorkingHours, TooSoon, WouldStrand, ZoneHasAppointments
from clinic.common.instants import local_date_of, zone_of
from clinic.scheduling.models import Clinic, Practitioner, Service, WorkingBlock
from clinic.scheduling.services import ClaimLock
from django.db import transaction
from django.utils import timezone

from testkit.clinic.concurrency import Meanwhile
from testkit.clinic.times import in_days
from testkit.clinic.world import World, fresh, row_of

pytestmark = pytest.mark.race

HONOLULU = "Pacific/Honolulu"
START = in_days(7)(8)


def lock_practitioner_alone(clinic: Clinic, *, practitioner_id: int, service_id: int | None) -> ClaimLock:
    """The clinic stays as it was read when the request began."""
    practitioner = Practitioner.objects.select_for_update().get(clinic=clinic, pk=practitioner_id)
    return ClaimLock(
        {practitioner.pk: practitioner}, None if service_id is None else Service.objects.get(pk=service_id)
    )


@pytest.fixture
def without_the_clinics_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (booking_module, series_module):
        monkeypatch.setattr(module, "lock_for_claim", lock_practitioner_alone)


def move_to_honolulu(world: World, *, force: bool = True) -> Clinic:
    return edit_clinic(owner=fresh(world.olga), changes={"timezone": HONOLULU}, now=timezone.now(), force=force)


def dates_are_right(world: World) -> bool:
    zone = zone_of(Clinic.objects.get(pk=world.clinic.pk).timezone)
    rows = list(Appointment.objects.all())
    assert rows
    return all(row.local_date == local_date_of(row.starts_at, zone) for row in rows)


class TestABookingWhileTheZoneChanges:
    """Between the booking's check and its writing the clinic moves to Honolulu, where it is still the day before."""

    @pytest.fixture
    def meanwhile(self, committed_world: World, monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
        mover = Meanwhile(lambda: move_to_honolulu(committed_world))

        def dawdle_and_claim(write: Callable[[], None], **more: Any) -> None:
            mover.begin()
            write_claim(write, **more)

        monkeypatch.setattr(booking_module, "write_claim", dawdle_and_claim)
        return mover

    @pytest.mark.usefixtures("without_the_clinics_lock")
    def test_without_the_lock_it_keeps_the_date_of_the_old_zone(
        self, committed_world: World, meanwhile: Meanwhile
    ) -> None:
        meanwhile.waits_for_nobody()
        booked = committed_world.book(START)
        assert isinstance(meanwhile.end(), Clinic)
        assert row_of(booked).local_date == START.date()
        assert not dates_are_right(committed_world)

    def test_with_the_lock_the_zone_waits_and_tells_its_date_anew(
        self, committed_world: World, meanwhile: Meanwhile
    ) -> None:
        booked = committed_world.book(START)
        assert isinstance(meanwhile.end(), Clinic)
        assert row_of(booked).local_date == START.date() - timedelta(days=1)
        assert dates_are_right(committed_world)


class TestAZoneThatChangesWhileSomebodyBooks:
    """Between the look at all appointments and the end of the change, one more is booked."""

    @staticmethod
    def book(world: World) -> Appointment:
        return world.book(START, outside_hours=True)  # Eight in the morning is no time to work in Honolulu.

    @staticmethod
    def book_series(world: World) -> Series:
        WorkingBlock.objects.update(start_local="00:00", end_local="00:00")
        return world.book_series(START)

    @pytest.fixture(params=["book", "book_series"])
    def meanwhile(
        self, committed_world: World, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
    ) -> Meanwhile:
        booker = Meanwhile(lambda: getattr(self, request.param)(committed_world))
        tell = clinics_module._tell_dates_anew

        def tell_and_dawdle(*args: Any, **more: Any) -> None:
            tell(*args, **more)
            booker.begin()

        monkeypatch.setattr(clinics_module, "_tell_dates_anew", tell_and_dawdle)
        return booker

    @pytest.mark.usefixtures("without_the_clinics_lock")
    def test_without_the_lock_it_is_missed(
        self, committed_world: World, meanwhile: Meanwhile, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(clinics_module, "lock_clinic", lambda *_, **__: [])
        meanwhile.waits_for_nobody()
        move_to_honolulu(committed_world)
        assert isinstance(meanwhile.end(), (Appointment, Series))
        assert not dates_are_right(committed_world)

    def test_with_the_lock_the_booking_waits_for_the_new_zone(
        self, committed_world: World, meanwhile: Meanwhile
    ) -> None:
        move_to_honolulu(committed_world)
        assert isinstance(meanwhile.end(), (Appointment, Series))
        assert dates_are_right(committed_world)


def test_a_zone_that_is_not_forced_sees_the_booking_under_way(
    committed_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    mover = Meanwhile(lambda: move_to_honolulu(committed_world, force=False))

    def dawdle_and_claim(write: Callable[[], None], **more: Any) -> None:
        mover.begin()
        write_claim(write, **more)

    monkeypatch.setattr(booking_module, "write_claim", dawdle_and_claim)
    booked = committed_world.book(START)
    refused = mover.end()
    assert isinstance(refused, ZoneHasAppointments)
    assert [row["id"] for row in refused.extra["appointments"]] == [booked.pk]  # type: ignore[attr-defined]


class TestAPolicyThatChangesWhileSomebodyWaits:
    """Paula's request waits for Petra's calendar. Meanwhile the owner asks for a week's notice, and longer slots."""

    @pytest.fixture
    def outcome(self, committed_world: World) -> Callable[[timedelta], Any]:
        def book(start_in: timedelta) -> Any:
            start = in_days(1)(9) + start_in
            paula = UserActor(fresh(committed_world.paula))
            clinic = Clinic.objects.get(pk=committed_world.clinic.pk)
            wanted = Booking(patient_id=None, practitioner_id=committed_world.petra.practitioner.pk, start=start)
            waiting = Meanwhile(
                lambda: book_appointment(actor=paula, clinic=clinic, booking=wanted, now=timezone.now())
            )
            with transaction.atomic():
                Practitioner.objects.select_for_update().get(pk=committed_world.petra.practitioner.pk)
                waiting.begin()
                new_policy = Meanwhile(lambda: self.change(committed_world))
                new_policy.begin()
                assert isinstance(new_policy.end(), Clinic)
            return waiting.end()

        return book

    @staticmethod
    def change(world: World) -> Clinic:
        changes = {"notice_minutes": 7 * 24 * 60, "slot_minutes": 60, "auto_confirm": True}
        return edit_clinic(owner=fresh(world.olga), changes=changes, now=timezone.now())

    @pytest.mark.usefixtures("without_the_clinics_lock")
    def test_without_reading_it_anew_the_old_one_decides(self, outcome: Callable[[timedelta], Any]) -> None:
        booked = outcome(timedelta(0))
        assert isinstance(booked, Appointment)
        assert booked.status == "pending"
        assert booked.ends_at - booked.starts_at == timedelta(minutes=30)

    def test_the_new_notice_holds(self, outcome: Callable[[timedelta], Any]) -> None:
        assert isinstance(outcome(timedelta(0)), TooSoon)

    def test_the_new_length_and_approval_hold(self, outcome: Callable[[timedelta], Any]) -> None:
        booked = outcome(timedelta(days=10))
        assert isinstance(booked, Appointment)
        assert booked.status == "confirmed"
        assert booked.ends_at - booked.starts_at == timedelta(minutes=60)


class TestADayOffForAllWhileSomebodyBegins:
    """While the clinic closes for a day, Dr Rosa begins there and is booked for it at once: a change for the whole
    clinic that locked only those who were there would not see her."""

    @pytest.fixture
    def meanwhile(self, committed_world: World, monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
        booker = Meanwhile(lambda: self.begin_and_be_booked(committed_world))

        def look_and_dawdle(*args: Any, **more: Any) -> Any:
            found = list(upcoming_appointments(*args, **more))
            booker.begin()
            return found

        monkeypatch.setattr(schedules_module, "upcoming_appointments", look_and_dawdle)
        return booker

    @staticmethod
    def begin_and_be_booked(world: World) -> Appointment:
        rosa = create_practitioner(owner=fresh(world.olga), fields={"name": "Dr Rosa"})
        hours = {"weekday": START.weekday(), "start_local": "08:00", "end_local": "18:00"}
        WorkingBlock.objects.create(practitioner=rosa, **hours)
        wanted = Booking(patient_id=world.paula.patient.pk, practitioner_id=rosa.pk, start=START)
        clinic = Clinic.objects.get(pk=world.clinic.pk)
        return book_appointment(actor=UserActor(fresh(world.sam)), clinic=clinic, booking=wanted, now=timezone.now())

    @staticmethod
    def close(world: World) -> list[Appointment]:
        fields = {"start_date": START.date(), "end_date": START.date(), "closed": True}
        _, stranded = create_exception(user=fresh(world.sam), practitioner_id=None, fields=fields, now=timezone.now())
        return stranded

    @pytest.mark.usefixtures("without_the_clinics_lock")
    def test_without_the_lock_she_is_booked_for_a_day_that_closes(
        self, committed_world: World, meanwhile: Meanwhile, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(schedules_module, "lock_clinic", lock_who_is_there)
        meanwhile.waits_for_nobody()
        assert self.close(committed_world) == []
        assert isinstance(meanwhile.end(), Appointment)

    def test_with_the_lock_it_is_closed_for_her_too(self, committed_world: World, meanwhile: Meanwhile) -> None:
        assert self.close(committed_world) == []
        assert isinstance(meanwhile.end(), OutsideWorkingHours)

    def test_booked_a_moment_earlier_she_is_seen(self, committed_world: World) -> None:
        self.begin_and_be_booked(committed_world)
        with pytest.raises(WouldStrand):
            self.close(committed_world)


def lock_who_is_there(clinic: Clinic, **_: Any) -> list[int]:
    active = Practitioner.objects.select_for_update().filter(clinic=clinic, active=True).order_by("pk")
    return [practitioner.pk for practitioner in active]
