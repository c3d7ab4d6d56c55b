"""The tables of time zones, the same for both services: those of the locked `tzdata` package.

Python prefers the system's tables. Two machines, or two base images, would then disagree about a zone or about a change
of its rules.
"""

import zoneinfo


def use_locked_time_zones() -> None:
    """Call before a zone is read. Names that are not in the package are unknown from then on."""
    zoneinfo.reset_tzpath(to=[])
    zoneinfo.ZoneInfo.clear_cache()


def is_time_zone(name: str) -> bool:
    """Whether the package knows the name. Case and spelling count, as on disk they may or may not."""
    return name in zoneinfo.available_timezones()
