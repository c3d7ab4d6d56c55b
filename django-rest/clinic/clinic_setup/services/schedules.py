"""When a practitioner works, and what that does to the appointments they have.

A change of hours makes time less available, so it follows the lock rule: practitioners first, or the clinic alone. An
appointment that lies within the hours before and no longer after is *stranded*: the change is refused with a list,
unless it is forced; then the appointments stay as they are, outside of the hours.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from clinic.accounts.models import Role, User
from clinic.appointments.models import Appointment
from clinic.appointments.queries import upcoming_appointments
from clinic.appointments.services.briefs import list_of
from clinic.clinic_setup.conflicts import within_hours
from clinic.common.errors import PermissionDenied, WouldStrand
from clinic.common.instants import local_date_of, zone_of
from clinic.common.transactions import in_one_transaction
from clinic.common.versions import ANY_VERSION, Expected, write_changes
from clinic.scheduling.models import Clinic, Practitioner, ScheduleException, WorkingBlock
from clinic.scheduling.queries.hours import hours_of
from clinic.scheduling.queries.schedules import availability_of, get_exception_for, get_schedule_for
from clinic.scheduling.services import lock_clinic, lock_practitioners
from clinic.scheduling.working_hours import DayException, Hours, Interval, days_later, is_within_hours

Days = tuple[date, date]


@dataclass(frozen=True, slots=True)
class NewAvailability:
    """Rows as their models name the fields. `exceptions` of None: they stay."""

    blocks: Sequence[dict[str, Any]]
    exceptions: Sequence[dict[str, Any]] | None = None


@in_one_transaction
def replace_availability(
    *,
    user: User,
    practitioner_id: int,
    new: NewAvailability,
    now: datetime,
    force: bool = False,
    expected: Expected = ANY_VERSION,
) -> list[Appointment]:
    """All weekly blocks, and the practitioner's own exceptions that end today or later. Returns what it stranded.

    Raises NotFound, StaleVersion, PreconditionFailed, WouldStrand.
    """
    practitioner = get_schedule_for(user, practitioner_id)
    clinic = practitioner.clinic
    lock_practitioners(clinic, [practitioner.pk], now=now)
    today = local_date_of(now, zone_of(clinic.timezone))
    expected.check(availability_of(practitioner, today=today).version)

    def write() -> None:
        practitioner.working_blocks.all().delete()
        WorkingBlock.objects.bulk_create(WorkingBlock(practitioner=practitioner, **block) for block in new.blocks)
        if new.exceptions is not None:
            practitioner.schedule_exceptions.filter(end_date__gte=today).delete()
            ScheduleException.objects.bulk_create(
                ScheduleException(clinic=clinic, practitioner=practitioner, **exception) for exception in new.exceptions
            )

    return _write_hours(write, clinic=clinic, practitioner_ids=[practitioner.pk], now=now, force=force)


@in_one_transaction
def create_exception(
    *, user: User, practitioner_id: int | None, fields: dict[str, Any], now: datetime, force: bool = False
) -> tuple[ScheduleException, list[Appointment]]:
    """The whole clinic's without a practitioner. With what it stranded. Raises NotFound, PermissionDenied,
    WouldStrand."""
    clinic, concerned = _lock_concerned(user, practitioner_id, now=now)
    exception = ScheduleException(clinic=clinic, practitioner_id=practitioner_id, **fields)
    days = (exception.start_date, exception.end_date)
    stranded = _write_hours(
        exception.save, clinic=clinic, practitioner_ids=concerned, now=now, force=force, days=[days]
    )
    return exception, stranded


@in_one_transaction
def edit_exception(
    *,
    user: User,
    exception_id: int,
    fields: dict[str, Any],
    now: datetime,
    force: bool = False,
    expected: Expected = ANY_VERSION,
) -> tuple[ScheduleException, list[Appointment]]:
    """Raises what `create_exception` raises, StaleVersion and PreconditionFailed."""
    clinic, concerned = _lock_concerned(user, get_exception_for(user, exception_id).practitioner_id, now=now)
    exception = get_exception_for(user, exception_id, lock=True)
    expected.check(exception.version)
    days = [(exception.start_date, exception.end_date), (fields["start_date"], fields["end_date"])]
    write = partial(write_changes, exception, fields)
    stranded = _write_hours(write, clinic=clinic, practitioner_ids=concerned, now=now, force=force, days=days)
    return exception, stranded


@in_one_transaction
def delete_exception(
    *, user: User, exception_id: int, now: datetime, force: bool = False, expected: Expected = ANY_VERSION
) -> list[Appointment]:
    """Extra hours that go away strand appointments too. Raises what `edit_exception` raises."""
    clinic, concerned = _lock_concerned(user, get_exception_for(user, exception_id).practitioner_id, now=now)
    exception = get_exception_for(user, exception_id, lock=True)
    expected.check(exception.version)
    days = (exception.start_date, exception.end_date)

    def write() -> None:
        exception.delete()

    return _write_hours(write, clinic=clinic, practitioner_ids=concerned, now=now, force=force, days=[days])


def stranded_by(clinic: Clinic, added: Sequence[DayException], *, now: datetime) -> list[list[Appointment]]:
    """For each of these exceptions of one practitioner, the appointments that it would strand. Three queries for any
    number."""
    if not added:
        return []
    days = [(one.start_date, days_later(one.end_date, 1)) for one in added]
    practitioner_ids = {one.practitioner_id for one in added if one.practitioner_id is not None}
    upcoming = list(upcoming_appointments(clinic, practitioner_ids, now=now, days=days))
    hours = _hours_around(clinic, upcoming)
    zone = zone_of(clinic.timezone)

    def strands(appointment: Appointment, one: DayException) -> bool:
        of_one, visit = hours[appointment.practitioner_id], Interval(appointment.starts_at, appointment.ends_at)
        before = is_within_hours(visit, zone=zone, blocks=of_one.blocks, exceptions=of_one.exceptions)
        after = is_within_hours(visit, zone=zone, blocks=of_one.blocks, exceptions=[*of_one.exceptions, one])
        return before and not after

    return [
        [
            appointment
            for appointment in upcoming
            if appointment.practitioner_id == one.practitioner_id
            and one.start_date <= appointment.local_date <= days_later(one.end_date, 1)
            and strands(appointment, one)
        ]
        for one in added
    ]


def _hours_around(clinic: Clinic, appointments: Sequence[Appointment]) -> dict[int, Hours]:
    if not appointments:
        return {}
    dates = [appointment.local_date for appointment in appointments]
    practitioner_ids = sorted({appointment.practitioner_id for appointment in appointments})
    return hours_of(clinic, practitioner_ids, min(dates), max(dates))


def _lock_concerned(user: User, practitioner_id: int | None, *, now: datetime) -> tuple[Clinic, list[int]]:
    if practitioner_id is not None:
        practitioner: Practitioner = get_schedule_for(user, practitioner_id)
        lock_practitioners(practitioner.clinic, [practitioner_id], now=now)
        return practitioner.clinic, [practitioner_id]
    if user.role not in (Role.OWNER, Role.STAFF) or user.clinic is None:
        raise PermissionDenied("The whole clinic's exceptions are for the owner and staff to change.")
    return user.clinic, lock_clinic(user.clinic, now=now)


def _write_hours(
    write: Callable[[], object],
    *,
    clinic: Clinic,
    practitioner_ids: Collection[int],
    now: datetime,
    force: bool,
    days: Collection[Days] | None = None,
) -> list[Appointment]:
    """Returns the appointments that lay within the hours before and do not after. `days`: only hours of these change,
    which may last until the next day."""
    days = None if days is None else [(first, days_later(last, 1)) for first, last in days]
    upcoming = list(upcoming_appointments(clinic, practitioner_ids, now=now, days=days))
    before = within_hours(clinic, upcoming)
    write()
    after = within_hours(clinic, upcoming)
    stranded = [appointment for appointment in upcoming if appointment.pk in before - after]
    if stranded and not force:
        raise WouldStrand(extra=list_of(stranded, clinic))
    return stranded


def outside_hours(clinic: Clinic, practitioner_ids: Collection[int], days: Days, *, now: datetime) -> list[Appointment]:
    """Visits ahead on these days that no hours cover. Three queries."""
    upcoming = list(upcoming_appointments(clinic, practitioner_ids, now=now, days=[days]))
    covered = within_hours(clinic, upcoming)
    return [appointment for appointment in upcoming if appointment.pk not in covered]
