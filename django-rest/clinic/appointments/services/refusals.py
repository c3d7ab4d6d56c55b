"""Details of a refused claim: the nearest open times, and the visits of the patient in its way.

They take some milliseconds to read, so they are read when the claim's locks are gone (`ChairsideError.explain`).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from clinic.appointments.actor import Actor, UserActor
from clinic.appointments.models import Appointment
from clinic.appointments.queries import appointments_visible_to
from clinic.appointments.services.briefs import MAX_LISTED, list_of
from clinic.appointments.slot_assignment import booked_treatment
from clinic.common.errors import OwnAppointment, SlotTaken
from clinic.common.instants import local_date_of, say_minute, zone_of
from clinic.scheduling.models import Clinic
from clinic.scheduling.queries.open_times import open_slots_of, treatment_of
from clinic.scheduling.queries.practitioners import get_service, practitioners_offering
from clinic.scheduling.slots import Treatment, nearest_open

NEAREST_WITHIN = timedelta(days=7)

Nearest = Callable[[], list[dict[str, Any]]]


@contextmanager
def explained(actor: Actor | None, nearest: Nearest) -> Iterator[None]:
    """Around a claim, inside its service: SlotTaken names the nearest open times, OwnAppointment the visits that the
    actor may see."""
    try:
        yield
    except SlotTaken as refusal:
        refusal.explain_later(lambda: {"nearest": nearest()})
        raise
    except OwnAppointment as refusal:
        if refusal.visit_ids and actor is not None:
            refusal.explain_later(partial(_visits_shown, refusal.visit_ids, actor))
        raise


def explained_around(find: Callable[[], Appointment], actor: Actor | None, *, now: datetime) -> Any:
    """The same for a visit that is to get back its own time: the open times around that."""

    def nearest() -> list[dict[str, Any]]:
        appointment = find()
        return nearest_slots(
            appointment.clinic,
            practitioner_id=appointment.practitioner_id,
            service_id=None,
            start=appointment.starts_at,
            now=now,
            treatment=booked_treatment(appointment),
        )

    return explained(actor, nearest)


def nearest_slots(
    clinic: Clinic,
    *,
    practitioner_id: int | None,
    service_id: int | None,
    start: datetime,
    now: datetime,
    treatment: Treatment | None = None,
) -> list[dict[str, Any]]:
    """The open slots around a start that is taken, at most three: of one practitioner, or of all who offer the service.

    With the length and buffers of the service, unless others are given.
    """
    service = None if service_id is None or treatment is not None else get_service(clinic, service_id)
    practitioners = practitioners_offering(clinic, service)
    if practitioner_id is not None:
        practitioners = practitioners.filter(pk=practitioner_id)
    zone = zone_of(clinic.timezone)
    day = local_date_of(start, zone)
    slots = open_slots_of(
        clinic,
        practitioners,
        treatment=treatment or treatment_of(clinic, service),
        first_date=day - NEAREST_WITHIN,
        last_date=day + NEAREST_WITHIN,
        now=now,
    )
    owners = {slot: owner_id for owner_id, open_ones in reversed(slots.items()) for slot in open_ones}
    return [
        {"start": say_minute(slot.start, zone), "end": say_minute(slot.end, zone), "practitioner": owners[slot]}
        for slot in nearest_open(list(owners), start)
    ]


def _visits_shown(visit_ids: Sequence[int], actor: Actor) -> dict[str, Any]:
    if not isinstance(actor, UserActor):
        return {}
    visible = appointments_visible_to(actor.user).filter(pk__in=visit_ids[:MAX_LISTED])
    listed = list(visible.select_related("clinic", "patient", "practitioner").order_by("starts_at", "id"))
    return list_of(listed, listed[0].clinic) if listed else {}
