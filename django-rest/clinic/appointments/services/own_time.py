"""A patient's time: in one place at a time, unless the desk allows otherwise for a visit."""

from clinic.accounts.models import Role
from clinic.appointments.actor import Actor, UserActor
from clinic.appointments.lifecycle import ACTIVE_STATUSES
from clinic.appointments.models import Appointment
from clinic.common.errors import PermissionDenied


def is_desk(actor: Actor) -> bool:
    return isinstance(actor, UserActor) and actor.user.role in (Role.OWNER, Role.STAFF, Role.ADMIN)


def check_may_allow_overlap(actor: Actor) -> None:
    if not is_desk(actor):
        raise PermissionDenied("Only owner and staff may let the visits of a patient overlap.")


def claims_patient_anew(before: Appointment, after: Appointment) -> bool:
    """Whether a change makes an appointment claim time of its patient that it has not claimed."""
    if after.allow_overlap or after.status not in ACTIVE_STATUSES:
        return False
    stays = (before.starts_at, before.ends_at) == (after.starts_at, after.ends_at)
    return before.allow_overlap or before.status not in ACTIVE_STATUSES or not stays
