"""Changes by time alone: requests that were not decided, patients who did not come."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest
from clinic.appointments.models import Appointment, AppointmentEvent
from clinic.appointments.services.clock import expire_requests, mark_missed
from clinic.worker.jobs import run_jobs

from testkit.clinic.concurrency import at_once
from testkit.clinic.times import in_days
from testkit.clinic.world import World, row_of

NINE = in_days(1)(9)
QUARTER = timedelta(minutes=15)
SECOND = timedelta(seconds=1)
Job = Callable[..., int]


@pytest.fixture
def agreed(world: World) -> Appointment:
    return world.book(NINE)


@pytest.fixture
def asked(world: World) -> Appointment:
    return world.book(in_days(1)(10), by=world.paula)


def last_line(appointment: Appointment) -> AppointmentEvent:
    return AppointmentEvent.objects.filter(appointment_id=appointment.pk).latest("id")


def test_patient_who_is_not_there_after_a_quarter_of_an_hour_has_missed_it(agreed: Appointment) -> None:
    assert mark_missed(now=NINE + QUARTER - SECOND) == 0
    assert mark_missed(now=NINE + QUARTER) == 1
    assert row_of(agreed).status == "no_show"
    line = last_line(agreed)
    assert (line.action, line.actor_kind, line.channel, line.to_status) == ("no-show", "system", "worker", "no_show")


def test_the_clinic_says_how_long_it_waits(world: World, agreed: Appointment) -> None:
    type(world.clinic).objects.filter(pk=world.clinic.pk).update(no_show_after_minutes=45)
    assert mark_missed(now=NINE + 2 * QUARTER) == 0
    assert mark_missed(now=NINE + 3 * QUARTER) == 1


def test_checked_in_patient_has_come(agreed: Appointment) -> None:
    Appointment.objects.filter(pk=agreed.pk).update(status="checked_in", checked_in_at=NINE)
    assert mark_missed(now=NINE + QUARTER) == 0


def test_after_more_than_a_day_nobody_knows_any_more_who_came(agreed: Appointment) -> None:
    assert mark_missed(now=NINE + timedelta(days=1, seconds=1)) == 0
    assert row_of(agreed).status == "confirmed"
    assert mark_missed(now=NINE + timedelta(days=1)) == 1


def test_a_request_that_nobody_decided_expires_at_its_start(asked: Appointment) -> None:
    assert expire_requests(now=asked.starts_at - SECOND) == 0
    assert expire_requests(now=asked.starts_at) == 1
    row = row_of(asked)
    assert (row.status, row.cancel_reason) == ("cancelled", "The start passed before the request was decided.")
    assert (last_line(asked).action, last_line(asked).actor_kind) == ("expire", "system")


def test_requests_expire_however_long_no_worker_ran(asked: Appointment) -> None:
    assert expire_requests(now=asked.starts_at + timedelta(days=30)) == 1


@pytest.mark.parametrize("job", [mark_missed, expire_requests])
def test_finished_step_is_not_repeated(agreed: Appointment, asked: Appointment, job: Job) -> None:
    late = asked.starts_at + QUARTER
    assert job(now=late) == 1
    assert job(now=late + timedelta(minutes=1)) == 0


@pytest.mark.race
@pytest.mark.parametrize("job", [mark_missed, expire_requests])
def test_two_workers_do_it_once(committed_world: World, job: Job) -> None:
    world = committed_world
    appointments = [world.book(NINE + n * timedelta(minutes=30)) for n in range(4)]
    appointments += [world.book(NINE + n * timedelta(minutes=30), by=world.paula) for n in range(4, 8)]
    late = NINE + timedelta(hours=5)
    done = at_once([lambda: job(now=late)] * 4)
    assert sum(done) == 4
    lines = AppointmentEvent.objects.filter(actor_kind="system")
    assert sorted(lines.values_list("appointment_id", flat=True)) == sorted({line.appointment_id for line in lines})


@pytest.mark.race
def test_the_clock_and_the_desk_at_once_have_one_effect(committed_world: World) -> None:
    world = committed_world
    for number in range(6):
        start = NINE + number * timedelta(minutes=30)
        asked = world.book(start, by=world.paula)

        def confirm(asked: Appointment = asked) -> int:
            answer = world.client(world.sam).post(f"/api/v1/appointments/{asked.pk}/confirm")
            return int(answer.status_code)

        expired, answered = at_once([partial(expire_requests, now=start), confirm])
        assert (expired, answered, row_of(asked).status) in [(1, 409, "cancelled"), (0, 200, "confirmed")]
        assert AppointmentEvent.objects.filter(appointment_id=asked.pk).count() == 2


def test_the_worker_does_it_every_minute(agreed: Appointment, asked: Appointment) -> None:
    now: datetime = asked.starts_at + QUARTER
    done = run_jobs(now=now)
    assert (done["missed appointments marked"], done["undecided requests expired"]) == (1, 1)
