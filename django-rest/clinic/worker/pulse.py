"""The worker's pulse: one small write a second, in a thread of its own, so that no long job delays it."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from clinic.changefeed.services import beat_pulse
from clinic.common.errors import TryAgain

PULSE_SECONDS = 1.0
log = logging.getLogger("chairside.worker")


@contextmanager
def beating_pulse(seconds: float = PULSE_SECONDS) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=_beat_until, args=(stop, seconds), name="pulse")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _beat_until(stop: threading.Event, seconds: float) -> None:
    is_failing = False
    while not stop.wait(seconds):
        close_old_connections()
        try:
            beat_pulse()
        except (DatabaseError, InterfaceError, TryAgain) as error:
            if not is_failing:  # One line an outage.
                log.warning("the pulse cannot be written: %s", type(error).__name__)
            is_failing = True
            connection.close()
        else:
            is_failing = False
    connection.close()
