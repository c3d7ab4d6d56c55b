"""Every read of the clinic and its schedule. `None` as the viewer is somebody who is not signed in."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from operator import or_
from typing import TypeVar
from zoneinfo import ZoneInfo

from django.db.models import Max, Min, Model, Q, QuerySet

from clinic.accounts.models import Role, User
from clinic.common.errors import InvalidRequest, NotFound, UnknownTimeZone
from clinic.common.instants import local_date_of, zone_of
from clinic.common.versions import tag_of
from clinic.scheduling.models import ClaimedCell, Clinic, Hold, Practitioner, ScheduleException, Service, WorkingBlock
from clinic.scheduling.slots import Block, DayException, Interval, Policy, Slot, Treatment, days_later, open_slots

CELL = timedelta(minutes=5)
FIRST, LAST = Min("starts_at"), Max("starts_at")
Row = TypeVar("Row", bound=Model)


def clinics_in_unknown_zones() -> QuerySet[Clinic]:
    """Clinics whose requests are refused because nobody can tell their time. One query at once, the
    queryset's own only if there are any."""
    used = Clinic.objects.order_by().values_list("timezone", flat=True).distinct()
    return Clinic.objects.filter(timezone__in=[name for name in used if not _is_known(name)]).order_by("pk")


def _is_known(zone_name: str) -> bool:
    try:
        zone_of(zone_name)
    except UnknownTimeZone:
        return False
    return True


def get_clinic_for(
    viewer: User | None,
    *,
    name: str | None = None,
    practitioner_id: int | None = None,
    service_id: int | None = None,
) -> Clinic:
    """A user's own clinic; for anyone else the one named by slug or id, the only one there is, or the one whose
    practitioner or service is asked for. Raises NotFound, InvalidRequest."""
    if viewer is not None and viewer.clinic is not None:
        return viewer.clinic
    if name is not None:
        return get_clinic_named(name)
    clinics = list(Clinic.objects.order_by("id")[:2])
    if not clinics:
        raise NotFound("There is no clinic yet.")
    if len(clinics) == 1:
        return clinics[0]
    if practitioner_id is not None:
        return one_of(Practitioner.objects.select_related("clinic"), practitioner_id, "practitioner").clinic
    if service_id is not None:
        return one_of(Service.objects.select_related("clinic"), service_id, "service").clinic
    raise InvalidRequest("There are several clinics here: name one by its slug.", attr="clinic")


def get_clinic_named(name: str) -> Clinic:
    """By slug, or by id. Raises NotFound."""
    by_id = Q(pk=int(name)) if name.isascii() and name.isdigit() and len(name) < 19 else Q(pk__in=[])
    clinic = Clinic.objects.filter(Q(slug=name) | by_id).order_by("pk").first()
    if clinic is None:
        raise NotFound("There is no such clinic.")
    return clinic


def practitioners_of(clinic: Clinic) -> QuerySet[Practitioner]:
    return Practitioner.objects.filter(clinic_id=clinic.pk, active=True).order_by("name", "id")


def get_practitioner(clinic: Clinic, practitioner_id: int) -> Practitioner:
    practitioner = practitioners_of(clinic).filter(pk=practitioner_id).first()
    if practitioner is None:
        raise NotFound("There is no such practitioner.")
    return practitioner


def practitioners_listed_for(viewer: User | None, clinic: Clinic, *, active: str = "true") -> QuerySet[Practitioner]:
    """Everybody sees who is active; the desk may ask for `false` or `all`."""
    practitioners = Practitioner.objects.filter(clinic_id=clinic.pk).select_related("user")
    return _listed(practitioners, viewer, active).order_by("name", "id")


def services_listed_for(viewer: User | None, clinic: Clinic, *, active: str = "true") -> QuerySet[Service]:
    return _listed(Service.objects.filter(clinic_id=clinic.pk), viewer, active).order_by("name", "id")


