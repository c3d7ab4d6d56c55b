"""Steps of a conversation that the services of the clinic do not have as one."""

from datetime import datetime

from clinic.appointments.models import Appointment
from clinic.appointments.queries import get_guest_booking
from clinic.appointments.services.moving import move_by_reference
from clinic.common.errors import HoldExpired
from clinic.common.transactions import in_one_transaction
from clinic.scheduling.models import Hold
from clinic.scheduling.queries.holds import find_hold
from clinic.scheduling.services import lock_practitioners


@in_one_transaction
def move_to_held_time(*, reference: str, hold_token: str, now: datetime) -> Appointment:
    """The hold ends in the same step. Where the clinic is only asked to move the visit, it ends as well.

    Raises HoldExpired, and what `move_by_reference` raises: then the hold stays."""
    seen = get_guest_booking(reference)
    hold = find_hold(hold_token, now=now, clinic=seen.clinic)
    if hold is None:
        raise HoldExpired
    # Both at once, in the order of every claim, before the held time is free.
    lock_practitioners(seen.clinic, {seen.practitioner_id, hold.practitioner_id}, now=now, also_inactive=True)
    if not Hold.objects.filter(pk=hold.pk).delete()[0]:
        raise HoldExpired  # Booked or let go since it was read.
    return move_by_reference(reference=reference, start=hold.starts_at, practitioner_id=hold.practitioner_id, now=now)
