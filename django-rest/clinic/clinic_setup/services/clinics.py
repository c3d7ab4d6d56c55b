from collections import defaultdict
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from shared_config import is_time_zone

from clinic.accounts.models import Role, User
from clinic.appointments.models import Appointment
from clinic.appointments.queries import upcoming_appointments
from clinic.appointments.services.briefs import list_of
from clinic.common.errors import PermissionDenied, ZoneHasAppointments
from clinic.common.instants import local_date_of, offset_minutes_of, zone_of
from clinic.common.transactions import in_one_transaction
from clinic.common.versions import ANY_VERSION, Expected, write_changes
from clinic.scheduling.models import Clinic
from clinic.scheduling.services import lock_clinic


@in_one_transaction
def edit_clinic(
    *, owner: User, changes: dict[str, Any], now: datetime, force: bool = False, expected: Expected = ANY_VERSION
) -> Clinic:
    """Change name, zone or policy. Raises PermissionDenied, StaleVersion, PreconditionFailed, ZoneHasAppointments.

    In a new zone working hours keep their time on the wall, and appointments their instant: that needs `force`,
    because their time on the wall changes. Every appointment's date is told anew, that of past ones too.
    """
    if owner.role != Role.OWNER or owner.clinic is None:
        raise PermissionDenied
    clinic = owner.clinic
    lock_clinic(clinic, now=now)
    expected.check(clinic.version)
    zone_name = changes.get("timezone", clinic.timezone)
    if zone_name != clinic.timezone:
        upcoming = list(upcoming_appointments(clinic, None, now=now))
        # In an unknown zone the appointments have no time on the wall that could change.
        if upcoming and not force and is_time_zone(clinic.timezone):
            raise ZoneHasAppointments(attr="timezone", extra=list_of(upcoming, clinic))
        _tell_dates_anew(clinic, zone_of(zone_name), now=now)
    write_changes(clinic, changes)
    return clinic


def _tell_dates_anew(clinic: Clinic, zone: ZoneInfo, *, now: datetime) -> None:
    """One UPDATE a day. Appointments get the new zone's date, and those ahead its offset."""
    moved: dict[tuple[date, int], list[int]] = defaultdict(list)
    dates = Appointment.objects.filter(clinic=clinic).values_list("pk", "starts_at", "local_date", "utc_offset_minutes")
    for appointment_id, starts_at, local_date, offset in dates.iterator():
        new_date, new_offset = local_date_of(starts_at, zone), offset_minutes_of(starts_at, zone)
        if new_date != local_date or (starts_at > now and new_offset != offset):
            moved[new_date, new_offset].append(appointment_id)
    for (day, new_offset), appointment_ids in moved.items():
        Appointment.objects.filter(pk__in=appointment_ids).update(local_date=day, utc_offset_minutes=new_offset)
