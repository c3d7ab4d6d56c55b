"""The demo clinic on paper: who works there, who comes, and how each appointment went.

Pure and repeatable: the same seed and the same `now` give the same plan. Nothing is written here; whoever seeds replays
each appointment's steps through the services with the instants given, and the lifecycle accepts every one of them.
"""

import math
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from random import Random
from zoneinfo import ZoneInfo

from clinic.appointments.lifecycle import Action, Party, Status
from clinic.scheduling.slots import Block, Interval, Policy, Slot, Treatment, blocked_interval, open_slots

# The clinic's policy that the plan keeps to.
SLOT_MINUTES = 30
CANCELLATION_NOTICE = timedelta(hours=24)
NO_SHOW_AFTER = timedelta(minutes=15)

EMAIL_DOMAIN = "demo.chairside.example"
# 555-0100 to 555-0199 are set aside for fiction in every North American area code.
PHONE_REGION = "US"
PHONE_PREFIXES = ("+121255501", "+164655501")

APPOINTMENTS = 600
PAST_APPOINTMENTS = 420
PAST_DAYS = 181
FUTURE_DAYS = 29
PATIENTS = 120
GUESTS = 18
TODAY_ON_A_WEEKDAY = 44
TODAY_ON_A_WEEKEND = 18
AT_LEAST_ON_EACH_SIDE_OF_NOW = 6
AT_LEAST_UNDER_WAY = 3
SATURDAY = 5

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Schedule(StrEnum):
    MORNING = "morning"
    AFTERNOON = "afternoon"
    FULL_DAY = "full_day"


@dataclass(frozen=True, slots=True)
class PlannedPractitioner:
    name: str
    email: str
    specialisation: str
    schedule: Schedule
    color: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class PlannedService:
    """`practitioners` are places in `Plan.practitioners`."""

    name: str
    duration_minutes: int
    buffer_before_minutes: int
    buffer_after_minutes: int
    color: str
    practitioners: tuple[int, ...]

    @property
    def treatment(self) -> Treatment:
        return Treatment(self.duration_minutes, self.buffer_before_minutes, self.buffer_after_minutes)


