"""Claims hold their time, whoever writes: the cells follow the rows, and the database refuses an overlap."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from clinic.appointments.lifecycle import ACTIVE_STATUSES, Status
from clinic.appointments.models import Appointment
from clinic.common.mysql.conditions import DUPLICATE_KEY
from clinic.scheduling import services
from clinic.scheduling.models import ClaimedCell, Hold, Service
from clinic.scheduling.services import prune_cells
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from testkit.clinic.feed_rows import (
    CHECK_FAILED,
    Feed,
    cells_of,
    every_five_minutes,
    insert_copy,
    make_hold,
    select,
    sql,
)
from testkit.clinic.times import At
from testkit.clinic.world import World

HALF_HOUR = timedelta(minutes=30)
IDLE = sorted(set(Status) - ACTIVE_STATUSES)


@pytest.fixture
def appointment(world: World, tomorrow_at: At) -> Appointment:
    """Paula's with Petra, nine to half past, confirmed."""
    return world.book(tomorrow_at(9), service=world.check_up)


@pytest.fixture
def refused(world: World) -> Callable[[Callable[[], object]], int]:
    """The server's number for why it would not; nothing may be half-written."""

    def state() -> tuple[object, ...]:
        appointments = list(Appointment.objects.order_by("pk").values())
        return appointments, list(Hold.objects.order_by("pk").values()), list(ClaimedCell.objects.values_list())

    def refuse(write: Callable[[], object]) -> int:
        before, feed = state(), Feed(world.clinic.pk)
        with pytest.raises(DatabaseError) as refusal, transaction.atomic():
            write()
        assert state() == before
        assert feed.events == []
        return int(refusal.value.args[0])

    return refuse


def times(world: World) -> list[datetime]:
    """When Petra is taken."""
    return sorted(cells_of(world.petra))


# The cells follow


def test_a_booking_claims_every_five_minutes_of_it(world: World, appointment: Appointment, tomorrow_at: At) -> None:
    nine_to_half_past = every_five_minutes(tomorrow_at(9), tomorrow_at(9, 30))
    assert len(nine_to_half_past) == 6
    assert cells_of(world.petra) == dict.fromkeys(nine_to_half_past, (appointment.pk, None))
    assert cells_of(world.quentin) == {}


def test_buffers_are_claimed_too(world: World, tomorrow_at: At) -> None:
    surgery = Service.objects.create(
        clinic=world.clinic, name="Surgery", duration_minutes=60, buffer_before_minutes=10, buffer_after_minutes=15
    )
    surgery.practitioners.add(world.petra.practitioner)
    world.book(tomorrow_at(9), service=surgery)
    assert times(world) == every_five_minutes(tomorrow_at(8, 50), tomorrow_at(10, 15))


def test_a_raw_insert_claims(world: World, appointment: Appointment, tomorrow_at: At) -> None:
    inserted = insert_copy(appointment, later=HALF_HOUR)
    assert times(world) == every_five_minutes(tomorrow_at(9), tomorrow_at(10))
    assert cells_of(world.petra)[tomorrow_at(9, 30)] == (inserted, None)


@pytest.mark.parametrize("status", IDLE)
def test_inactive_visit_claims_nothing(world: World, appointment: Appointment, status: Status) -> None:
    insert_copy(appointment, later=HALF_HOUR, status=status)
    assert len(times(world)) == 6
    insert_copy(appointment, later=timedelta(0), status=status)
    assert set(cells_of(world.petra).values()) == {(appointment.pk, None)}


@pytest.mark.parametrize("status", IDLE)
def test_the_cells_go_and_come_with_the_status(world: World, appointment: Appointment, status: Status) -> None:
    claimed = cells_of(world.petra)
    for active in sorted(ACTIVE_STATUSES):
        sql("UPDATE appointment SET status = %s WHERE id = %s", status, appointment.pk)
        assert times(world) == []
        sql("UPDATE appointment SET status = %s WHERE id = %s", active, appointment.pk)
        assert cells_of(world.petra) == claimed


def test_one_active_status_after_another_keeps_the_cells(world: World, appointment: Appointment) -> None:
    claimed = cells_of(world.petra)
    for active in [*sorted(ACTIVE_STATUSES), *sorted(ACTIVE_STATUSES, reverse=True)]:
        sql("UPDATE appointment SET status = %s WHERE id = %s", active, appointment.pk)
        assert cells_of(world.petra) == claimed


MOVE = (
    "UPDATE appointment SET starts_at = starts_at + INTERVAL %s MINUTE, ends_at = ends_at + INTERVAL %s MINUTE,"
    " blocked_from = blocked_from + INTERVAL %s MINUTE, blocked_until = blocked_until + INTERVAL %s MINUTE"
    " WHERE id = %s"
)


