"""Decision about a claim of time: its place and its practitioner, or the reason for a refusal.

Pure: facts in, decision out. The facts are read once, under the claim's locks (`claim_facts`); the decision is written
once (`services.claiming`). Bookings, moves, holds, dates of a series, re-openings and offers decide here.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import Enum, auto
from typing import Protocol
from zoneinfo import ZoneInfo

from clinic.appointments.workload import Workload, in_fair_order
from clinic.common.errors import ChairsideError, HoldExpired, OffGrid, OutsideWorkingHours, OwnAppointment, SlotTaken
from clinic.common.instants import local_date_of, offset_minutes_of
from clinic.scheduling.slots import Grid, Policy, Treatment, blocked_interval, check_start
from clinic.scheduling.working_hours import Hours, Interval

# Id of a visit that is not written yet.
NEW = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Time of a visit, as its row holds it. Blocked time includes the buffers."""

    starts_at: datetime
    ends_at: datetime
    blocked_from: datetime
    blocked_until: datetime
    local_date: date
    utc_offset_minutes: int

    @property
    def blocked(self) -> Interval:
        return Interval(self.blocked_from, self.blocked_until)

    @property
    def of_patient(self) -> Interval:
        return Interval(self.starts_at, self.ends_at)


def place_at(start: datetime, treatment: Treatment, zone: ZoneInfo) -> Place:
    start = start.astimezone(UTC)
    blocked = blocked_interval(start, treatment)
    return Place(
        starts_at=start,
        ends_at=start + timedelta(minutes=treatment.minutes),
        blocked_from=blocked.start,
        blocked_until=blocked.end,
        local_date=local_date_of(start, zone),
        utc_offset_minutes=offset_minutes_of(start, zone),
    )


class TreatmentTimes(Protocol):
    """A place, an appointment, or a time that is kept for one."""

    @property
    def starts_at(self) -> datetime: ...
    @property
    def ends_at(self) -> datetime: ...
    @property
    def blocked_from(self) -> datetime: ...
    @property
    def blocked_until(self) -> datetime: ...


def booked_treatment(timed: TreatmentTimes) -> Treatment:
    """Length and buffers as booked: a later change of the service does not change them."""

    def minutes(length: timedelta) -> int:
        return int(length.total_seconds()) // 60

    return Treatment(
        minutes(timed.ends_at - timed.starts_at),
        minutes(timed.starts_at - timed.blocked_from),
        minutes(timed.blocked_until - timed.ends_at),
    )


@dataclass(frozen=True, slots=True)
class StartRules:
    """Rules for a new start, of patients or of the clinic's people. `now`: earlier starts are past."""

    policy: Policy
    grid: Grid
    now: datetime
    outside_hours: bool = False


class OwnTime(Enum):
    """Other visits of the patient at the same time."""

    REFUSED = auto()
    # Beside a visit that may overlap, a former place is taken again.
    BESIDE_ALLOWED = auto()
    ALLOWED = auto()


@dataclass(frozen=True, slots=True)
class SlotRequest:
    """Time that is asked for, with any of these practitioners; `is_named` if the request names the only one.

    Without rules only free time is needed: a visit gets back a place that it had. `hold_id` is the hold that is booked:
    its time counts as free. `except_visit_ids` are visits that change in the same step. The clinic takes time that is
    only kept in case a step is undone: `takes_undo_holds`.
    """

    place: Place
    practitioner_ids: Sequence[int]
    now: datetime
    rules: StartRules | None = None
    is_named: bool = True
    takes_undo_holds: bool = False
    own_time: OwnTime = OwnTime.ALLOWED
    patient_id: int | None = None
    hold_id: int | None = None
    except_visit_ids: Collection[int] = ()

    def without(self, practitioner_id: int) -> "SlotRequest":
        return replace(self, practitioner_ids=[one for one in self.practitioner_ids if one != practitioner_id])


@dataclass(frozen=True, slots=True)
class TakenTime:
    """Claimed time of a practitioner: of a visit, or of a hold, which expires and may be kept for an undo alone."""

    practitioner_id: int
    interval: Interval
    visit_id: int | None = None
    hold_id: int | None = None
    expires_at: datetime | None = None
    kept_for_undo: bool = False

    def is_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True, slots=True)
class PatientVisit:
    """Active visit of a patient."""

    visit_id: int
    patient_id: int
    interval: Interval
    may_overlap: bool = False


@dataclass(frozen=True, slots=True)
class ClaimFacts:
    """Facts for one decision or several, as they stand under the claim's locks. `workloads` are of a choice alone;
    `is_repeated`: the same person, by name and phone as well, has a visit at this start with one of the candidates.
    """

    hours: Mapping[int, Hours]
    taken: Sequence[TakenTime] = ()
    visits: Sequence[PatientVisit] = ()
    workloads: Sequence[Workload] = ()
    is_repeated: bool = False


@dataclass(frozen=True, slots=True)
class SlotAssignment:
    """The place and the practitioner. `released_hold_ids`: holds in its way that end for it, expired or kept for an
    undo. `overlaps`: the patient has another visit then, which the request allows."""

    practitioner_id: int
    place: Place
    released_hold_ids: tuple[int, ...] = ()
    overlaps: bool = False


