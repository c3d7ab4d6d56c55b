"""How the admin says times."""

from datetime import datetime

from clinic.appointments.models import Appointment
from clinic.common.instants import zone_of

NO_BREAK = "\u00a0"


def say_when(appointment: Appointment) -> str:
    """Date, start and end on the clinic's clock, in one piece: a line does not break within it."""
    zone = zone_of(appointment.clinic.timezone)
    start, end = appointment.starts_at.astimezone(zone), appointment.ends_at.astimezone(zone)
    return f"{start:%a %d %b %Y, %H:%M}–{end:%H:%M}".replace(" ", NO_BREAK)


def say_instant(at: datetime | None, zone_name: str) -> str:
    return f"{at.astimezone(zone_of(zone_name)):%d %b %Y, %H:%M}".replace(" ", NO_BREAK) if at else "–"
