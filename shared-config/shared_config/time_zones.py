"""The tables of time zones, the same for both services: those of the locked `tzdata` package.

Python prefers the system's tables. Two machines, or two base images, would then disagree about a zone or about a change
of its rules.
"""

import sysconfig
import zoneinfo
from datetime import UTC, datetime, timedelta
from pathlib import Path

# Folders in which Python looks for the system's tables.
SYSTEM_FOLDERS = tuple(Path(folder) for folder in (sysconfig.get_config_var("TZPATH") or "").split(":") if folder)
# Differences further ahead than visits are booked do not matter.
COMPARED_DAYS, COMPARED_STEP_DAYS = 730, 5


def use_locked_time_zones() -> None:
    """Call before a zone is read. Names that are not in the package are unknown from then on."""
    zoneinfo.reset_tzpath(to=[])
    zoneinfo.ZoneInfo.clear_cache()


def is_time_zone(name: str) -> bool:
    """Whether the package knows the name. Case and spelling count, as on disk they may or may not."""
    return name in zoneinfo.available_timezones()


def system_zone(name: str) -> zoneinfo.ZoneInfo | None:
    """The zone by the system's tables; None if they do not know it. The name is one of `is_time_zone`."""
    for folder in SYSTEM_FOLDERS:
        try:
            with (folder / name).open("rb") as table:
                return zoneinfo.ZoneInfo.from_file(table, key=name)
        except (OSError, ValueError):
            continue
    return None


def zones_that_differ(*, now: datetime) -> list[str]:
    """Zones whose offset within the next two years is another by the system's tables than by the locked package."""
    days = range(0, COMPARED_DAYS, COMPARED_STEP_DAYS)
    instants = [now.astimezone(UTC) + timedelta(days=day) for day in days]
    return sorted(name for name in zoneinfo.available_timezones() if _differs(name, instants))


def _differs(name: str, instants: list[datetime]) -> bool:
    system, locked = system_zone(name), zoneinfo.ZoneInfo(name)
    if system is None:
        return False
    return any(instant.astimezone(system).utcoffset() != instant.astimezone(locked).utcoffset() for instant in instants)
