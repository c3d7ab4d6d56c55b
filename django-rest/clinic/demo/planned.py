"""The parts of a plan, and the policy of the clinic that it keeps to."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from clinic.appointments.lifecycle import Action, Party, Status
from clinic.scheduling.slots import Treatment
from clinic.scheduling.working_hours import Block

# The clinic's policy that the plan keeps to.
SLOT_MINUTES = 30
CANCELLATION_NOTICE = timedelta(hours=24)
NO_SHOW_AFTER = timedelta(minutes=15)
EMAIL_DOMAIN = "demo.chairside.example"
# 555-0100 to 555-0199 are set aside for fiction in every North American area code.
PHONE_REGION = "US"
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


def email_of(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.lower().translate(str.maketrans("øłı", "oli")))
    return f"{plain.encode('ascii', 'ignore').decode().replace(' ', '.')}@{EMAIL_DOMAIN}"