@pytest.mark.parametrize("minutes", [5, 30, -15, 24 * 60])
def test_the_cells_follow_a_move(world: World, appointment: Appointment, tomorrow_at: At, minutes: int) -> None:
    sql(MOVE, *[minutes] * 4, appointment.pk)
    start = tomorrow_at(9) + timedelta(minutes=minutes)
    assert times(world) == every_five_minutes(start, start + HALF_HOUR)


@pytest.mark.parametrize(("minutes", "cells"), [(45, 9), (15, 3)])
def test_the_cells_follow_the_length(world: World, appointment: Appointment, minutes: int, cells: int) -> None:
    end = f"starts_at + INTERVAL {minutes} MINUTE"
    sql(f"UPDATE appointment SET ends_at = {end}, blocked_until = {end}")  # noqa: S608
    assert len(times(world)) == cells


def test_the_cells_follow_to_another_practitioner(world: World, appointment: Appointment) -> None:
    claimed = cells_of(world.petra)
    sql("UPDATE appointment SET practitioner_id = %s", world.quentin.practitioner.pk)
    assert cells_of(world.petra) == {}
    assert cells_of(world.quentin) == claimed


def test_a_move_and_a_new_status_in_one_statement(world: World, appointment: Appointment, tomorrow_at: At) -> None:
    sql("UPDATE appointment SET status = 'cancelled' WHERE id = %s", appointment.pk)
    sql(MOVE.replace("SET", "SET status = 'confirmed',"), *[60] * 4, appointment.pk)
    assert times(world) == every_five_minutes(tomorrow_at(10), tomorrow_at(10, 30))
    sql(MOVE.replace("SET", "SET status = 'rejected',"), *[60] * 4, appointment.pk)
    assert times(world) == []


def test_a_delete_frees_the_time(world: World, appointment: Appointment) -> None:
    kept = insert_copy(appointment, later=HALF_HOUR)
    sql("DELETE FROM appointment WHERE id = %s", appointment.pk)
    assert set(cells_of(world.petra).values()) == {(kept, None)}


def test_a_delete_of_what_claims_nothing_frees_nothing(world: World, appointment: Appointment) -> None:
    cancelled = insert_copy(appointment, later=timedelta(0), status="cancelled")
    sql("DELETE FROM appointment WHERE id = %s", cancelled)
    assert len(times(world)) == 6


def test_a_hold_claims_until_it_goes(world: World, tomorrow_at: At) -> None:
    hold = make_hold(world.clinic, world.petra, tomorrow_at(14))
    assert cells_of(world.petra) == dict.fromkeys(
        every_five_minutes(tomorrow_at(14), tomorrow_at(14, 30)), (None, hold.pk)
    )
    later = "starts_at = %s, ends_at = %s, blocked_from = %s, blocked_until = %s"
    sql(f"UPDATE hold SET {later}", *[tomorrow_at(14, 15), tomorrow_at(15)] * 2)  # noqa: S608
    assert times(world) == every_five_minutes(tomorrow_at(14, 15), tomorrow_at(15))
    sql("DELETE FROM hold")
    assert times(world) == []


def test_cells_of_the_past_are_pruned(world: World, appointment: Appointment, tomorrow_at: At) -> None:
    assert prune_cells(older_than=tomorrow_at(9, 10)) == 2 * 2
    assert times(world) == every_five_minutes(tomorrow_at(9, 10), tomorrow_at(9, 30))
    # Cells left over go with their appointment all the same.
    sql("DELETE FROM appointment")
    assert times(world) == []


def test_old_cells_are_pruned_in_steps_and_no_step_begins_after_its_time(
    world: World, appointment: Appointment, tomorrow_at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "STEP_CELLS", 5)
    assert prune_cells(older_than=tomorrow_at(9, 30), seconds=0) == 5
    with CaptureQueriesContext(connection) as captured:
        assert prune_cells(older_than=tomorrow_at(9, 30), seconds=60) == 2 * 6 - 5
    deletes = [query["sql"] for query in captured if query["sql"].startswith("DELETE")]
    assert len(deletes) == 2
    assert all("LIMIT 5" in statement for statement in deletes)
    assert times(world) == []


# An overlap is refused


@pytest.mark.parametrize("minutes", [0, 5, 25, -5, -25])
def test_a_raw_insert_that_overlaps_is_refused(
    appointment: Appointment, refused: Callable[..., int], minutes: int
) -> None:
    assert refused(lambda: insert_copy(appointment, later=timedelta(minutes=minutes))) == DUPLICATE_KEY


@pytest.mark.parametrize("minutes", [30, -30])
def test_one_after_the_other_is_no_overlap(world: World, appointment: Appointment, minutes: int) -> None:
    insert_copy(appointment, later=timedelta(minutes=minutes))
    assert len(times(world)) == 12


