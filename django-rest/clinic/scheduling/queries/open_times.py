"""Open slots of practitioners, with the input that the slot engine needs."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from clinic.common.instants import local_date_of, zone_of
from clinic.scheduling.models import (
    Clinic,
    Practitioner,
    Service,
)
from clinic.scheduling.queries.claims import busy_intervals
from clinic.scheduling.queries.hours import hours_of
from clinic.scheduling.slots import Policy, Slot, Treatment, open_slots
from clinic.scheduling.working_hours import Interval


def policy_of(clinic: Clinic, *, notice_applies: bool = True) -> Policy:
    return Policy(
        zone=zone_of(clinic.timezone),
        slot_minutes=clinic.slot_minutes,
        horizon_days=clinic.horizon_days,
        notice=timedelta(minutes=clinic.notice_minutes if notice_applies else 0),
    )


def treatment_of(clinic: Clinic, service: Service | None) -> Treatment:
    """The treatment that is booked: a service, or one slot of the clinic's grid."""
    if service is None:
        return Treatment(minutes=clinic.slot_minutes)
    return Treatment(service.duration_minutes, service.buffer_before_minutes, service.buffer_after_minutes)


def treatment_lasting(clinic: Clinic, service: Service | None, minutes: int | None) -> Treatment:
    """With the length of a visit that has one of its own, and the buffers of its service."""
    treatment = treatment_of(clinic, service)
    return treatment if minutes is None else replace(treatment, minutes=minutes)


def open_slots_of(
    clinic: Clinic,
    practitioners: Iterable[Practitioner],
    *,
    service: Service | None = None,
    treatment: Treatment | None = None,
    first_date: date,
    last_date: date,
    now: datetime,
    for_clinic: bool = False,
) -> dict[int, list[Slot]]:
    """Open slots by practitioner id, for a service or for a length of its own. Four queries for any number of
    practitioners and days. The clinic may book what is only kept in case a step is undone."""
    # Nothing outside of these days is open, and the calendar's own ends would overflow.
    today = local_date_of(now, zone_of(clinic.timezone))
    first_date, last_date = max(first_date, today), min(last_date, today + timedelta(days=clinic.horizon_days))
    practitioner_ids = [practitioner.pk for practitioner in practitioners]
    policy, treatment = policy_of(clinic), treatment or treatment_of(clinic, service)
    hours = hours_of(clinic, practitioner_ids, first_date, last_date)
    window = _around(first_date, last_date, zone=policy.zone, treatment=treatment)
    busy = busy_intervals(practitioner_ids, window, now=now, except_undo_holds=for_clinic)
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
    """Practitioners free at each time, from the free times of each; in order."""
    free: dict[Slot, list[int]] = defaultdict(list)
    for practitioner_id, of_one in slots.items():
        for slot in of_one:
            free[slot].append(practitioner_id)
    return dict(sorted(free.items(), key=lambda item: item[0].start))


def _around(first_date: date, last_date: date, *, zone: ZoneInfo, treatment: Treatment) -> Interval:
    """The interval of rows in the way of a treatment. An hour to spare, for midnights that the clocks skip."""
    midnight, spare = datetime.min.time(), timedelta(hours=1)
    first = datetime.combine(first_date, midnight, zone).astimezone(UTC)
    last = datetime.combine(last_date + timedelta(days=1), midnight, zone).astimezone(UTC)
    before = timedelta(minutes=treatment.buffer_before_minutes)
    # A start just before midnight blocks the next day.
    after = timedelta(minutes=treatment.minutes + treatment.buffer_after_minutes)
    return Interval(first - before - spare, last + after + spare)
