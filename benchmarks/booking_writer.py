"""Bookings through the service at a steady pace; a line for each: its sequence number, and when COMMIT returned.

    python -m benchmarks.booking_writer FIRST COUNT A_SECOND

A process of its own, so that it takes nothing from whoever measures. `time.monotonic` is one clock for all processes.
"""

import os
import sys

import django


def main(first: int, count: int, a_second: float) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from benchmarks.bookings import write_bookings

    write_bookings(first, count, a_second)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
