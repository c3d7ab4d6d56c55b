import asyncio
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from clinic_stream.appointment import ACTIVE_STATUSES, STATUSES
from clinic_stream.audiences import AvailabilityAudience
from clinic_stream.live_clinic import LiveClinic
from clinic_stream.taken_intervals import Hold, TakenInterval, joined
from hypothesis import given
from hypothesis import strategies as st

from testkit.stream.rows import NOON, PAUL, PETRA, TODAY, appointment, batch, event, state

AT_TEN = datetime(2026, 11, 20, 9, 0)  # noqa: DTZ001  # Naive UTC, as the database's.
PETRAS = AvailabilityAudience(1, PETRA)


def interval(minutes_from: int, minutes_to: int) -> TakenInterval:
    return TakenInterval(AT_TEN + timedelta(minutes=minutes_from), AT_TEN + timedelta(minutes=minutes_to))


def hold(hold_id: int, minutes: int = 60, *, practitioner_id: int = PETRA, lasts: int = 5) -> Hold:
    starts_at, ends_at = interval(minutes, minutes + 30)
    expires_at = NOON.replace(tzinfo=None) + timedelta(minutes=lasts)
    return Hold(hold_id, 1, practitioner_id, starts_at, ends_at, expires_at, starts_at, ends_at)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20))))
def test_joined_time_covers_the_same_minutes_with_gaps_between(pairs: list[tuple[int, int]]) -> None:
    found = joined(interval(start, start + length) for start, length in pairs)
    covered = {minute for start, length in pairs for minute in range(start, start + length)}
    minutes = [(int((a - AT_TEN).seconds / 60), int((b - AT_TEN).seconds / 60)) for a, b in found]
    assert {minute for a, b in minutes for minute in range(a, b)} == covered
    assert all(before[1] < after[0] for before, after in pairwise(minutes))


@pytest.mark.parametrize("status", sorted(STATUSES))
def test_active_visits_alone_take_time(status: str) -> None:
    assert bool(state([appointment(1, status=status)]).taken_of(PETRA)) == (status in ACTIVE_STATUSES)


def test_time_of_another_patient_is_not_taken() -> None:
    assert state([appointment(1)], holds=[hold(1)]).taken_of(PAUL) == []


def test_hold_lapses_when_it_expires() -> None:
    clinic = LiveClinic(state(holds=[hold(1, lasts=5), hold(2, 120, lasts=9)]), NOON)
    topic = clinic.availability(PETRAS, NOON)
    clinic.lapse(NOON + timedelta(minutes=4, seconds=59))
    assert topic.version == 0
    clinic.lapse(NOON + timedelta(minutes=5))
    assert topic.version == 1
    assert list(clinic.state.holds) == [2]
    assert clinic.state.moved_at_seq == clinic.state.seq


def test_hold_that_becomes_an_appointment_changes_nothing_that_is_taken() -> None:
    clinic = LiveClinic(state(holds=[hold(1, 0)]), NOON)
    topic = clinic.availability(PETRAS, NOON)
    clinic.advance(batch(event(101, 1, "insert"), event(102, 1, "delete", entity="hold"), rows=[appointment(1)]))
    assert topic.version == 0


def test_hold_that_moves_to_another_concerns_both() -> None:
    clinic = LiveClinic(state(holds=[hold(1)]), NOON)
    topics = [clinic.availability(AvailabilityAudience(1, of), NOON) for of in (PETRA, PAUL)]
    clinic.advance(batch(event(101, 1, entity="hold"), holds=[hold(1, practitioner_id=PAUL)]))
    assert [topic.version for topic in topics] == [1, 1]


def test_days_move_at_midnight() -> None:
    clinic = LiveClinic(state([appointment(1), appointment(2, day=8)]), NOON)
    rolling = clinic.availability(PETRAS, NOON)
    fixed = clinic.availability(AvailabilityAudience(1, PETRA, TODAY, TODAY), NOON)
    asyncio.run(clinic.replace(state([appointment(1), appointment(2, day=8)], today=TODAY + timedelta(days=1))))
    assert (rolling.version, fixed.version) == (1, 0)


def test_taken_time_is_put_together_once_for_all_topics() -> None:
    clinic = LiveClinic(state([appointment(1)]), NOON)
    assert clinic.taken_of(PETRA) is clinic.taken_of(PETRA)
    clinic.advance(batch(event(101, 1), rows=[appointment(1, status="cancelled")]))
    assert clinic.taken_of(PETRA) == []


def test_calendar_that_nobody_looks_at_is_forgotten() -> None:
    clinic = LiveClinic(state(), NOON)
    clinic.availability(PETRAS, NOON)
    clinic.drop_idle_topics(NOON + timedelta(minutes=5))
    assert clinic.topics == {}
    clinic.advance(batch(event(101, 1), rows=[appointment(1)]))
