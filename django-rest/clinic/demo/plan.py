"""The demo clinic on paper: its staff and patients, and the course of each appointment.

Pure and repeatable: the same seed and the same `now` give the same plan. Nothing is written here; `seeding` replays
each appointment's steps through the services with the instants given, and the lifecycle accepts every one of them.
"""

from datetime import UTC, datetime
from random import Random
from zoneinfo import ZoneInfo

from clinic.demo.diary import Diary
from clinic.demo.patients import plan_patients
from clinic.demo.planned import Plan
from clinic.demo.staff import plan_practitioners, plan_services
from clinic.demo.stories import Storyteller, assign_endings


def build_plan(*, seed: int, now: datetime, zone: ZoneInfo) -> Plan:
    rng = Random(seed)  # noqa: S311 - made to be repeated, not to be secret
    now = now.astimezone(UTC).replace(microsecond=0)
    practitioners = plan_practitioners(now.astimezone(zone))
    services = plan_services(practitioners)
    patients = plan_patients(rng)
    visits = Diary(rng, now, zone, practitioners, services).fill()
    storyteller = Storyteller(rng, now, zone, patients)
    appointments = [
        storyteller.tell(visit, ending) for visit, ending in assign_endings(rng, visits, now=now, zone=zone)
    ]
    return Plan(
        practitioners, services, patients, sorted(appointments, key=lambda one: (one.starts_at, one.practitioner))
    )