def _listed(rows: QuerySet[Row], viewer: User | None, active: str) -> QuerySet[Row]:
    if viewer is None or not viewer.works_at_desk:
        active = "true"
    return rows if active == "all" else rows.filter(active=active == "true")


def one_of(rows: QuerySet[Row], row_id: int, name: str) -> Row:
    """Raises NotFound."""
    row = rows.filter(pk=row_id).first()
    if row is None:
        raise NotFound(f"There is no such {name}.")
    return row


def get_practitioner_for_owner(owner: User, practitioner_id: int, *, lock: bool = False) -> Practitioner:
    """Active or not. Raises NotFound."""
    return _own_row(Practitioner.objects.all(), owner, practitioner_id, lock=lock, name="practitioner")


def get_service_for_owner(owner: User, service_id: int, *, lock: bool = False) -> Service:
    """Active or not. Raises NotFound."""
    return _own_row(Service.objects.all(), owner, service_id, lock=lock, name="service")


def _own_row(rows: QuerySet[Row], owner: User, row_id: int, *, lock: bool, name: str) -> Row:
    rows = rows.filter(clinic_id=owner.clinic_id) if owner.role == Role.OWNER else rows.none()
    return one_of(rows.select_for_update() if lock else rows, row_id, name)


def schedules_editable_by(user: User) -> QuerySet[Practitioner]:
    """Owner and staff: everybody's of their clinic. A practitioner: their own."""
    practitioners = Practitioner.objects.filter(clinic=user.clinic, active=True)
    match user.role:
        case Role.OWNER | Role.STAFF:
            return practitioners
        case Role.PRACTITIONER:
            return practitioners.filter(user_id=user.pk)
    return practitioners.none()


def get_schedule_for(user: User, practitioner_id: int) -> Practitioner:
    """Whose schedule the user may change. Raises NotFound."""
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


def get_practitioner_for(viewer: User | None, practitioner_id: int) -> Practitioner:
    """With their clinic, which for somebody who is not signed in is thereby named. Raises NotFound."""
    practitioners = Practitioner.objects.filter(active=True).select_related("clinic", "user")
    if viewer is not None and viewer.clinic_id is not None:
        practitioners = practitioners.filter(clinic_id=viewer.clinic_id)
    practitioner = practitioners.filter(pk=practitioner_id).first()
    if practitioner is None:
        raise NotFound("There is no such practitioner.")
    return practitioner


def services_of(clinic: Clinic) -> QuerySet[Service]:
    return Service.objects.filter(clinic_id=clinic.pk, active=True).order_by("name", "id")


def get_service(clinic: Clinic, service_id: int) -> Service:
    service = services_of(clinic).filter(pk=service_id).first()
    if service is None:
        raise NotFound("There is no such service.")
    return service


def practitioners_offering(clinic: Clinic, service: Service | None) -> QuerySet[Practitioner]:
    """Everybody, where no service is asked for."""
    practitioners = practitioners_of(clinic)
    return practitioners if service is None else practitioners.filter(services=service.pk)


def practitioner_ids_offering(clinic: Clinic, service_id: int | None) -> list[int]:
    """The same, by ids alone. One query."""
    practitioners = Practitioner.objects.filter(clinic_id=clinic.pk, active=True)
    offering = practitioners if service_id is None else practitioners.filter(services=service_id)
    return list(offering.values_list("pk", flat=True))


def offers(practitioner: Practitioner, service: Service) -> bool:
    return service.practitioners.filter(pk=practitioner.pk).exists()


@dataclass(frozen=True, slots=True)
class Hours:
    """What the slot engine needs to know of one practitioner's days."""

    blocks: list[Block]
    exceptions: list[DayException]


