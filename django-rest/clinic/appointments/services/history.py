from datetime import datetime
from typing import Any

from clinic.appointments.actor import Actor, user_of
from clinic.appointments.models import Appointment, AppointmentEvent
from clinic.appointments.services.effects import Change, run_effects
from clinic.common.transactions import transaction_token

CHANGED_EVERY_TIME = frozenset({"version", "updated_at"})
UNRECORDED = frozenset({"reference"}) | {field.name for field in Appointment._meta.concrete_fields if field.generated}


def record(
    appointment: Appointment,
    action: str,
    *,
    actor: Actor,
    now: datetime,
    before: Appointment | None = None,
    after: Appointment | None = None,
    reason: str = "",
    messages_from: datetime | None = None,
) -> AppointmentEvent:
    """Write the history line of a change, then run its effects.

    Call in the change's transaction, after the change is written. No message is sent before `messages_from`.
    """
    event = AppointmentEvent.objects.create(
        clinic_id=appointment.clinic_id,
        appointment_id=appointment.pk,
        action=action,
        from_status=before.status if before else "",
        to_status=after.status if after else "",
        from_starts_at=before.starts_at if before else None,
        to_starts_at=after.starts_at if after else None,
        actor=user_of(actor),
        actor_name=actor.name,
        actor_kind=actor.kind,
        channel=actor.channel,
        reason=reason,
        at=now,
        snapshot=snapshot_of(appointment),
        former=_former_values(before, after) if before is not None and after is not None else None,
        step=transaction_token(),
    )
    change = Change(action, actor, now, before, after, reason, messages_from, event.step)
    run_effects(change.after_undo_window())
    return event


def _former_values(before: Appointment, after: Appointment) -> dict[str, Any]:
    was, now = snapshot_of(before), snapshot_of(after)
    return {name: value for name, value in was.items() if name not in CHANGED_EVERY_TIME and value != now[name]}


def snapshot_of(appointment: Appointment) -> dict[str, Any]:
    """The row's values, kept in case the row is deleted. Without its reference: whoever has it can open the visit."""
    names = [field.attname for field in Appointment._meta.concrete_fields if field.name not in UNRECORDED]
    return {name: as_json(getattr(appointment, name)) for name in names}


def as_json(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
