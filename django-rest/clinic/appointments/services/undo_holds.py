"""Time that the clinic frees stays held for the undo window, or by the offer that the waitlist makes of it.

The desk may book it all the same, which ends the undo. For everybody else it is taken.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

from clinic.accounts.link_tokens import new_token
from clinic.appointments.lifecycle import ACTIVE_STATUSES
from clinic.appointments.models import Appointment
from clinic.appointments.services.effects import Change, Effect, Undoing
from clinic.common.transactions import finish_with
from clinic.scheduling.models import Clinic, Hold
from clinic.scheduling.queries.claims import claimed_cells_among
from clinic.scheduling.services import release_undo_holds
from clinic.scheduling.slots import CELL
from clinic.scheduling.working_hours import Interval


def _keep_freed_time(change: Change) -> None:
    if change.actor.is_clinic and change.can_be_undone and change.told_at > change.now and _freed(change):
        finish_with(keep_freed_time, change)


def _freed(change: Change) -> bool:
    before, after = change.before, change.after
    if before is None or before.status not in ACTIVE_STATUSES or before.blocked_until <= change.now:
        return False
    return after is None or after.status not in ACTIVE_STATUSES or _time_of(before) != _time_of(after)


def _time_of(appointment: Appointment) -> tuple[int, datetime, datetime]:
    return appointment.practitioner_id, appointment.blocked_from, appointment.blocked_until


def keep_freed_time(changes: Sequence[Change]) -> None:
    """Hold what nobody has claimed of it by now. Two statements for any number of appointments."""
    freed = {_time_of(before): (before, change) for change in changes if (before := change.before) is not None}
    claimed = claimed_cells_among([(practitioner_id, Interval(start, end)) for practitioner_id, start, end in freed])
    Hold.objects.bulk_create(
        _hold(before, change, gap)
        for (practitioner_id, start, end), (before, change) in freed.items()
        for gap in _gaps(max(start, _this_cell(change.now)), end, claimed.get(practitioner_id, frozenset()))
    )


def _gaps(start: datetime, end: datetime, claimed: Collection[datetime]) -> Iterator[Interval]:
    began: datetime | None = None
    for number in range((end - start) // CELL):
        cell = start + number * CELL
        if cell not in claimed:
            began = began or cell
        elif began is not None:
            yield Interval(began, cell)
            began = None
    if began is not None:
        yield Interval(began, end)


def _this_cell(now: datetime) -> datetime:
    return now - timedelta(minutes=now.minute % 5, seconds=now.second, microseconds=now.microsecond)


def _hold(before: Appointment, change: Change, gap: Interval) -> Hold:
    return Hold(
        clinic_id=before.clinic_id,
        practitioner_id=before.practitioner_id,
        kept_for_undo=True,
        token=new_token(),  # It is nobody's: only an undo or the desk ends the hold.
        starts_at=gap.start,
        ends_at=gap.end,
        blocked_from=gap.start,
        blocked_until=gap.end,
        expires_at=change.told_at,
        created_at=change.now,
    )


def _can_undo(clinic: Clinic) -> bool:
    return clinic.undo_seconds > 0


def _let_go(undoing: Undoing) -> None:
    release_undo_holds(undoing.claims)


KEEP_FREED_TIME = Effect(run=_keep_freed_time, may_claim=_can_undo, take_back=_let_go)
