"""Practitioners of the demo clinic, their hours and services."""

from collections.abc import Sequence
from datetime import date, datetime, time

from clinic.demo.planned import SATURDAY, PlannedPractitioner, PlannedService, Schedule, email_of
from clinic.scheduling.working_hours import Block

HOURS = {
    Schedule.MORNING: (("07:30", "11:00"), ("11:30", "14:00")),
    Schedule.AFTERNOON: (("12:00", "15:30"), ("16:00", "20:00")),
    Schedule.FULL_DAY: (("08:30", "12:30"), ("13:30", "17:30")),
}
SATURDAY_HOURS = (("09:00", "13:00"),)
WEEKEND_DUTY_HOURS = (("08:00", "12:00"), ("12:30", "19:30"))
# A demo that is opened late in the day still shows somebody coming.
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


def plan_practitioners(now: datetime) -> list[PlannedPractitioner]:
    return [
        PlannedPractitioner(
            name=name,
            email=email_of(name.removeprefix("Dr. ")),
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


def plan_services(practitioners: Sequence[PlannedPractitioner]) -> list[PlannedService]:
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