@dataclass(frozen=True, slots=True)
class PlannedPatient:
    """One of a family has the phone (`phone_is_own`), the others only share it."""

    name: str
    email: str
    phone: str
    phone_is_own: bool
    has_account: bool


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A patient's CONFIRM is, as everywhere, the promise to come."""

    action: Action
    party: Party
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PlannedAppointment:
    """Booked by STAFF it starts confirmed, booked by PATIENT it starts pending; `status` is where the steps lead."""

    patient: int
    practitioner: int
    service: int
    starts_at: datetime
    booked_at: datetime
    booked_by: Party
    steps: tuple[PlannedStep, ...]
    status: Status
    notes: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Appointments come in the order of their starts."""

    practitioners: list[PlannedPractitioner]
    services: list[PlannedService]
    patients: list[PlannedPatient]
    appointments: list[PlannedAppointment]
    phone_region: str = PHONE_REGION


def build_plan(*, seed: int, now: datetime, zone: ZoneInfo) -> Plan:
    rng = Random(seed)  # noqa: S311 - made to be repeated, not to be secret
    now = now.astimezone(UTC).replace(microsecond=0)
    practitioners = _practitioners(now.astimezone(zone))
    services = _services(practitioners)
    patients = _patients(rng)
    visits = _Diary(rng, now, zone, practitioners, services).fill()
    storyteller = _Storyteller(rng, now, zone, patients)
    appointments = [storyteller.tell(visit, story) for visit, story in _cast(rng, visits, now=now, zone=zone)]
    return Plan(
        practitioners, services, patients, sorted(appointments, key=lambda one: (one.starts_at, one.practitioner))
    )


# Who works there

HOURS = {
    Schedule.MORNING: (("07:30", "11:00"), ("11:30", "14:00")),
    Schedule.AFTERNOON: (("12:00", "15:30"), ("16:00", "20:00")),
    Schedule.FULL_DAY: (("08:30", "12:30"), ("13:30", "17:30")),
}
SATURDAY_HOURS = (("09:00", "13:00"),)
WEEKEND_DUTY_HOURS = (("08:00", "12:00"), ("12:30", "19:30"))
# Whoever opens the demo late in the day still sees somebody come.
EVENING = 16
EVENING_DUTY_HOURS = (("20:00", "23:30"),)

# Name, specialisation, schedule, colour.
PRACTITIONERS = (
    ("Dr. Amara Osei", "General dentistry", Schedule.FULL_DAY, "#2563eb"),
    ("Dr. Henrik Sandvik", "Orthodontics", Schedule.MORNING, "#7c3aed"),
    ("Dr. Leila Farahani", "Periodontics", Schedule.AFTERNOON, "#db2777"),
    ("Dr. Mateo Quiroga", "Endodontics", Schedule.FULL_DAY, "#dc2626"),
    ("Dr. Priya Raman", "Oral surgery", Schedule.MORNING, "#ea580c"),
    ("Dr. Noah Lindgren", "Paediatric dentistry", Schedule.FULL_DAY, "#ca8a04"),
    ("Dr. Yuki Hamasaki", "Prosthodontics", Schedule.AFTERNOON, "#16a34a"),
    ("Dr. Zofia Wrona", "Implantology", Schedule.MORNING, "#0d9488"),
    ("Dr. Tevita Fonoti", "Cosmetic dentistry", Schedule.AFTERNOON, "#0891b2"),
    ("Imani Clarke", "Dental hygiene", Schedule.FULL_DAY, "#4b5563"),
)
ON_SATURDAYS = ("General dentistry", "Paediatric dentistry", "Dental hygiene")
ON_WEEKEND_DUTY = ("Endodontics", "Oral surgery", "Implantology", "Cosmetic dentistry")

# Name, minutes, buffer before, buffer after, colour, weight, who offers it.
SERVICES: tuple[tuple[str, int, int, int, str, int, tuple[str, ...]], ...] = (
    ("Check-up", 30, 0, 0, "#60a5fa", 6, tuple(row[1] for row in PRACTITIONERS if row[1] != "Dental hygiene")),
    ("Emergency visit", 20, 0, 10, "#f87171", 1, tuple(row[1] for row in PRACTITIONERS if row[1] != "Dental hygiene")),
    ("Cleaning", 45, 0, 10, "#34d399", 5, ("Dental hygiene", "General dentistry", "Periodontics")),
    ("Fluoride treatment", 20, 0, 0, "#a3e635", 2, ("Dental hygiene", "Paediatric dentistry")),
    (
        "Filling",
        50,
        0,
        5,
        "#fbbf24",
        3,
        ("General dentistry", "Endodontics", "Paediatric dentistry", "Cosmetic dentistry"),
    ),
    ("Root canal", 90, 10, 15, "#fb923c", 2, ("Endodontics", "Oral surgery")),
    ("Implant and crown", 75, 5, 15, "#2dd4bf", 2, ("Prosthodontics", "Implantology", "Cosmetic dentistry")),
    ("Braces adjustment", 40, 0, 0, "#c084fc", 4, ("Orthodontics",)),
)


def _blocks(weekday: int, hours: tuple[tuple[str, str], ...], only_on: date | None = None) -> list[Block]:
    return [
        Block(weekday, time.fromisoformat(start), time.fromisoformat(end), only_on, only_on) for start, end in hours
    ]


def _practitioners(now: datetime) -> list[PlannedPractitioner]:
    return [
        PlannedPractitioner(
            name=name,
            email=_email(name.removeprefix("Dr. ")),
            specialisation=specialisation,
            schedule=schedule,
            color=color,
            blocks=tuple(_week(specialisation, schedule, now)),
        )
        for name, specialisation, schedule, color in PRACTITIONERS
    ]


def _week(specialisation: str, schedule: Schedule, now: datetime) -> list[Block]:
    today = now.date()
    week = [block for weekday in range(SATURDAY) for block in _blocks(weekday, HOURS[schedule])]
    if specialisation in ON_SATURDAYS:
        week += _blocks(SATURDAY, SATURDAY_HOURS)
    if specialisation in ON_WEEKEND_DUTY and today.weekday() >= SATURDAY:
        week += _blocks(today.weekday(), WEEKEND_DUTY_HOURS, only_on=today)
    if specialisation in ON_WEEKEND_DUTY and now.hour >= EVENING:
        week += _blocks(today.weekday(), EVENING_DUTY_HOURS, only_on=today)
    return week


def _services(practitioners: Sequence[PlannedPractitioner]) -> list[PlannedService]:
    return [
        PlannedService(
            name=name,
            duration_minutes=minutes,
            buffer_before_minutes=before,
            buffer_after_minutes=after,
            color=color,
            practitioners=tuple(
                place for place, practitioner in enumerate(practitioners) if practitioner.specialisation in offered_by
            ),
        )
        for name, minutes, before, after, color, _, offered_by in SERVICES
    ]


# Who comes

FIRST_NAMES = (
    "Aaliyah Abebe Agnieszka Ahmed Aiko Alejandra Anders Anjali Arjun Astrid Ayşe Beatriz Benedikt Bilal Camille Chidi "
    "Chloé Dalia Dmitri Edith Efua Elias Esther Fatima Femi Finn Freya Gabriel Giulia Hana Hassan Ines Isla Ivo Jamal "
    "Jin Joaquín Kaia Kenji Kwame Lars Leilani Lin Lucía Malik Marta Mei Mohamed Nadia Nia Niko Oluwaseun Omar Paloma "
    "Rafael Ravi Renée Rosa Samira Sanjay Sofia Soren Tamar Thandiwe Tomás Uma Valentina Viktor Wanjiru Xavier Yara Zoë"
).split()
LAST_NAMES = (
    "Abara Achterberg Adeyemi Aguilar Akhtar Almeida Andersen Baptiste Barzani Bautista Bellini Bergström Boateng "
    "Castellanos Chaudhry Chen Costa Dahl Danso Delacroix Desai Duarte Eriksen Esposito Fernández Fofana Fujimoto "
    "Ganesan Gutiérrez Haddad Halloran Hoang Ibrahim Ito Jansen Kamara Kapoor Kaya Kim Kovač Laurent Lindqvist Mbeki "
    "Mendoza Moreau Nakamura Nguyen Novák Obi Okonkwo Oliveira Park Petrova Popescu Rahman Rossi Saito Santos Sharma "
    "Silva Sørensen Tanaka Tremblay Vargas Wójcik Yilmaz Zhang Zimmermann"
).split()
SHARES_A_FAMILY_PHONE = 0.15


def _patients(rng: Random) -> list[PlannedPatient]:
    guests = set(rng.sample(range(PATIENTS), GUESTS))
    numbers = [f"{prefix}{number:02}" for prefix in PHONE_PREFIXES for number in range(100)]
    names: dict[str, tuple[str, bool]] = {}
    last_name, phone = "", ""
    while len(names) < PATIENTS:
        alone = not names or rng.random() >= SHARES_A_FAMILY_PHONE
        if alone:
            last_name, phone = rng.choice(LAST_NAMES), numbers.pop(0)
        name = f"{rng.choice(FIRST_NAMES)} {last_name}"
        while name in names:
            name = f"{rng.choice(FIRST_NAMES)} {last_name}"
        names[name] = (phone, alone)
    return [
        PlannedPatient(name, _email(name), phone, phone_is_own, has_account=place not in guests)
        for place, (name, (phone, phone_is_own)) in enumerate(names.items())
    ]


def _email(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.lower().translate(str.maketrans("øłı", "oli")))
    return f"{plain.encode('ascii', 'ignore').decode().replace(' ', '.')}@{EMAIL_DOMAIN}"


# When they come


@dataclass(frozen=True, slots=True)
class _Visit:
    practitioner: int
    service: int
    slot: Slot


@dataclass
class _Diary:
    """Fills days with visits that a patient could have found as open slots."""

    rng: Random
    now: datetime
    zone: ZoneInfo
    practitioners: list[PlannedPractitioner]
    services: list[PlannedService]
    visits: list[_Visit] = field(default_factory=list)
    taken: defaultdict[tuple[int, date], list[Interval]] = field(default_factory=lambda: defaultdict(list))
    bookings: Counter[int] = field(default_factory=Counter)

    def fill(self) -> list[_Visit]:
        today = self.now.astimezone(self.zone).date()
        self._fill_today(today)
        started = sum(visit.slot.start <= self.now for visit in self.visits)
        past = [today - number * DAY for number in range(1, PAST_DAYS + 1)]
        future = [today + number * DAY for number in range(1, FUTURE_DAYS + 1)]
        # A clinic that grows: more in the last months than in the first, more tomorrow than in four weeks.
        growing = [_pull(day) * (1.5 - number / PAST_DAYS) for number, day in enumerate(past)]
        self._fill_days(past, growing, PAST_APPOINTMENTS - started)
        fading = [_pull(day) * math.exp(-number / FUTURE_DAYS) for number, day in enumerate(future)]
        self._fill_days(future, fading, APPOINTMENTS - len(self.visits))
        return self.visits

    def _fill_today(self, today: date) -> None:
        for _ in range(AT_LEAST_UNDER_WAY):
            self._add(today, self._is_under_way)
        for is_due in (self._has_started, self._is_ahead):
            for _ in range(AT_LEAST_ON_EACH_SIDE_OF_NOW):
                self._add(today, is_due)
        wanted = TODAY_ON_A_WEEKDAY if today.weekday() < SATURDAY else TODAY_ON_A_WEEKEND
        while len(self.visits) < wanted and self._add(today):
            pass

    def _fill_days(self, days: Sequence[date], weights: Sequence[float], count: int) -> None:
        target = len(self.visits) + count
        while len(self.visits) < target:
            self._add(self.rng.choices(days, weights)[0])

    def _add(self, day: date, is_due: Callable[[Slot], bool] = lambda _: True) -> bool:
        """One more visit on the day, by somebody who works then and has had few. False when there is no room."""
        for practitioner in self._by_bookings():
            offered = [place for place, service in enumerate(self.services) if practitioner in service.practitioners]
            service = self.rng.choices(offered, [SERVICES[place][5] for place in offered])[0]
            slots = [slot for slot in self._open(day, practitioner, service) if is_due(slot)]
            if slots:
                self._take(day, _Visit(practitioner, service, self.rng.choice(slots)))
                return True
        return False

    def _by_bookings(self) -> list[int]:
        shuffled = self.rng.sample(range(len(self.practitioners)), len(self.practitioners))
        return sorted(shuffled, key=lambda place: self.bookings[place] + self.rng.randint(0, 20))

    def _open(self, day: date, practitioner: int, service: int) -> list[Slot]:
        return open_slots(
            first_date=day,
            last_date=day,
            policy=Policy(self.zone, SLOT_MINUTES, horizon_days=2, notice=timedelta()),
            treatment=self.services[service].treatment,
            blocks=self.practitioners[practitioner].blocks,
            exceptions=[],
            busy=self.taken[practitioner, day],
            now=datetime.combine(day, time.min, self.zone) - DAY,
        )

    def _take(self, day: date, visit: _Visit) -> None:
        treatment = self.services[visit.service].treatment
        self.taken[visit.practitioner, day].append(blocked_interval(visit.slot.start, treatment))
        self.bookings[visit.practitioner] += 1
        self.visits.append(visit)

    def _is_under_way(self, slot: Slot) -> bool:
        return slot.start <= self.now < slot.end

    def _has_started(self, slot: Slot) -> bool:
        return slot.start <= self.now

    def _is_ahead(self, slot: Slot) -> bool:
        return slot.start > self.now


def _pull(day: date) -> float:
    return {SATURDAY: 0.25, SATURDAY + 1: 0.0}.get(day.weekday(), 1.0)


# How it went

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
LONGEST_LEAD = 45 * DAY
SHORTEST_LEAD = 2 * HOUR
# A request is answered within a day.
LONGEST_WAIT = DAY

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


def _cast(rng: Random, visits: Sequence[_Visit], *, now: datetime, zone: ZoneInfo) -> list[tuple[_Visit, Status]]:
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
class _Storyteller:
    """Gives each visit a patient and the steps that lead to its ending."""

    rng: Random
    now: datetime
    zone: ZoneInfo
    patients: list[PlannedPatient]
    engaged: defaultdict[int, list[Interval]] = field(default_factory=lambda: defaultdict(list))

    def tell(self, visit: _Visit, ending: Status) -> PlannedAppointment:
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
            return _between(self.rng, min(self.now - LONGEST_WAIT, latest), latest)
        earliest = max(slot.start, self.now) - LONGEST_LEAD if slot.start > self.now else slot.start - LONGEST_LEAD
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
