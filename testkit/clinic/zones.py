"""Visits across changes of a time zone's rules."""

from datetime import datetime
from typing import Any

from clinic.appointments.models import Appointment

from testkit.clinic.world import World, row_of


def booked_by_older_rules(world: World, start: datetime, *, minutes_off: int = 60, **more: Any) -> Appointment:
    """A visit of `start` by today's rules; at its booking the clinic's offset at that time was larger by so much."""
    visit = world.book(start, **more)
    assert visit.utc_offset_minutes is not None
    offset = visit.utc_offset_minutes + minutes_off
    Appointment.objects.filter(pk=visit.pk).update(utc_offset_minutes=offset)
    return row_of(visit)
