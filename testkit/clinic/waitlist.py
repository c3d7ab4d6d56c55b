"""Patients on the waitlist."""

from datetime import UTC, datetime
from typing import Any

from clinic.appointments.actor import UserActor
from clinic.people.models import Patient
from clinic.waitlist.models import WaitlistEntry
from clinic.waitlist.services.entries import Wishes, join_waitlist

from testkit.clinic.times import in_days
from testkit.clinic.world import World, fresh


def wait(world: World, *, patient: Patient | None = None, **more: Any) -> WaitlistEntry:
    wishes = {"first_date": in_days(2)(9).date(), "last_date": in_days(5)(9).date(), **more}
    return join_waitlist(
        actor=UserActor(fresh(world.sam)),
        clinic=world.clinic,
        patient_id=(patient or world.paula.patient).pk,
        wishes=Wishes(**wishes),
        now=datetime.now(UTC),
    )