def hours_of(clinic: Clinic, practitioner_ids: Sequence[int], first_date: date, last_date: date) -> dict[int, Hours]:
    """For starts on these days: with what holds a day before and two after, because a shift may begin the evening
    before and a treatment end on the next day. Two queries for any number of practitioners."""
    blocks = defaultdict(list)
    first_date, last_date = days_later(first_date, -1), days_later(last_date, 2)
    for block in WorkingBlock.objects.filter(practitioner_id__in=practitioner_ids):
        blocks[block.practitioner_id].append(
            Block(
                block.weekday,
                block.start_local,
                block.end_local,
                block.valid_from,
                block.valid_until,
                block.every_weeks,
            )
        )
    exceptions = [
        DayException(row.start_date, row.end_date, row.practitioner_id, row.closed, row.start_local, row.end_local)
        for row in ScheduleException.objects.filter(
            Q(practitioner__isnull=True) | Q(practitioner_id__in=practitioner_ids),
            clinic_id=clinic.pk,
            start_date__lte=last_date,
            end_date__gte=first_date,
        )
    ]
    return {
        practitioner_id: Hours(
            blocks[practitioner_id],
            [exception for exception in exceptions if exception.practitioner_id in (None, practitioner_id)],
        )
        for practitioner_id in practitioner_ids
    }


def busy_intervals(practitioner_ids: Sequence[int], window: Interval, *, now: datetime) -> dict[int, list[Interval]]:
    """Blocked time, buffers included, of active appointments and live holds. Two queries."""
    expired = set(
        Hold.objects.filter(practitioner_id__in=practitioner_ids, expires_at__lte=now).values_list("id", flat=True)
    )
    claims = (
        ClaimedCell.objects.filter(
            practitioner_id__in=practitioner_ids, starts_at__gte=window.start, starts_at__lt=window.end
        )
        .values("practitioner_id", "appointment_id", "hold_id")
        .annotate(first=FIRST, last=LAST)
        .order_by()
    )
    busy = defaultdict(list)
    for claim in claims:
        if claim["hold_id"] not in expired:
            busy[claim["practitioner_id"]].append(Interval(claim["first"], claim["last"] + CELL))
    return busy


def is_claimed(
    practitioner_id: int,
    interval: Interval,
    *,
    except_appointment_id: int | None = None,
    except_hold_id: int | None = None,
) -> bool:
    """Call inside a claim: expired holds are gone by then. One query."""
    cells = ClaimedCell.objects.filter(
        practitioner_id=practitioner_id, starts_at__gte=interval.start, starts_at__lt=interval.end
    )
    if except_appointment_id is not None:
        cells = cells.filter(Q(appointment_id__isnull=True) | ~Q(appointment_id=except_appointment_id))
    if except_hold_id is not None:
        cells = cells.filter(Q(hold_id__isnull=True) | ~Q(hold_id=except_hold_id))
    return cells.exists()


def claimed_among(
    practitioner_id: int, intervals: Sequence[Interval], *, now: datetime, except_appointment_ids: Collection[int] = ()
) -> list[bool]:
    """For each interval whether somebody has a claim in it. Expired holds have none. Two queries for any number."""
    if not intervals:
        return []
    within = reduce(or_, (Q(starts_at__gte=wanted.start, starts_at__lt=wanted.end) for wanted in intervals))
    cells = ClaimedCell.objects.filter(within, practitioner_id=practitioner_id)
    cells = cells.exclude(appointment_id__in=except_appointment_ids)
    expired = set(
        Hold.objects.filter(practitioner_id=practitioner_id, expires_at__lte=now).values_list("id", flat=True)
    )
    taken = [at for at, hold_id in cells.values_list("starts_at", "hold_id") if hold_id not in expired]
    return [any(wanted.start <= at < wanted.end for at in taken) for wanted in intervals]


def claimed_practitioner_ids(practitioner_ids: Sequence[int], interval: Interval) -> set[int]:
    """Whose time in this interval is not free. Call inside a claim. One query."""
    cells = ClaimedCell.objects.filter(
        practitioner_id__in=practitioner_ids, starts_at__gte=interval.start, starts_at__lt=interval.end
    )
    return set(cells.values_list("practitioner_id", flat=True))


