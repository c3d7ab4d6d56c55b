"""Statements of a round of the worker depend on what is due, not on the number of clinics."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from clinic.appointments.models import Appointment
from clinic.messaging.services import reminders
from clinic.messaging.services.reminders import queue_due_reminders
from clinic.outbox.models import Message, MessageState
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic, Practitioner
from clinic.waitlist.models import WaitlistEntry
from clinic.worker.jobs import run_jobs
from django.db import connection
from django.test.utils import CaptureQueriesContext

from testkit.clinic.times import in_days
from testkit.clinic.world import World

NINE = in_days(5)(9)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def add_clinics(count: int, *, starts_at: datetime, **patient: Any) -> None:
    """Each with a confirmed visit, a person who waits, and a time zone and leads like the others."""
    first = Clinic.objects.count()
    for number in range(first, first + count):
        clinic = Clinic.objects.create(name=f"Clinic {number}", slug=f"clinic-{number}", timezone="Europe/Berlin")
        someone = Patient.objects.create(clinic=clinic, name=f"Patient {number}", **patient)
        practitioner = Practitioner.objects.create(clinic=clinic, name=f"Dr {number}")
        times = {"starts_at": starts_at, "ends_at": starts_at + HOUR}
        written = {"created_at": starts_at - 9 * DAY, "updated_at": starts_at - 9 * DAY}
        Appointment.objects.create(
            clinic=clinic,
            patient=someone,
            practitioner=practitioner,
            local_date=starts_at.date(),
            status="confirmed",
            source="desk",
            blocked_from=starts_at,
            blocked_until=starts_at + HOUR,
            **times,
            **written,
        )
        today = starts_at.date()
        WaitlistEntry.objects.create(clinic=clinic, patient=someone, first_date=today, last_date=today, **written)


def statements_of_a_round(now: datetime) -> int:
    with CaptureQueriesContext(connection) as captured:
        done = run_jobs(now=now)
    assert not any(done.values()), done
    return len(captured)


@pytest.mark.parametrize(
    ("when", "patient"),
    [
        (NINE - 3 * DAY, {"email": "pat@example.org"}),
        (NINE - DAY, {}),  # Nobody can be reached: due in each round, and never queued.
        (NINE - DAY + HOUR, {"email": "pat@example.org"}),  # Reminded in an earlier round.
        (NINE, {"email": "pat@example.org"}),  # Has begun, and may still come.
    ],
    ids=["days ahead", "out of reach", "reminded", "begun"],
)
def test_round_with_nothing_due_asks_the_same_of_few_clinics_and_of_many(
    world: World, when: datetime, patient: dict[str, Any]
) -> None:
    add_clinics(2, starts_at=NINE, **patient)
    run_jobs(now=when)
    few = statements_of_a_round(when)
    add_clinics(12, starts_at=NINE, **patient)
    run_jobs(now=when)
    assert statements_of_a_round(when) == few


def test_visits_of_many_clinics_are_looked_up_together(world: World) -> None:
    add_clinics(3, starts_at=NINE, email="pat@example.org")
    for_three = statements_of_reminders(expected=3)
    add_clinics(6, starts_at=NINE, email="pat@example.org")
    # Each clinic has a transaction of its own: begin, lock, write, commit; the savepoints are the test's.
    per_clinic = 4
    assert statements_of_reminders(expected=6) == for_three + 3 * per_clinic


def statements_of_reminders(*, expected: int) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert queue_due_reminders(now=NINE - DAY) == expected
    return len(captured)


def test_visit_that_changes_while_reminders_are_made_is_left_for_the_next_round(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_clinics(2, starts_at=NINE, email="pat@example.org")
    first = Appointment.objects.earliest("pk")
    write = reminders._write

    def change_and_write(*args: Any) -> int:
        Appointment.objects.filter(pk=first.pk, version=1).update(version=2, starts_at=NINE + HOUR / 2)
        return write(*args)

    monkeypatch.setattr(reminders, "_write", change_and_write)
    assert queue_due_reminders(now=NINE - DAY) == 1
    monkeypatch.undo()
    assert queue_due_reminders(now=NINE - DAY + HOUR) == 1
    assert Message.objects.get(appointment=first).appointment_version == 2


def test_clinic_in_its_quiet_hours_holds_up_no_other(world: World) -> None:
    add_clinics(2, starts_at=NINE, email="pat@example.org")
    asleep, awake = Clinic.objects.filter(name__startswith="Clinic").order_by("pk")
    Clinic.objects.filter(pk=asleep.pk).update(quiet_from="08:00", quiet_until="11:00")
    assert queue_due_reminders(now=NINE - DAY) == 1
    assert Message.objects.get(state=MessageState.QUEUED).clinic == awake


def test_leads_of_each_clinic_are_their_own(world: World) -> None:
    add_clinics(3, starts_at=NINE, email="pat@example.org")
    early, usual, never = Clinic.objects.filter(name__startswith="Clinic").order_by("pk")
    Clinic.objects.filter(pk=early.pk).update(reminder_minutes="2880")
    Clinic.objects.filter(pk=never.pk).update(reminder_minutes="")
    assert queue_due_reminders(now=NINE - 2 * DAY) == 1
    assert Message.objects.get(template="reminder").clinic == early
    assert queue_due_reminders(now=NINE - DAY) == 1
    assert set(Message.objects.filter(template="reminder").values_list("clinic", flat=True)) == {early.pk, usual.pk}
