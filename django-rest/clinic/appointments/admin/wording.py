"""How the admin says times."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from clinic.appointments.models import Appointment
from clinic.common.errors import UnknownTimeZone
from clinic.common.instants import zone_of
from clinic.outbox.wording import uses_twelve_hours
from clinic.scheduling.models import Clinic, clock_of

NO_BREAK = "\u00a0"


def say_when(appointment: Appointment) -> str:
    """Date, start and end on the clinic's clock, in one piece: a line does not break within it."""
    zone, name = _clock_of(appointment.clinic.timezone)
    start, end = appointment.starts_at.astimezone(zone), appointment.ends_at.astimezone(zone)
    clock = _time_format(appointment.clinic, zone)
    return f"{start:%a %d %b %Y}, {start:{clock}}–{end:{clock}}{name}".replace(" ", NO_BREAK)


def say_instant(at: datetime | None, zone_name: str) -> str:
    zone, name = _clock_of(zone_name)
    return f"{at.astimezone(zone):%d %b %Y, %H:%M}{name}".replace(" ", NO_BREAK) if at else "–"


def _clock_of(zone_name: str) -> tuple[tzinfo, str]:
    """UTC, named, for an unknown zone: one clinic's row does not take a list of all clinics from a superuser."""
    try:
        return zone_of(zone_name), ""
    except UnknownTimeZone:
        return UTC, " UTC"


def _time_format(clinic: Clinic, zone: tzinfo) -> str:
    return "%-I:%M %p" if isinstance(zone, ZoneInfo) and uses_twelve_hours(zone=zone, **clock_of(clinic)) else "%H:%M"
