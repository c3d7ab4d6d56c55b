"""Deadlines of clinics: the earliest first, and one for each."""

from datetime import UTC, datetime, timedelta

from clinic_stream.deadlines import Deadlines

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_due_clinics_come_in_order_and_once() -> None:
    deadlines = Deadlines()
    for clinic_id, minutes in ((1, 5), (2, 3), (3, 9)):
        deadlines.set(clinic_id, NOON + minutes * MINUTE)
    assert deadlines.pop_due(NOON, 10) == []
    assert deadlines.pop_due(NOON + 5 * MINUTE, 10) == [2, 1]
    assert deadlines.pop_due(NOON + 5 * MINUTE, 10) == []


def test_earlier_deadline_takes_the_place_of_a_later_one_and_not_the_reverse() -> None:
    deadlines = Deadlines()
    for minutes in (5, 3, 9):
        deadlines.set(1, NOON + minutes * MINUTE)
    assert deadlines.pop_due(NOON + 3 * MINUTE, 10) == [1]
    assert deadlines.pop_due(NOON + 9 * MINUTE, 10) == []


def test_thousand_midnights_in_the_same_second_are_met_in_parts() -> None:
    deadlines = Deadlines()
    for clinic_id in range(1000):
        deadlines.set(clinic_id, NOON)
    parts = [deadlines.pop_due(NOON, 100) for _ in range(11)]
    assert [len(part) for part in parts] == [100] * 10 + [0]
    assert sorted(clinic_id for part in parts for clinic_id in part) == list(range(1000))
