"""The course of each visit: its patient, its steps, its ending."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from clinic.appointments.lifecycle import Action, Party, Status
from clinic.demo.diary import DiaryVisit
from clinic.demo.planned import CANCELLATION_NOTICE, DAY, HOUR, MINUTE, PlannedAppointment, PlannedPatient, PlannedStep
from clinic.scheduling.slots import Slot
from clinic.scheduling.working_hours import Interval

ENDED = ((Status.COMPLETED, 78), (Status.CANCELLED, 10), (Status.NO_SHOW, 7), (Status.REJECTED, 5))
ENDED_TODAY = ((Status.COMPLETED, 84), (Status.NO_SHOW, 10), (Status.CANCELLED, 6))
UNDER_WAY = ((Status.CHECKED_IN, 100),)
ABOUT_TO_BEGIN = ((Status.CHECKED_IN, 50), (Status.CONFIRMED, 50))
LATER_TODAY = ((Status.CONFIRMED, 94), (Status.CANCELLED, 6))
# A desk that answers: some requests wait, not weeks of them.
AHEAD = ((Status.CONFIRMED, 83), (Status.PENDING, 8), (Status.CANCELLED, 6), (Status.REJECTED, 3))
# After its end a visit is written down within this time; before its start a patient is in the waiting room for this.
WRITE_UP = 12 * MINUTE
WAITING_ROOM = 20 * MINUTE
# Time enough for a request to be made, decided and cancelled with notice.
MAX_LEAD = 45 * DAY
SHORTEST_LEAD = 2 * HOUR
# A request is answered within a day.
MAX_WAIT = DAY
NOTES = (
    "",
    "",
    "",
    "",
    "First visit",
    "Prefers mornings",
    "Anxious, take time",
    "Sensitive to cold",
    "Allergic to latex",
)
CANCEL_REASONS = ("Feeling ill", "A conflict at work", "Travelling", "Found an earlier time")
REJECT_REASONS = ("Please see your own dentist first", "This needs a longer visit, we will call you")


def assign_endings(
    rng: Random, visits: Sequence[DiaryVisit], *, now: datetime, zone: ZoneInfo
) -> list[tuple[DiaryVisit, Status]]:
    """How each visit goes, in the order of their starts."""
    in_order = sorted(visits, key=lambda visit: (visit.slot.start, visit.practitioner))
    later_today = [visit for visit in in_order if _is_later_today(visit.slot, now=now, zone=zone)]
    undecided = later_today[1::4]  # However few are to come, one of them waits for a decision.
    return [
        (visit, Status.PENDING if visit in undecided else _ending(rng, visit.slot, now=now, zone=zone))
        for visit in in_order
    ]


def _is_later_today(slot: Slot, *, now: datetime, zone: ZoneInfo) -> bool:
    is_today = slot.start.astimezone(zone).date() == now.astimezone(zone).date()
    return is_today and slot.start - WAITING_ROOM > now


def _ending(rng: Random, slot: Slot, *, now: datetime, zone: ZoneInfo) -> Status:
    is_today = slot.start.astimezone(zone).date() == now.astimezone(zone).date()
    chances: Sequence[tuple[Status, int]]
    if slot.end + WRITE_UP <= now:
        chances = ENDED_TODAY if is_today else ENDED
    elif slot.start <= now:
        chances = UNDER_WAY
    elif slot.start - WAITING_ROOM <= now and is_today:
        chances = ABOUT_TO_BEGIN
    elif is_today:
        chances = LATER_TODAY
    else:
        chances = AHEAD
    return rng.choices([status for status, _ in chances], [weight for _, weight in chances])[0]


@dataclass
class Storyteller:
    """Gives each visit a patient and the steps that lead to its ending."""

    rng: Random
    now: datetime
    zone: ZoneInfo
    patients: list[PlannedPatient]
    engaged: defaultdict[int, list[Interval]] = field(default_factory=lambda: defaultdict(list))

    def tell(self, visit: DiaryVisit, ending: Status) -> PlannedAppointment:
        # Only a request waits for a decision, and only who has an account makes one.
        is_request = ending in (Status.PENDING, Status.REJECTED) or self.rng.random() < 0.5
        patient = self._patient(visit.slot, needs_account=is_request)
        booked_at = self._booked_at(visit.slot, is_waiting=ending is Status.PENDING)
        steps = _Steps(self.rng, self.now, visit.slot, booked_at, self.patients[patient].has_account)
        return PlannedAppointment(
            patient=patient,
            practitioner=visit.practitioner,
            service=visit.service,
            starts_at=visit.slot.start,
            booked_at=booked_at,
            booked_by=Party.PATIENT if is_request else Party.STAFF,
            steps=tuple(steps.to(ending, is_request=is_request)),
            status=ending,
            notes=self.rng.choice(NOTES),
        )

    def _patient(self, slot: Slot, *, needs_account: bool) -> int:
        time_of_visit = Interval(slot.start, slot.end)
        while True:
            place = self.rng.randrange(len(self.patients))
            if needs_account and not self.patients[place].has_account:
                continue
            if not any(time_of_visit.overlaps(other) for other in self.engaged[place]):
                self.engaged[place].append(time_of_visit)
                return place

    def _booked_at(self, slot: Slot, *, is_waiting: bool) -> datetime:
        latest = min(slot.start - SHORTEST_LEAD, self.now - MINUTE)
        if is_waiting:
            return _between(self.rng, min(self.now - MAX_WAIT, latest), latest)
        earliest = max(slot.start, self.now) - MAX_LEAD if slot.start > self.now else slot.start - MAX_LEAD
        return _between(self.rng, min(earliest, latest), latest)


@dataclass
class _Steps:
    rng: Random
    now: datetime
    slot: Slot
    booked_at: datetime
    has_account: bool

    def to(self, ending: Status, *, is_request: bool) -> list[PlannedStep]:
        if ending is Status.PENDING:
            return []
        if ending is Status.REJECTED:
            reason = self.rng.choice(REJECT_REASONS)
            return [PlannedStep(Action.REJECT, self._decider(), self._before_start(self.booked_at), reason)]
        steps = []
        agreed_at = self.booked_at
        if is_request:
            agreed_at = self._before_start(self.booked_at)
            steps.append(PlannedStep(Action.CONFIRM, self._decider(), agreed_at))
        if ending is Status.CANCELLED:
            return [*steps, self._cancelled(agreed_at)]
        if self.has_account and self.rng.random() < 0.4:
            steps.append(PlannedStep(Action.CONFIRM, Party.PATIENT, self._before_start(agreed_at)))
        return [*steps, *self._on_the_day(ending)]

    def _on_the_day(self, ending: Status) -> list[PlannedStep]:
        if ending is Status.CONFIRMED:
            return []
        if ending is Status.NO_SHOW:
            missed_at = self.slot.start + self.rng.randint(15, 20) * MINUTE
            return [PlannedStep(Action.NO_SHOW, Party.STAFF, missed_at)]
        came_at = min(self.slot.start - self.rng.randint(0, 8) * MINUTE, self.now)
        came = PlannedStep(Action.CHECK_IN, Party.STAFF, came_at)
        if ending is Status.CHECKED_IN:
            return [came]
        done_at = self.slot.end + self.rng.randint(0, WRITE_UP // MINUTE) * MINUTE
        return [came, PlannedStep(Action.COMPLETE, Party.PRACTITIONER, done_at)]

    def _cancelled(self, agreed_at: datetime) -> PlannedStep:
        reason = self.rng.choice(CANCEL_REASONS)
        at = self._before_start(agreed_at)
        in_time = self.has_account and at + CANCELLATION_NOTICE <= self.slot.start
        return PlannedStep(Action.CANCEL, Party.PATIENT if in_time else Party.STAFF, at, reason)

    def _before_start(self, earliest: datetime) -> datetime:
        return _between(self.rng, earliest, min(self.slot.start - HOUR, self.now))

    def _decider(self) -> Party:
        return self.rng.choice((Party.STAFF, Party.OWNER, Party.PRACTITIONER))


def _between(rng: Random, earliest: datetime, latest: datetime) -> datetime:
    """A whole second; `earliest` where there is no time between."""
    seconds = max(0, int((latest - earliest).total_seconds()))
    return earliest + timedelta(seconds=rng.randint(0, seconds))