def assign_slot(request: SlotRequest, facts: ClaimFacts) -> SlotAssignment:
    """The first practitioner in the fair order who works and is free.

    Raises a BookingRuleError where nobody works then, HoldExpired, SlotTaken where nobody is free, and OwnAppointment
    with the ids of the patient's other visits. A request that names nobody is refused for the patient's own visit
    first: a second click chooses nobody else.
    """
    working = _working(request, facts)
    if not request.is_named:
        _check_own_time(request, facts)
    assignment = _first_free(request, facts, working)
    if request.is_named:
        _check_own_time(request, facts)
    return assignment


def assign_each(requests: Sequence[SlotRequest], facts: ClaimFacts) -> list[SlotAssignment | ChairsideError]:
    """Several places in one step: for each its assignment or its refusal. Each counts as taken for those after it."""
    decisions: list[SlotAssignment | ChairsideError] = []
    for request in requests:
        try:
            decisions.append(assign_slot(request, facts))
        except ChairsideError as refusal:
            decisions.append(refusal)
        facts = _as_if_claimed(request, facts)
    return decisions


def _as_if_claimed(request: SlotRequest, facts: ClaimFacts) -> ClaimFacts:
    taken = [TakenTime(one, request.place.blocked) for one in request.practitioner_ids]
    visits = [] if request.patient_id is None else [PatientVisit(NEW, request.patient_id, request.place.of_patient)]
    return replace(facts, taken=[*facts.taken, *taken], visits=[*facts.visits, *visits])


def _working(request: SlotRequest, facts: ClaimFacts) -> list[int]:
    """Past, notice and horizon are the same for everybody, and raised at once."""
    if request.rules is None:
        return list(request.practitioner_ids)
    working: list[int] = []
    refusal: OffGrid | OutsideWorkingHours | None = None
    for practitioner_id in request.practitioner_ids:
        try:
            _check_rules(request.place, request.rules, facts.hours[practitioner_id])
            working.append(practitioner_id)
        except (OffGrid, OutsideWorkingHours) as error:
            refusal = refusal or error
    if refusal is not None and not working:
        raise refusal
    return working


def _check_rules(place: Place, rules: StartRules, hours: Hours) -> None:
    check_start(
        place.starts_at,
        policy=rules.policy,
        treatment=booked_treatment(place),
        blocks=hours.blocks,
        exceptions=hours.exceptions,
        now=rules.now,
        grid=rules.grid,
        outside_hours=rules.outside_hours,
    )


def _check_own_time(request: SlotRequest, facts: ClaimFacts) -> None:
    if request.own_time is OwnTime.ALLOWED:
        return
    visit_ids = _other_visit_ids(request, facts)
    if visit_ids or facts.is_repeated:
        raise OwnAppointment(attr="start", visit_ids=visit_ids)


def _other_visit_ids(request: SlotRequest, facts: ClaimFacts) -> tuple[int, ...]:
    return tuple(
        visit.visit_id
        for visit in facts.visits
        if visit.patient_id == request.patient_id
        and visit.visit_id not in request.except_visit_ids
        and visit.interval.overlaps(request.place.of_patient)
        and not (visit.may_overlap and request.own_time is OwnTime.BESIDE_ALLOWED)
    )


def _first_free(request: SlotRequest, facts: ClaimFacts, working: Sequence[int]) -> SlotAssignment:
    in_the_way = {one: _in_the_way(request, facts, one) for one in working}
    if request.hold_id is not None and not any(taken.hold_id == request.hold_id for taken in facts.taken):
        raise HoldExpired
    free = [one for one, taken in in_the_way.items() if all(time.is_expired(request.now) for time in taken)]
    if not free and request.takes_undo_holds:
        free = [one for one, taken in in_the_way.items() if all(_ends_for_clinic(time, request.now) for time in taken)]
    if not free:
        raise SlotTaken(attr="start")
    chosen = free[0] if len(free) == 1 else _least_booked(free, facts.workloads)
    released = tuple(time.hold_id for time in in_the_way[chosen] if time.hold_id is not None)
    return SlotAssignment(chosen, request.place, released, bool(_other_visit_ids(request, facts)))


def _in_the_way(request: SlotRequest, facts: ClaimFacts, practitioner_id: int) -> list[TakenTime]:
    return [
        taken
        for taken in facts.taken
        if taken.practitioner_id == practitioner_id
        and taken.interval.overlaps(request.place.blocked)
        and not (taken.hold_id is not None and taken.hold_id == request.hold_id)
        and taken.visit_id not in request.except_visit_ids
    ]


def _ends_for_clinic(taken: TakenTime, now: datetime) -> bool:
    return taken.kept_for_undo or taken.is_expired(now)


def _least_booked(practitioner_ids: Sequence[int], workloads: Sequence[Workload]) -> int:
    return in_fair_order(one for one in workloads if one.practitioner_id in practitioner_ids)[0]
