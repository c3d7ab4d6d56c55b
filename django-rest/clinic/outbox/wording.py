"""How messages say when: on the clinic's clock, in the reader's language."""

from datetime import datetime, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from django.utils import dateformat, translation

# The hours of a clinic that has not chosen; 2:30 PM; otherwise 14:30. German says 14:30 always.
BY_REGION, TWELVE_HOURS = "auto", "12"
# Letters of Django's date format; without the year, which the reader knows.
FORMS = {
    "short": {"en": "D j M, H:i", "en-us": "D, M j, g:i A", "de": "D j.n., H:i"},
    "long": {"en": "l j F Y, H:i", "en-us": "l, F j, Y, g:i A", "de": r"l, j. F Y, H:i \U\h\r"},
}
# A clock that changes over the weekend still matters to whoever comes on Monday.
NEAR_CLOCK_CHANGE = timedelta(days=2)


def say_when(
    instant: datetime,
    zone: ZoneInfo,
    language: str,
    *,
    region: str,
    hour_format: str = BY_REGION,
    with_offset: bool = False,
) -> str:
    """`Fri 20 Nov, 09:30`: short enough for an SMS. In the US `Fri, Nov 20, 9:30 AM`.

    Near a clock change, or `with_offset`, the UTC offset follows: `Sun 25 Oct, 02:30 (UTC+01:00)`.
    """
    return _say(instant, zone, language, "short", (region, hour_format), with_offset)


def say_when_at_length(
    instant: datetime,
    zone: ZoneInfo,
    language: str,
    *,
    region: str,
    hour_format: str = BY_REGION,
    with_offset: bool = False,
) -> str:
    """`Friday 20 November 2026, 09:30`. In the US `Friday, November 20, 2026, 9:30 AM`."""
    return _say(instant, zone, language, "long", (region, hour_format), with_offset)


def is_near_clock_change(instant: datetime, zone: ZoneInfo) -> bool:
    before, after = ((instant + step).astimezone(zone).utcoffset() for step in (-NEAR_CLOCK_CHANGE, NEAR_CLOCK_CHANGE))
    return before != after


def uses_twelve_hours(region: str, zone: ZoneInfo, hour_format: str = BY_REGION) -> bool:
    """Whether 2:30 PM is read. The clinic's own choice; without one, in the US."""
    return _is_in_the_us(region, zone) if hour_format == BY_REGION else hour_format == TWELVE_HOURS


def _is_in_the_us(region: str, zone: ZoneInfo) -> bool:
    """By country and zone, as the country may be a default."""
    return region == "US" and (zone.key.startswith("US/") or zone.key in _zones_of_the_us())


@cache
def _zones_of_the_us() -> frozenset[str]:
    """By the table of countries in the locked `tzdata`: country, coordinates, zone."""
    table = (files("tzdata") / "zoneinfo" / "zone.tab").read_text()
    lines = (line.split("\t") for line in table.splitlines() if not line.startswith("#"))
    return frozenset(line[2] for line in lines if line[0] == "US")


@lru_cache(maxsize=8192)
def _say(
    instant: datetime,
    zone: ZoneInfo,
    language: str,
    form: str,
    clock: tuple[str, str],
    with_offset: bool,
) -> str:
    """Many visits begin at the same moment."""
    formats, (region, hour_format) = FORMS[form], clock
    local = instant.astimezone(zone)
    locale = "en-us" if language == "en" and _is_in_the_us(region, zone) else language
    pattern = formats.get(locale, formats["en"])
    if language == "en":
        twelve_hours = uses_twelve_hours(region, zone, hour_format)
        pattern = pattern.replace("H:i", "g:i A") if twelve_hours else pattern.replace("g:i A", "H:i")
    with translation.override(language):
        said = dateformat.format(local, pattern)
    if with_offset or is_near_clock_change(instant, zone):
        said += f" (UTC{local.isoformat()[-6:]})"
    return said
