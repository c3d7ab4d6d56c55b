"""People without an account: they book with a name and a phone, and cancel by the reference."""

from clinic.appointments.services.booking import Booking
from clinic.appointments.services.guest_bookings import book_as_guest, cancel_as_guest
from clinic.people.services.guests import guest_of

from ..walk import Walk, weighted

NAMES = ("Gus Guest", "Greta Guest")
# Paula and Pete have the last one.
PHONES = ("0170 2222222", "+49 170 3333333", "0170 1234567")


def book_as_one(walk: Walk) -> None:
    guest = guest_of(
        walk.clinic(), name=walk.among(*NAMES), phone=walk.among(*PHONES), email=walk.among("", "gus@example.org")
    )
    walk.service(lambda: book_as_guest(guest=guest, booking=_booking(walk), now=walk.now))


def _booking(walk: Walk) -> Booking:
    held = walk.state.holds_of_visitors()
    if held and walk.perhaps(0.3):
        return Booking(patient_id=None, hold_token=walk.random.choice(held)["token"])
    return Booking(
        patient_id=None,
        practitioner_id=walk.practitioner_id() if walk.perhaps(0.6) else None,
        start=walk.start(on_the_grid=walk.perhaps(0.8)),
        service_id=walk.service_id(),
    )


def cancel_by_reference(walk: Walk) -> None:
    """Also what has been decided, moved or called off since; now and then with one that nobody has."""
    references = [row["reference"] for row in walk.state.appointments.values() if row["reference"]]
    reference = walk.one_of(references if walk.perhaps(0.9) else [], "unknown")
    walk.service(lambda: cancel_as_guest(reference=reference, now=walk.now, reason="ill"))


STEPS = weighted((book_as_one, 7), (cancel_by_reference, 3))
