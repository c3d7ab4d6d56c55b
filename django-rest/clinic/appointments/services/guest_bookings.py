"""People without an account: they ask for a time, and see and cancel it by its reference."""

from dataclasses import dataclass
from datetime import datetime

from clinic.accounts.phones import normalise_phone
from clinic.appointments.actor import Actor
from clinic.appointments.lifecycle import Action
from clinic.appointments.models import Appointment, Patient
from clinic.appointments.queries import get_guest_booking
from clinic.appointments.services.booking import Booking, book_appointment
from clinic.appointments.services.decisions import take
from clinic.appointments.services.effects import lock_what_effects_may_claim
from clinic.common.transactions import in_one_transaction
from clinic.scheduling.models import Clinic


@dataclass(frozen=True, slots=True)
class Guest:
    """`phone` is E.164."""

    name: str
    phone: str
    email: str = ""


def guest_of(clinic: Clinic, *, name: str, phone: str, email: str = "") -> Guest:
    """As it is stored and compared. Raises InvalidRequest for what is no phone number."""
    return Guest(" ".join(name.split()), normalise_phone(phone, region=clinic.phone_region), email.strip().lower())


@in_one_transaction
def book_as_guest(*, clinic: Clinic, guest: Guest, booking: Booking, now: datetime) -> Appointment:
    """A request that the clinic decides, with a reference. Raises what `book_appointment` raises."""
    actor = Actor.by_guest(_record_of(clinic, guest))
    return book_appointment(actor=actor, clinic=clinic, booking=booking, now=now)


@in_one_transaction
def cancel_as_guest(*, reference: str, now: datetime, reason: str = "") -> Appointment:
    """Within the cancellation notice. Raises NotFound, TooLateToCancel, TransitionNotAllowed."""
    seen = get_guest_booking(reference)
    lock_what_effects_may_claim(seen.clinic, [seen.practitioner_id], now=now)
    appointment = get_guest_booking(reference, lock=True)
    return take(Action.CANCEL, appointment, actor=Actor.by_guest(seen.patient), now=now, reason=reason)


def _record_of(clinic: Clinic, guest: Guest) -> Patient:
    """The record of an earlier request, or a new one.

    Nobody has proved to be who they say. So a record that belongs to an account is never taken, and an e-mail is
    never written to a record that has another or none: what the clinic tells one person would reach another.
    """
    known = Patient.objects.filter(clinic=clinic, user=None, phone=guest.phone, name=guest.name)
    if guest.email:
        known = known.filter(email=guest.email)
    return known.order_by("pk").first() or Patient.objects.create(
        clinic=clinic, name=guest.name, phone=guest.phone, email=guest.email
    )
