from datetime import UTC, datetime, timedelta

from clinic_stream.staleness import Cause, Staleness

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_stale_with_the_first_trouble_and_fresh_without_the_last() -> None:
    staleness = Staleness()
    assert staleness.mark_stale(Cause.BEHIND, NOON)
    assert not staleness.mark_stale(Cause.UNREADABLE, NOON + timedelta(seconds=1), "time_zone")
    assert not staleness.mark_fresh([Cause.BEHIND])
    assert staleness.mark_fresh([Cause.UNREADABLE, Cause.HEAD_MISSING])
    assert (staleness.is_stale, staleness.since) == (False, None)


def test_known_cause_keeps_its_start_when_its_reason_changes() -> None:
    staleness = Staleness()
    staleness.mark_stale(Cause.DATABASE, NOON, "timeout")
    staleness.mark_stale(Cause.DATABASE, NOON + timedelta(seconds=9), "unreachable")
    [trouble] = staleness.troubles
    assert (trouble.since, trouble.reason) == (NOON, "unreachable")


def test_marking_fresh_what_was_fresh_changes_nothing() -> None:
    assert not Staleness().mark_fresh(Cause)
