"""Paula's reminders: a day and three hours before, whatever the clocks and the worker do."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate, pairwise
from zoneinfo import ZoneInfo

import pytest
from clinic.messaging.due import APART, LATEST, Reminder, Rules, VisitTimes, due_reminder, due_windows, leads_of
from clinic.outbox.quiet import is_quiet
from hypothesis import given
from hypothesis import strategies as st

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
USUAL = Rules(leads_of([1440, 180]), BERLIN)
AT_NIGHT = Rules(USUAL.leads, BERLIN, time(21), time(8))
START = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def lead_due(before_start: timedelta, rules: Rules = USUAL) -> timedelta | None:
    due = due_reminder(START, rules, now=START - before_start)
    return None if due is None else due.lead


@pytest.mark.parametrize(
    ("before_start", "lead"),
    [
        (DAY + MINUTE, None),
        (DAY, DAY),
        (DAY - MINUTE, DAY),
        (4 * HOUR + MINUTE, DAY),
        (4 * HOUR, None),
        (3 * HOUR + MINUTE, None),
        (3 * HOUR, 3 * HOUR),
        (31 * MINUTE, 3 * HOUR),
        (30 * MINUTE, None),
        (MINUTE, None),
        (timedelta(0), None),
        (-MINUTE, None),
        (-7 * DAY, None),
    ],
    ids=str,
)
def test_the_newest_that_is_due_as_long_as_it_makes_sense(before_start: timedelta, lead: timedelta | None) -> None:
    assert lead_due(before_start) == lead


def test_a_reminder_is_worth_sending_until_an_hour_before_the_next_one_and_never_when_it_is_too_late() -> None:
    assert due_reminder(START, USUAL, now=START - 20 * HOUR) == Reminder(DAY, START - 4 * HOUR)
    assert due_reminder(START, USUAL, now=START - 2 * HOUR) == Reminder(3 * HOUR, START - LATEST)


@pytest.mark.parametrize(
    ("agreed", "told"),
    [
        # How long before the start a visit is agreed, and how long before it reminders then come.
        (7 * DAY, [DAY, 3 * HOUR]),
        (DAY + HOUR, [DAY, 3 * HOUR]),
        (DAY + 10 * MINUTE, [DAY - 50 * MINUTE, 3 * HOUR]),
        (DAY, [DAY - HOUR, 3 * HOUR]),
        (DAY - MINUTE, [3 * HOUR]),
        (5 * HOUR, [3 * HOUR]),
        (3 * HOUR + 10 * MINUTE, [2 * HOUR + 10 * MINUTE]),
        (3 * HOUR, [2 * HOUR]),
        (3 * HOUR - MINUTE, []),
        (31 * MINUTE, []),
        (MINUTE, []),
    ],
    ids=str,
)
def test_visit_agreed_inside_a_lead_skips_it_and_no_reminder_follows_within_an_hour(
    agreed: timedelta, told: list[timedelta]
) -> None:
    moments = (START - agreed + number * MINUTE for number in range(int(agreed / MINUTE) + 1))
    sent = sent_in(START, USUAL, moments, agreed_at=START - agreed)
    assert [START - now for now, _ in sent] == told


@pytest.mark.parametrize(
    ("other", "lead"),
    [
        (DAY + HOUR, DAY),
        (DAY + 59 * MINUTE, None),
        (DAY, None),
        (DAY - 59 * MINUTE, None),
        (DAY - HOUR, DAY),
    ],
    ids=str,
)
def test_reminder_keeps_an_hour_from_another_message_sent_or_to_be_sent(
    other: timedelta, lead: timedelta | None
) -> None:
    due = due_reminder(START, USUAL, now=START - DAY, visit=VisitTimes(START - 7 * DAY, (START - other,)))
    assert (None if due is None else due.lead) == lead


def test_leads_that_are_close_by_wish_are_both_told() -> None:
    rules = Rules(leads_of([150, 180]), BERLIN)
    told = {before: lead_due(before * MINUTE, rules) for before in (180, 166, 165, 151, 150)}
    assert told == {180: 3 * HOUR, 166: 3 * HOUR, 165: None, 151: None, 150: 150 * MINUTE}


def test_a_clinic_that_reminds_nobody_reminds_nobody() -> None:
    assert due_windows(Rules((), BERLIN), now=START) == []
    assert lead_due(DAY, Rules((), BERLIN)) is None


@pytest.mark.parametrize("leads", [[180, 1440], [1440, 180, 180], [1440, 180, 20]])
def test_order_and_repetition_of_leads_say_nothing(leads: list[int]) -> None:
    rules = Rules(leads_of(leads), BERLIN)
    assert [lead_due(before, rules) for before in (DAY, 2 * HOUR, 20 * MINUTE)] == [DAY, 3 * HOUR, None]


@pytest.mark.parametrize(
    ("start", "now", "lead"),
    [
        # Due at 22:30, which is night: at 8 the next morning, if the next is not due then.
        ("2026-11-20 22:30", "2026-11-19 22:30", None),
        ("2026-11-20 22:30", "2026-11-20 07:59", None),
        ("2026-11-20 22:30", "2026-11-20 08:00", DAY),
        # At half past eight: what is due at half past five is overtaken by the morning, and told then.
        ("2026-11-20 08:35", "2026-11-20 05:35", None),
        ("2026-11-20 08:35", "2026-11-20 08:00", 3 * HOUR),
        # Not any more: it is too close.
        ("2026-11-20 08:30", "2026-11-20 08:00", None),
    ],
)
def test_at_night_nobody_is_reminded(start: str, now: str, lead: timedelta | None) -> None:
    def at(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=BERLIN)

    due = due_reminder(at(start), AT_NIGHT, now=at(now))
    assert (None if due is None else due.lead) == lead


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)])
def test_a_day_is_24_hours_also_where_the_clock_says_23_or_25(day: date) -> None:
    start = datetime.combine(day, time(9), BERLIN).astimezone(UTC)
    assert due_reminder(start, USUAL, now=start - DAY - MINUTE) is None
    due = due_reminder(start, USUAL, now=start - DAY)
    assert due is not None
    assert due.lead == DAY
    told_at = (start - DAY).astimezone(BERLIN)
    assert told_at.time() == (time(8) if day.month == 3 else time(10))
    # Whichever zone the instants are said in.
    assert due_reminder(start.astimezone(BERLIN), USUAL, now=told_at) == due


# Over both changes of the clocks.
starts = st.integers(0, 230 * 24 * 60).map(lambda minutes: datetime(2026, 3, 20, tzinfo=UTC) + minutes * MINUTE)
clocks = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))
many_rules = st.builds(
    Rules,
    leads=st.lists(st.integers(45, 2880), max_size=4).map(leads_of),
    zone=st.sampled_from(
        [BERLIN, ZoneInfo("America/Havana"), ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Asia/Kathmandu")]
    ),
    quiet_from=clocks,
    quiet_until=clocks,
)


def sent_in(
    start: datetime, rules: Rules, moments: Iterator[datetime], *, agreed_at: datetime | None = None
) -> list[tuple[datetime, Reminder]]:
    """Reminders of a worker that looks at these moments, each once; of the agreement, patients are told at once."""
    sent: dict[timedelta, tuple[datetime, Reminder]] = {}
    for now in moments:
        told_at = () if agreed_at is None else (agreed_at, *(moment for moment, _ in sent.values()))
        due = due_reminder(start, rules, now=now, visit=VisitTimes(agreed_at, told_at))
        if due is not None:
            sent.setdefault(due.lead, (now, due))
    return list(sent.values())


def every_ten_minutes(start: datetime, but: range = range(0)) -> Iterator[datetime]:
    """Around a start; `but`: the looks that an outage leaves out."""
    return (start + number * 10 * MINUTE for number in range(-580, 30) if number not in but)


@given(starts, many_rules, st.integers(-400, 0), st.integers(0, 200))
def test_no_reminder_is_absurd_after_any_outage(start: datetime, rules: Rules, first: int, looks: int) -> None:
    sent = sent_in(start, rules, every_ten_minutes(start, but=range(first, first + looks)))
    for now, reminder in sent:
        assert start - reminder.lead <= now < reminder.expires_at <= start - LATEST
        assert not is_quiet(now, zone=rules.zone, quiet_from=rules.quiet_from, quiet_until=rules.quiet_until)
    leads = [reminder.lead for _, reminder in sent]
    assert leads == sorted(leads, reverse=True)
    for (told_at, told), (next_at, following) in pairwise(sent):
        assert next_at - told_at >= min(APART, (told.lead - following.lead) / 2)


# Far enough from each other that a look every ten minutes finds each.
gaps = st.lists(st.integers(45, 1440), max_size=4).map(lambda minutes: list(accumulate(minutes)))


@given(starts, gaps)
def test_without_outage_each_reminder_comes_within_a_look_of_its_moment(start: datetime, minutes: list[int]) -> None:
    sent = sent_in(start, Rules(leads_of(minutes), BERLIN), every_ten_minutes(start))
    assert {reminder.lead for _, reminder in sent} == set(leads_of(minutes))
    assert all(now - (start - reminder.lead) < 10 * MINUTE for now, reminder in sent)


@given(starts, many_rules, st.integers(-4000, 100))
def test_windows_and_reminders_say_the_same(start: datetime, rules: Rules, minutes: int) -> None:
    now = start + minutes * MINUTE
    windows = [window for window in due_windows(rules, now=now) if window.after < start <= window.until]
    due = due_reminder(start, rules, now=now)
    assert [window.lead for window in windows] == ([] if due is None else [due.lead])


@given(starts, many_rules, st.lists(st.integers(0, 4000), min_size=1, max_size=4))
def test_changes_at_any_moments_leave_an_hour_around_reminders_and_skip_passed_leads(
    start: datetime, rules: Rules, changes: list[int]
) -> None:
    """Booked, approved or moved so many minutes before the start, each told at once."""
    changed_at = sorted(start - minutes * MINUTE for minutes in changes)
    told_at: list[datetime] = []
    leads: set[timedelta] = set()
    for now in every_ten_minutes(start):
        before = [moment for moment in changed_at if moment <= now]
        if not before:
            continue
        due = due_reminder(start, rules, now=now, visit=VisitTimes(before[-1], (*before, *told_at)))
        if due is None or due.lead in leads:
            continue
        leads.add(due.lead)
        assert start - due.lead >= before[-1]
        assert all(now - moment >= APART for moment in (*before, *told_at))
        told_at.append(now)


@given(starts, gaps, st.integers(1, 4000))
def test_without_outage_only_leads_before_the_agreement_and_of_its_hour_are_missed(
    start: datetime, minutes: list[int], agreed: int
) -> None:
    agreed_at = start - agreed * MINUTE
    moments = (moment for moment in every_ten_minutes(start) if moment >= agreed_at)
    spread = Rules(leads_of([lead for lead in minutes if lead % 150 == 0] or [lead * 3 for lead in minutes]), BERLIN)
    sent = {reminder.lead for _, reminder in sent_in(start, spread, moments, agreed_at=agreed_at)}
    possible = {lead for lead in spread.leads if start - lead >= agreed_at and lead > LATEST + APART + 20 * MINUTE}
    assert sent <= {lead for lead in spread.leads if start - lead >= agreed_at}
    # The next lead may come before the hour is over.
    hasty = {lead for lead in possible if start - lead < agreed_at + APART}
    assert possible - hasty <= sent
