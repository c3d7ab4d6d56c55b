"""People without an account: they book with a name and a phone, and act on their visit by its reference."""

from dataclasses import replace
from datetime import timedelta

from clinic.appointments.lifecycle import Status
from clinic.appointments.services.booking import Booking
from clinic.appointments.services.guest_bookings import (
    book_as_guest,
    confirm_and_link,
)
from clinic.appointments.services.moving import move_by_reference
from clinic.appointments.services.undoing import undo_by_reference
from clinic.appointments.services.visit_links import (
    arrive_by_reference,
    attend_by_reference,
    cancel_by_reference,
    keep_time,
    revoke_reference,
)
from clinic.common.versions import Expected
from clinic.people.services.guests import guest_of

from ..walk import NOBODY, Walk, weighted

NAMES = ("Gus Guest", "Greta Guest")
# Paula and Pete have the last one.
PHONES = ("0170 2222222", "+49 170 3333333", "0170 1234567")


def book_as_one(walk: Walk) -> None:
    """Now and then with a code sent to the phone, or the reference of an earlier request."""
    guest = guest_of(
        walk.clinic(), name=walk.among(*NAMES), phone=walk.among(*PHONES), email=walk.among("", "gus@example.org")
    )
    guest = replace(guest, is_verified=walk.perhaps(0.3))
    if walk.perhaps(0.2):
        reference = _reference(walk)
        guest = replace(guest, reference=reference)
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


def cancel_by_link(walk: Walk) -> None:
    """Also what has been decided, moved or called off since; now and then with one that nobody has."""
    reference = _reference(walk)
    walk.service(lambda: cancel_by_reference(reference=reference, now=walk.now, reason="ill"))


def attend_by_link(walk: Walk) -> None:
    reference = _reference(walk)
    walk.service(lambda: attend_by_reference(reference=reference, now=walk.now))


def move_by_link(walk: Walk) -> None:
    """On half of the walks the desk is asked. Sometimes undone at once."""
    reference, start = _reference(walk), walk.start(on_the_grid=walk.perhaps(0.9))
    practitioner_id = walk.practitioner_id() if walk.perhaps(0.2) else None
    walk.service(
        lambda: move_by_reference(reference=reference, start=start, practitioner_id=practitioner_id, now=walk.now)
    )
    if walk.perhaps(0.3):
        undo_by_link(walk, reference)


def undo_by_link(walk: Walk, reference: str) -> None:
    version = next((row["version"] for row in walk.state.appointments.values() if row["reference"] == reference), 1)
    walk.now += timedelta(seconds=walk.random.randint(0, 12))
    walk.service(lambda: undo_by_reference(reference=reference, now=walk.now, expected=Expected(version)))


def arrive_by_link(walk: Walk) -> None:
    """The clock moves to shortly before the start."""
    appointment_id = walk.appointment_id(Status.CONFIRMED)
    if appointment_id == NOBODY:
        return
    row = walk.state.appointments[appointment_id]
    if row["starts_at"] - walk.now < timedelta(days=1):
        walk.now = max(walk.now, row["starts_at"] - timedelta(minutes=walk.random.randint(0, 70)))
    walk.service(lambda: arrive_by_reference(reference=row["reference"], now=walk.now))


def keep_a_time(walk: Walk) -> None:
    """Mostly of a visit whose patient asks for another."""
    asked = [row_id for row_id, row in walk.state.appointments.items() if row["requested_start"] is not None]
    actor, appointment_id = walk.desk(), walk.one_of(sorted(asked), walk.appointment_id())
    walk.service(lambda: keep_time(actor=actor, appointment_id=appointment_id, now=walk.now))


def replace_a_link(walk: Walk) -> None:
    actor, appointment_id = walk.desk(), walk.appointment_id()
    walk.service(lambda: revoke_reference(actor=actor, appointment_id=appointment_id, now=walk.now))


def approve_and_link(walk: Walk) -> None:
    """The request's record becomes part of another one."""
    actor, appointment_id, link_to = walk.desk(), walk.appointment_id(Status.PENDING), walk.patient_id()
    walk.service(lambda: confirm_and_link(actor=actor, appointment_id=appointment_id, link_to=link_to, now=walk.now))


def _reference(walk: Walk) -> str:
    references: list[str] = [row["reference"] for row in walk.state.appointments.values() if row["reference"]]
    return walk.one_of(references if walk.perhaps(0.9) else [], "unknown")


STEPS = weighted(
    (book_as_one, 7),
    (attend_by_link, 1),
    (move_by_link, 4),
    (arrive_by_link, 2),
    (cancel_by_link, 3),
    (keep_a_time, 2),
    (replace_a_link, 1),
    (approve_and_link, 1),
)
