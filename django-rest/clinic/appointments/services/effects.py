"""Effects of a change of an appointment in other apps: run in the change's own transaction.

`settings.APPOINTMENT_EFFECTS` names the effects, in order. This app does not know them: the waitlist and the messages
stand above it. An effect that raises undoes the change; one that must not do so catches its own errors.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from clinic.appointments.actor import Actor
from clinic.appointments.lifecycle import UNDOABLE
from clinic.appointments.models import ActorKind, Appointment, Channel
from clinic.scheduling.models import Clinic
from clinic.scheduling.services import lock_practitioners
from clinic.scheduling.working_hours import Interval


@dataclass(frozen=True, slots=True)
class Change:
    """One recorded change, already written. `before` is None for a new appointment, `after` for one whose row is gone.

    `messages_from`: nobody is told of it before; None: at once. `step` is the same for all that is changed in one
    transaction.
    """

    action: str
    actor: Actor
    now: datetime
    before: Appointment | None
    after: Appointment | None
    reason: str = ""
    messages_from: datetime | None = None
    step: str = ""

    @property
    def can_be_undone(self) -> bool:
        """Within the clinic's undo window. An answer to an SMS is sent at once, and made-up data is told nobody."""
        is_told_at_once = self.actor.kind == ActorKind.PATIENT_SMS or self.actor.channel == Channel.COMMAND
        return self.action in UNDOABLE and self.before is not None and not is_told_at_once

    @property
    def told_at(self) -> datetime:
        """From when on others may be told."""
        return max(self.now, self.messages_from or self.now)

    def after_undo_window(self) -> "Change":
        """Told at the end of the clinic's undo window, if it can be undone."""
        appointment = self.after or self.before
        if self.messages_from is not None or appointment is None or not self.can_be_undone:
            return self
        return replace(self, messages_from=self.now + timedelta(seconds=appointment.clinic.undo_seconds))


@dataclass(frozen=True, slots=True)
class Undoing:
    """A step that is being undone. `claims`: the time that its appointments take again, by practitioner; `versions`: of
    each appointment after it."""

    step: str
    actor: Actor
    now: datetime
    claims: Collection[tuple[int, Interval]]
    versions: Mapping[int, int]


def _never(_: Clinic) -> bool:
    return False


def _nothing(_: Undoing) -> None:
    """For effects that leave nothing behind."""


@dataclass(frozen=True, slots=True)
class Effect:
    """`may_claim`: whether it may claim, in this clinic, the time that a change frees. `take_back` runs before a step
    is undone: with the practitioners and appointments locked, and before anything is claimed. It may raise UndoOver."""

    run: Callable[[Change], None]
    may_claim: Callable[[Clinic], bool] = _never
    take_back: Callable[[Undoing], None] = _nothing


@cache
def _effects() -> tuple[Effect, ...]:
    return tuple(import_string(name) for name in settings.APPOINTMENT_EFFECTS)


def run_effects(change: Change) -> None:
    for effect in _effects():
        effect.run(change)


def take_back_effects(undoing: Undoing) -> None:
    for effect in _effects():
        effect.take_back(undoing)


def lock_what_effects_may_claim(clinic: Clinic, practitioner_ids: Collection[int], *, now: datetime) -> None:
    """Freeing time needs no lock, but to give it on at once is a claim, and a claim locks practitioners before any
    appointment. So whoever frees time calls this first: it locks only where an effect may claim."""
    if any(effect.may_claim(clinic) for effect in _effects()):
        lock_practitioners(clinic, practitioner_ids, now=now, also_inactive=True)
