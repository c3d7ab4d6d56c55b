"""Dr. Amara Osei works; people book her. Wall times are written as she says them, slots compared as she reads them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from clinic.scheduling.slots import Policy, Slot, Treatment, open_slots
from clinic.scheduling.working_hours import Block, DayException, Interval

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 11, 23)
FRIDAY_BEFORE = datetime(2026, 11, 20, 12, tzinfo=UTC)
HALF_HOUR = Treatment(30)
AMARA = 7


def wall(text: str) -> time:
    return time.fromisoformat(text)


def daily(*hours: str) -> list[Block]:
    """`daily("09:00-12:00")`: these hours on every weekday."""
    pairs = [span.split("-") for span in hours]
    return [Block(weekday, wall(start), wall(end), None, None) for weekday in range(7) for start, end in pairs]


def closed(first: date, last: date | None = None, *, of: int | None = AMARA) -> DayException:
    return DayException(first, last or first, of, True, None, None)


def absent(span: str, first: date = MONDAY, last: date | None = None, *, of: int | None = AMARA) -> DayException:
    start, end = span.split("-")
    return DayException(first, last or first, of, True, wall(start), wall(end))


def hours(span: str, day: date = MONDAY, *, of: int | None = AMARA) -> DayException:
    start, end = span.split("-")
    return DayException(day, day, of, False, wall(start), wall(end))


def at(day: date, text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.combine(day, wall(text), zone).astimezone(UTC)


def taken(*spans: str, day: date = MONDAY) -> list[Interval]:
    return [Interval(at(day, span.split("-")[0]), at(day, span.split("-")[1])) for span in spans]


def slots_of(
    day: date = MONDAY,
    *,
    until: date | None = None,
    blocks: Sequence[Block],
    exceptions: Sequence[DayException] = (),
    busy: Sequence[Interval] = (),
    treatment: Treatment = HALF_HOUR,
    step: int = 30,
    zone: ZoneInfo = BERLIN,
    now: datetime | None = None,
    notice: timedelta = timedelta(0),
    horizon_days: int = 90,
) -> list[Slot]:
    return open_slots(
        first_date=day,
        last_date=until or day,
        policy=Policy(zone, step, horizon_days, notice),
        treatment=treatment,
        blocks=blocks,
        exceptions=exceptions,
        busy=busy,
        now=now or at(day, "00:00", zone) - timedelta(days=2),
    )


def read(slots: Sequence[Slot], zone: ZoneInfo = BERLIN) -> str:
    return " ".join(f"{slot.start.astimezone(zone):%H:%M}" for slot in slots)
