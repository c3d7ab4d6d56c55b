"""People without an account: they ask for a time, and see and cancel it by its reference."""

from datetime import datetime

from clinic.appointments.actor import Actor
from clinic.appointments.lifecycle import Action
from clinic.appointments.models import Appointment
from clinic.appointments.queries import get_guest_booking
from clinic.appointments.services.booking import Booking, book_appointment
from clinic.appointments.services.decisions import take
from clinic.appointments.services.effects import lock_what_effects_may_claim
from clinic.common.transactions import in_one_transaction
from clinic.people.identities import Guest
from clinic.people.services.guests import RecordChanged


def book_as_guest(*, guest: Guest, booking: Booking, now: datetime) -> Appointment:
    """A request that the clinic decides, with a reference. Raises what `book_appointment` raises."""
    actor = Actor.by_guest(guest)
    try:
        return book_appointment(actor=actor, clinic=guest.clinic, booking=booking, now=now)
    except RecordChanged:  # Another request of theirs has written the record: now it is found.
        return book_appointment(actor=actor, clinic=guest.clinic, booking=booking, now=now)


@in_one_transaction
def cancel_as_guest(*, reference: str, now: datetime, reason: str = "") -> Appointment:
    """Within the cancellation notice. Raises NotFound, TooLateToCancel, TransitionNotAllowed."""
    seen = get_guest_booking(reference)
    lock_what_effects_may_claim(seen.clinic, [seen.practitioner_id], now=now)
    appointment = get_guest_booking(reference, lock=True)
    return take(Action.CANCEL, appointment, actor=Actor.by_guest(seen.patient), now=now, reason=reason)
