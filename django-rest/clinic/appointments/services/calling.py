"""The clinic calls a patient in: "please come in", on the waiting room's wall and on the patient's page."""

import copy
from datetime import datetime

from clinic.appointments.actor import UserActor
from clinic.appointments.lifecycle import CALL, Party, check_call
from clinic.appointments.models import Appointment
from clinic.appointments.queries import get_appointment_for
from clinic.appointments.services.decisions import facts_of
from clinic.appointments.services.history import record
from clinic.common.errors import PermissionDenied
from clinic.common.instants import local_date_of, zone_of
from clinic.common.transactions import in_one_transaction
from clinic.common.versions import ANY_VERSION, Expected


@in_one_transaction
def call_in(
    *,
    actor: UserActor,
    appointment_id: int,
    now: datetime,
    room: str | None = None,
    expected: Expected = ANY_VERSION,
) -> Appointment:
    """Without a room: the one that the practitioner last called into today. Calling again is a new call.

    Raises NotFound, PermissionDenied, NotToday, TransitionNotAllowed, StaleVersion, PreconditionFailed."""
    appointment = get_appointment_for(actor.user, appointment_id, lock=True)
    if actor.party_to(appointment) is Party.PATIENT:
        raise PermissionDenied("The clinic calls patients in.")
    expected.check(appointment.version)
    today = local_date_of(now, zone_of(appointment.clinic.timezone))
    check_call(facts_of(appointment), today=today)
    before = copy.copy(appointment)
    appointment.room = _last_room_of(appointment) if room is None else room.strip()
    appointment.called_at = appointment.updated_at = now
    appointment.version += 1
    appointment.save(update_fields=["called_at", "room", "version", "updated_at"])
    record(appointment, CALL, actor=actor, now=now, before=before, after=appointment)
    return appointment


def _last_room_of(appointment: Appointment) -> str:
    called = Appointment.objects.filter(
        practitioner_id=appointment.practitioner_id, local_date=appointment.local_date, called_at__isnull=False
    )
    return called.order_by("-called_at").values_list("room", flat=True).first() or ""