def find_hold(token: str, *, now: datetime, clinic: Clinic | None = None) -> Hold | None:
    """The live hold of this token. Who has the token has the hold."""
    holds = Hold.objects.select_related("clinic").filter(token=token, expires_at__gt=now)
    return (holds if clinic is None else holds.filter(clinic=clinic)).first()


def get_hold_for(viewer: User | None, hold_id: int, *, token: str | None) -> Hold:
    """By its token, or as the one who made it. Raises NotFound."""
    holder = Q(token=token) if token else Q(pk__in=[])
    if viewer is not None:
        holder |= Q(user=viewer)
    hold = Hold.objects.filter(holder, pk=hold_id).first()
    if hold is None:
        raise NotFound("There is no such hold.")
    return hold


def policy_of(clinic: Clinic, *, notice_applies: bool = True) -> Policy:
    return Policy(
        zone=zone_of(clinic.timezone),
        slot_minutes=clinic.slot_minutes,
        horizon_days=clinic.horizon_days,
        notice=timedelta(minutes=clinic.notice_minutes if notice_applies else 0),
    )


def treatment_of(clinic: Clinic, service: Service | None) -> Treatment:
    """What is booked: a service, or one slot of the clinic's grid."""
    if service is None:
        return Treatment(minutes=clinic.slot_minutes)
    return Treatment(service.duration_minutes, service.buffer_before_minutes, service.buffer_after_minutes)


def open_slots_of(
    clinic: Clinic,
    practitioners: Iterable[Practitioner],
    *,
    service: Service | None = None,
    treatment: Treatment | None = None,
    first_date: date,
    last_date: date,
    now: datetime,
) -> dict[int, list[Slot]]:
    """Open slots by practitioner id, for a service or for a length of its own. Four queries for any number of
    practitioners and days."""
    # Nothing outside of these days is open, and the calendar's own ends would overflow.
    today = local_date_of(now, zone_of(clinic.timezone))
    first_date, last_date = max(first_date, today), min(last_date, today + timedelta(days=clinic.horizon_days))
    practitioner_ids = [practitioner.pk for practitioner in practitioners]
    policy, treatment = policy_of(clinic), treatment or treatment_of(clinic, service)
    hours = hours_of(clinic, practitioner_ids, first_date, last_date)
    window = _around(first_date, last_date, zone=policy.zone, treatment=treatment)
    busy = busy_intervals(practitioner_ids, window, now=now)
    return {
        practitioner_id: open_slots(
            first_date=first_date,
            last_date=last_date,
            policy=policy,
            treatment=treatment,
            blocks=hours[practitioner_id].blocks,
            exceptions=hours[practitioner_id].exceptions,
            busy=busy.get(practitioner_id, []),
            now=now,
        )
        for practitioner_id in practitioner_ids
    }


def open_times_of(slots: Mapping[int, list[Slot]]) -> dict[Slot, list[int]]:
    """Who is free at each time, from who is free when; in order."""
    free: dict[Slot, list[int]] = defaultdict(list)
    for practitioner_id, of_one in slots.items():
        for slot in of_one:
            free[slot].append(practitioner_id)
    return dict(sorted(free.items(), key=lambda item: item[0].start))


def _around(first_date: date, last_date: date, *, zone: ZoneInfo, treatment: Treatment) -> Interval:
    """What can be in the way of a treatment on these days. An hour to spare, for midnights that the clocks skip."""
    midnight, spare = datetime.min.time(), timedelta(hours=1)
    first = datetime.combine(first_date, midnight, zone).astimezone(UTC)
    last = datetime.combine(last_date + timedelta(days=1), midnight, zone).astimezone(UTC)
    before = timedelta(minutes=treatment.buffer_before_minutes)
    # A start just before midnight blocks the next day.
    after = timedelta(minutes=treatment.minutes + treatment.buffer_after_minutes)
    return Interval(first - before - spare, last + after + spare)
