"""What follows from a change of an appointment, in other apps: run in the change's own transaction.

`settings.APPOINTMENT_EFFECTS` names the effects, in order. This app does not know them: the waitlist and the messages
stand above it. An effect that raises undoes the change; one that must not do so catches its own errors.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from clinic.appointments.actor import Actor
from clinic.appointments.models import Appointment
from clinic.scheduling.models import Clinic
from clinic.scheduling.services import lock_practitioners


@dataclass(frozen=True, slots=True)
class Change:
    """One recorded change, already written. `before` is None for a new appointment, `after` for a deleted one."""

    action: str
    actor: Actor
    now: datetime
    before: Appointment | None
    after: Appointment | None
    reason: str = ""


def _never(_: Clinic) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Effect:
    """`may_claim`: whether it may claim, in this clinic, the time that a change frees."""

    run: Callable[[Change], None]
    may_claim: Callable[[Clinic], bool] = _never


@cache
def _effects() -> tuple[Effect, ...]:
    return tuple(import_string(name) for name in settings.APPOINTMENT_EFFECTS)


def run_effects(change: Change) -> None:
    for effect in _effects():
        effect.run(change)


def lock_what_effects_may_claim(clinic: Clinic, practitioner_ids: Collection[int], *, now: datetime) -> None:
    """Freeing time needs no lock, but to give it on at once is a claim, and a claim locks practitioners before any
    appointment. So whoever frees time calls this first: it locks only where an effect may claim."""
    if any(effect.may_claim(clinic) for effect in _effects()):
        lock_practitioners(clinic, practitioner_ids, now=now, also_inactive=True)
