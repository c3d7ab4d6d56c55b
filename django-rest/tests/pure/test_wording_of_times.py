"""How messages say when: 12-hour times in the US, and the UTC offset near a clock change."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from clinic.outbox.wording import is_near_clock_change, say_when, say_when_at_length, uses_twelve_hours

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
AFTERNOON = datetime(2026, 11, 20, 19, 30, tzinfo=UTC)


def test_us_clinic_says_12_hour_times_in_english() -> None:
    assert say_when(AFTERNOON, NEW_YORK, "en", region="US") == "Fri, Nov 20, 2:30 PM"
    assert say_when_at_length(AFTERNOON, NEW_YORK, "en", region="US") == "Friday, November 20, 2026, 2:30 PM"


def test_us_clinic_says_24_hour_times_in_german() -> None:
    assert say_when(AFTERNOON, NEW_YORK, "de", region="US") == "Fr 20.11., 14:30"


def test_clinic_elsewhere_says_24_hour_times() -> None:
    assert say_when(AFTERNOON, BERLIN, "en", region="DE") == "Fri 20 Nov, 20:30"
    assert say_when(AFTERNOON, ZoneInfo("America/Toronto"), "en", region="CA") == "Fri 20 Nov, 14:30"


@pytest.mark.parametrize(
    ("region", "zone", "expected"),
    [
        ("US", "America/New_York", True),
        ("US", "America/Indiana/Knox", True),
        ("US", "US/Pacific", True),
        ("US", "Pacific/Honolulu", True),
        ("US", "Europe/London", False),  # The country is the default of a clinic that never set it.
        ("CA", "America/New_York", False),
    ],
)
def test_us_is_known_by_country_and_zone(region: str, zone: str, expected: bool) -> None:
    assert uses_twelve_hours(region, ZoneInfo(zone)) is expected


@pytest.mark.parametrize(
    ("instant", "said"),
    [
        # The same time on the wall, twice: 25 October 2026, 02:30.
        ("2026-10-25T00:30:00+00:00", "Sun 25 Oct, 02:30 (UTC+02:00)"),
        ("2026-10-25T01:30:00+00:00", "Sun 25 Oct, 02:30 (UTC+01:00)"),
        ("2026-10-26T08:30:00+00:00", "Mon 26 Oct, 09:30 (UTC+01:00)"),
        ("2026-10-23T07:30:00+00:00", "Fri 23 Oct, 09:30 (UTC+02:00)"),
        ("2026-10-22T07:30:00+00:00", "Thu 22 Oct, 09:30"),
        ("2026-10-28T08:30:00+00:00", "Wed 28 Oct, 09:30"),
        ("2027-03-28T07:30:00+00:00", "Sun 28 Mar, 09:30 (UTC+02:00)"),
    ],
)
def test_offset_is_named_within_two_days_of_a_clock_change(instant: str, said: str) -> None:
    assert say_when(datetime.fromisoformat(instant), BERLIN, "en", region="DE") == said


def test_offset_is_named_on_request() -> None:
    said = say_when(AFTERNOON, NEW_YORK, "en", region="US", with_offset=True)
    assert said == "Fri, Nov 20, 2:30 PM (UTC-05:00)"


def test_zone_without_clock_changes_names_no_offset() -> None:
    assert not is_near_clock_change(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), ZoneInfo("Asia/Tokyo"))


@pytest.mark.parametrize(
    ("zone", "region", "hour_format", "said"),
    [
        (BERLIN, "DE", "12", "Fri 20 Nov, 8:30 PM"),
        (BERLIN, "DE", "24", "Fri 20 Nov, 20:30"),
        (NEW_YORK, "US", "24", "Fri, Nov 20, 14:30"),
        (NEW_YORK, "US", "auto", "Fri, Nov 20, 2:30 PM"),
    ],
)
def test_clinic_chooses_its_hour_format(zone: ZoneInfo, region: str, hour_format: str, said: str) -> None:
    assert say_when(AFTERNOON, zone, "en", region=region, hour_format=hour_format) == said
    assert "PM" not in say_when(AFTERNOON, zone, "de", region=region, hour_format=hour_format)
