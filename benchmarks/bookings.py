"""Bookings through the service at a steady pace. Needs Django to be set up."""

import time
from datetime import UTC, datetime, timedelta
from datetime import time as wall_clock

from clinic.appointments.actor import UserActor
from clinic.appointments.services.booking import Booking, book_appointment
from clinic.changefeed.models import StreamHead
from django.db import transaction

from benchmarks.big_clinic import SLOT, SLOTS_A_DAY, ZONE, BigClinic, find_big_clinic


def write_bookings(first: int, count: int, a_second: float) -> None:
    """Print a line for each: its sequence number, and when COMMIT returned."""
    big = find_big_clinic()
    assert big is not None
    begins_at = time.monotonic() + 0.5
    for number in range(count):
        time.sleep(max(0.0, begins_at + number / a_second - time.monotonic()))
        seq, committed_at = book(big, first + number)
        print(seq, committed_at, flush=True)


def book(big: BigClinic, number: int) -> tuple[int, float]:
    with transaction.atomic():
        book_appointment(
            actor=UserActor(big.owner), clinic=big.clinic, booking=booking_of(big, number), now=datetime.now(UTC)
        )
        seq = StreamHead.objects.values_list("seq", flat=True).get(clinic_id=big.clinic.pk)  # Ours, until COMMIT.
    return seq, time.monotonic()


def booking_of(big: BigClinic, number: int) -> Booking:
    """A free time of its own for each number."""
    practitioners = len(big.practitioners)
    slot = number // practitioners
    day = big.first_free_day + timedelta(days=slot // SLOTS_A_DAY)
    start = datetime.combine(day, wall_clock(8), ZONE) + slot % SLOTS_A_DAY * SLOT
    practitioner = big.practitioners[number % practitioners]
    # Another patient for each practitioner: nobody has two visits at once.
    patient_id = 1 + number % practitioners
    return Booking(patient_id=patient_id, practitioner_id=practitioner.pk, start=start, service_id=big.service.pk)
