"""The clinic's day, with which the admin begins."""

from dataclasses import dataclass
from datetime import date, datetime

from clinic.accounts.models import User
from clinic.appointments.lifecycle import Status
from clinic.appointments.models import Appointment
from clinic.appointments.queries import appointments_visible_to
from clinic.common.instants import local_date_of, zone_of


@dataclass(frozen=True, slots=True)
class ClinicDay:
    """The desk's morning: requests that wait for a decision, however far ahead, and the visits of the day."""

    date: date
    pending_count: int
    pending: list[Appointment]
    today: list[Appointment]

    def count(self, *statuses: Status) -> int:
        return sum(appointment.status in statuses for appointment in self.today)


MAX_PENDING = 8
MAX_TODAY = 200


def clinic_day_of(user: User, *, now: datetime) -> ClinicDay:
    """Without what was called off. Three queries."""
    today = local_date_of(now, zone_of(user.clinic.timezone if user.clinic is not None else "UTC"))
    visible = appointments_visible_to(user).order_by("starts_at", "id")
    shown = visible.select_related("clinic", "patient", "practitioner", "service")
    called_off = (Status.CANCELLED, Status.REJECTED)
    return ClinicDay(
        date=today,
        pending_count=visible.filter(status=Status.PENDING).count(),
        pending=list(shown.filter(status=Status.PENDING)[:MAX_PENDING]),
        today=list(shown.filter(local_date=today).exclude(status__in=called_off)[:MAX_TODAY]),
    )
