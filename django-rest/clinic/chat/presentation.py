"""Times, holds and visits as a conversation presents them, each with its sentence."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from clinic.appointments.models import Appointment
from clinic.chat import sentences
from clinic.common.instants import say_instant, say_minute, zone_of
from clinic.scheduling.models import Clinic, Hold
from clinic.scheduling.soonest import OpenTime


def present_time(clinic: Clinic, time: OpenTime) -> dict[str, Any]:
    first = time.practitioners[0]
    return _present(clinic, time.slot.start, time.slot.end, first.pk, first.name)


def _present(
    clinic: Clinic, start: datetime, end: datetime, practitioner_id: int, practitioner_name: str
) -> dict[str, Any]:
    zone = zone_of(clinic.timezone)
    said = say_minute(start, zone)
    return {
        "start": said,
        "end": say_minute(end, zone),
        "date": said[:10],
        "time": said[11:16],
        "practitioner": practitioner_id,
        "practitioner_name": practitioner_name,
        "say": sentences.say_time(clinic, start, practitioner_name),
    }


def present_hold(hold: Hold) -> dict[str, Any]:
    clinic = hold.clinic
    shown = _present(clinic, hold.starts_at, hold.ends_at, hold.practitioner_id, hold.practitioner.name)
    return {
        **shown,
        "hold": hold.token,
        "clinic": clinic.pk,
        "service": hold.service_id,
        "expires_at": say_instant(hold.expires_at, zone_of(clinic.timezone)),
        "say": sentences.say_held(shown["say"], clinic.hold_minutes),
    }


def present_visit(visit: Appointment, say: Callable[[str, str], str]) -> dict[str, Any]:
    shown = _present(visit.clinic, visit.starts_at, visit.ends_at, visit.practitioner_id, visit.practitioner.name)
    return {
        **shown,
        "reference": visit.reference,
        "status": visit.status,
        "service": visit.service_id,
        "service_name": None if visit.service is None else visit.service.name,
        "say": say(shown["say"], visit.status),
    }


def present_booked(visit: Appointment) -> dict[str, Any]:
    return present_visit(visit, lambda time, status: sentences.say_booked(visit.clinic, time, status))