def test_a_longer_one_over_a_shorter_is_refused(appointment: Appointment, refused: Callable[..., int]) -> None:
    earlier = insert_copy(appointment, later=-2 * HALF_HOUR)
    end = "starts_at + INTERVAL 90 MINUTE"
    stretch = f"UPDATE appointment SET ends_at = {end}, blocked_until = {end} WHERE id = %s"  # noqa: S608
    assert refused(lambda: sql(stretch, earlier)) == DUPLICATE_KEY


def test_buffers_do_not_overlap_either(appointment: Appointment, refused: Callable[..., int]) -> None:
    insert_copy(appointment, later=HALF_HOUR)
    wider = "UPDATE appointment SET blocked_until = blocked_until + INTERVAL 5 MINUTE WHERE id = %s"
    assert refused(lambda: sql(wider, appointment.pk)) == DUPLICATE_KEY


def test_a_bulk_update_into_one_time_is_refused_as_a_whole(
    appointment: Appointment, refused: Callable[..., int]
) -> None:
    for hours in (1, 2):
        insert_copy(appointment, later=timedelta(hours=hours))
    evening = {"starts_at": appointment.starts_at + timedelta(hours=6), "ends_at": appointment.ends_at}
    evening["ends_at"] += timedelta(hours=6)
    evening |= {"blocked_from": evening["starts_at"], "blocked_until": evening["ends_at"]}
    assert refused(lambda: Appointment.objects.update(**evening)) == DUPLICATE_KEY


def test_a_bulk_create_of_an_overlap_is_refused_as_a_whole(
    appointment: Appointment, refused: Callable[..., int]
) -> None:
    fields: dict[str, Any] = {**Appointment.objects.values().get(), "id": None}
    del fields["calendar_uid"], fields["reference"]
    day = timedelta(days=1)
    free = {
        **fields,
        **{name: fields[name] + day for name in ("starts_at", "ends_at", "blocked_from", "blocked_until")},
    }
    pair = [Appointment(**free), Appointment(**fields)]
    assert refused(lambda: Appointment.objects.bulk_create(pair)) == DUPLICATE_KEY


@pytest.mark.parametrize("active", sorted(ACTIVE_STATUSES))
def test_a_raw_reopening_of_what_is_taken_is_refused(
    appointment: Appointment, refused: Callable[..., int], active: Status
) -> None:
    missed = insert_copy(appointment, later=timedelta(0), status="no_show")
    reopen = "UPDATE appointment SET status = %s WHERE id = %s"
    assert refused(lambda: sql(reopen, active, missed)) == DUPLICATE_KEY


def test_a_hold_and_an_appointment_do_not_overlap(
    world: World, appointment: Appointment, refused: Callable[..., int], tomorrow_at: At
) -> None:
    assert refused(lambda: make_hold(world.clinic, world.petra, tomorrow_at(9, 15))) == DUPLICATE_KEY
    make_hold(world.clinic, world.petra, tomorrow_at(9, 30))
    assert refused(lambda: insert_copy(appointment, later=HALF_HOUR)) == DUPLICATE_KEY
    assert refused(lambda: make_hold(world.clinic, world.petra, tomorrow_at(9, 45))) == DUPLICATE_KEY


def test_another_practitioners_time_is_free(world: World, appointment: Appointment, tomorrow_at: At) -> None:
    make_hold(world.clinic, world.quentin, tomorrow_at(9))
    assert times(world) == sorted(cells_of(world.quentin))


@pytest.mark.parametrize("seconds", [60, 1, 299])
def test_time_off_the_five_minutes_is_refused(
    appointment: Appointment, refused: Callable[..., int], seconds: int
) -> None:
    """Two claims meet in a cell only on one grid."""
    later = timedelta(hours=3, seconds=seconds)
    assert refused(lambda: insert_copy(appointment, later=later)) in CHECK_FAILED


# Active appointments


@pytest.mark.django_db
def test_the_triggers_and_the_lifecycle_agree_on_what_is_active() -> None:
    bodies = dict(
        select(
            "SELECT trigger_name, action_statement FROM information_schema.triggers"
            " WHERE trigger_schema = DATABASE() AND trigger_name LIKE 'appointment\\_claims\\_%%'"
        )
    )
    lists = {name: re.findall(r"status (?:NOT )?IN \(([^)]*)\)", body) for name, body in bodies.items()}
    assert {name: len(found) for name, found in lists.items()} == {
        "appointment_claims_practitioner_on_insert": 1,
        "appointment_claims_practitioner_on_update": 4,
        "appointment_claims_practitioner_on_delete": 0,
        "appointment_claims_patient_on_insert": 1,
        "appointment_claims_patient_on_update": 2,
        "appointment_claims_patient_on_delete": 0,
    }
    for listed in (statuses for found in lists.values() for statuses in found):
        assert set(re.findall(r"'(\w+)'", listed)) == ACTIVE_STATUSES
