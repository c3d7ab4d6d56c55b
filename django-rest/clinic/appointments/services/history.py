from datetime import datetime
from typing import Any

from clinic.appointments.actor import Actor
from clinic.appointments.models import Appointment, AppointmentEvent
from clinic.appointments.services.effects import Change, run_effects


def record(
    appointment: Appointment,
    action: str,
    *,
    actor: Actor,
    now: datetime,
    before: Appointment | None = None,
    after: Appointment | None = None,
    reason: str = "",
) -> AppointmentEvent:
    """Write the line of history that belongs to a change, then what follows from it (`effects`).

    Call in the change's transaction, after the change is written.
    """
    event = AppointmentEvent.objects.create(
        clinic_id=appointment.clinic_id,
        appointment_id=appointment.pk,
        action=action,
        from_status=before.status if before else "",
        to_status=after.status if after else "",
        from_starts_at=before.starts_at if before else None,
        to_starts_at=after.starts_at if after else None,
        actor=actor.user,
        actor_name=actor.name,
        actor_kind=actor.kind,
        channel=actor.channel,
        reason=reason,
        at=now,
        snapshot=snapshot_of(appointment),
    )
    run_effects(Change(action, actor, now, before, after, reason))
    return event


def snapshot_of(appointment: Appointment) -> dict[str, Any]:
    """The row as it stands, for the day it is gone."""
    names = [field.attname for field in Appointment._meta.concrete_fields if not field.generated]
    return {name: _as_json(getattr(appointment, name)) for name in names}


def _as_json(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
