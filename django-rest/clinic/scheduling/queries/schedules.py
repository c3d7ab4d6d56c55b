"""Schedules, exceptions, absences and delays that a user may see or change."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Q, QuerySet

from clinic.accounts.models import User
from clinic.accounts.scoping import rows_within_reach
from clinic.common.versions import tag_of
from clinic.scheduling.models import (
    Absence,
    Delay,
    Practitioner,
    ScheduleException,
    WorkingBlock,
)
from clinic.scheduling.queries.rows import one_of


def schedules_editable_by(user: User) -> QuerySet[Practitioner]:
    """Owner and staff: everybody's of their clinic. A practitioner: their own."""
    active = Practitioner.objects.filter(active=True)
    return rows_within_reach(user, active, of_practitioner=lambda: Q(user_id=user.pk))


def get_schedule_for(user: User, practitioner_id: int) -> Practitioner:
    """The schedule that the user may change. Raises NotFound."""
    return one_of(schedules_editable_by(user), practitioner_id, "practitioner")


def exceptions_visible_to(user: User) -> QuerySet[ScheduleException]:
    """Those of the schedules one may change, and the whole clinic's."""
    return ScheduleException.objects.filter(
        Q(practitioner__isnull=True) | Q(practitioner__in=schedules_editable_by(user)), clinic=user.clinic
    )


def list_exceptions(
    user: User, *, first_date: date | None, last_date: date | None, practitioner_id: int | None
) -> QuerySet[ScheduleException]:
    """Both dates included. A practitioner's are theirs and the whole clinic's."""
    exceptions = exceptions_visible_to(user).order_by("start_date", "id")
    if first_date is not None:
        exceptions = exceptions.filter(end_date__gte=first_date)
    if last_date is not None:
        exceptions = exceptions.filter(start_date__lte=last_date)
    if practitioner_id is not None:
        exceptions = exceptions.filter(Q(practitioner__isnull=True) | Q(practitioner_id=practitioner_id))
    return exceptions


def get_exception_for(user: User, exception_id: int, *, lock: bool = False) -> ScheduleException:
    """Raises NotFound."""
    rows = exceptions_visible_to(user)
    return one_of(rows.select_for_update() if lock else rows, exception_id, "exception")


def absences_visible_to(user: User) -> QuerySet[Absence]:
    """Owner and staff: their clinic's. A practitioner: their own. With what is shown of them."""
    absences = Absence.objects.select_related("clinic", "practitioner", "decided_by")
    return rows_within_reach(user, absences, of_practitioner=lambda: Q(practitioner__user_id=user.pk))


def list_absences(user: User, *, states: Sequence[str], practitioner_id: int | None = None) -> QuerySet[Absence]:
    """The first to begin first. Without states: those that nobody has answered."""
    absences = absences_visible_to(user).filter(state__in=states or ["requested"]).order_by("start_date", "id")
    return absences if practitioner_id is None else absences.filter(practitioner_id=practitioner_id)


def get_absence_for(user: User, absence_id: int) -> Absence:
    """Raises NotFound."""
    return one_of(absences_visible_to(user), absence_id, "absence")


def delays_on(user: User, day: date) -> QuerySet[Delay]:
    """Delays that hold on this day, of the schedules the user may change."""
    delays = Delay.objects.filter(clinic=user.clinic, local_date=day, ended_at__isnull=True)
    return delays.filter(practitioner__in=schedules_editable_by(user)).select_related("practitioner")


@dataclass(frozen=True, slots=True)
class Availability:
    """A practitioner's weekly blocks, and the exceptions from today on: their own and the whole clinic's."""

    blocks: list[WorkingBlock]
    exceptions: list[ScheduleException]
    clinic_exceptions: list[ScheduleException]

    @property
    def version(self) -> str:
        """Changes when what a PUT replaces changes."""
        return tag_of([*self.blocks, *self.exceptions])


def availability_of(practitioner: Practitioner, *, today: date) -> Availability:
    """Two queries."""
    exceptions = ScheduleException.objects.filter(
        Q(practitioner__isnull=True) | Q(practitioner=practitioner),
        clinic_id=practitioner.clinic_id,
        end_date__gte=today,
    ).order_by("start_date", "id")
    own: list[ScheduleException] = []
    shared: list[ScheduleException] = []
    for exception in exceptions:
        (shared if exception.practitioner_id is None else own).append(exception)
    return Availability(list(practitioner.working_blocks.order_by("weekday", "start_local", "id")), own, shared)
