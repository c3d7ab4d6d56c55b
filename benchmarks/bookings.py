"""Bookings through the service at a steady pace; a line for each: its sequence number, and when COMMIT returned.

    python benchmarks/bookings.py FIRST COUNT A_SECOND

A process of its own, so that it takes nothing from whoever measures. `time.monotonic` is one clock for all processes.
"""

import os
import sys
import time
from datetime import UTC, datetime, timedelta
from datetime import time as wall_clock
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / part) for part in ("django-rest", "shared-config", "benchmarks")]
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django  # noqa: E402 - found by the line above

django.setup()

from big_clinic import SLOT, SLOTS_A_DAY, ZONE, BigClinic, find_big_clinic  # noqa: E402 - wants the settings
from clinic.appointments.actor import Actor  # noqa: E402
from clinic.appointments.services.booking import Booking, book_appointment  # noqa: E402
from clinic.changefeed.models import StreamHead  # noqa: E402
from django.db import transaction  # noqa: E402


def main(first: int, count: int, a_second: float) -> None:
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
            actor=Actor.by_user(big.owner), clinic=big.clinic, booking=booking_of(big, number), now=datetime.now(UTC)
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
    return Booking(patient_id=1, practitioner_id=practitioner.pk, start=start, service_id=big.service.pk)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
