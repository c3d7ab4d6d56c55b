"""The database's clock as a process counts it; instants in seconds."""

from datetime import UTC, datetime

import pytest
from clinic.common.clock import MEASURED_EVERY_SECONDS, NANOSECONDS, DatabaseClock


class Machine:
    """A timer since boot, a local clock, and a database whose answers take a while."""

    def __init__(self, *, ahead: float) -> None:
        self.timer, self.ahead, self.database_at_boot = 1000.0, ahead, 1_700_000_000.0
        self.clock = DatabaseClock(
            timer_ns=lambda: int(self.timer * NANOSECONDS), local_ns=lambda: int(self.local * NANOSECONDS)
        )

    @property
    def database(self) -> float:
        return self.database_at_boot + self.timer

    @property
    def local(self) -> float:
        return self.database + self.ahead

    def measure(self, *, there: float = 0.0, back: float = 0.0) -> None:
        def ask() -> int:
            self.timer += there
            answer = int(self.database * NANOSECONDS)
            self.timer += back
            return answer

        self.clock.measure(ask)

    @property
    def error(self) -> float:
        return self.clock.now().timestamp() - self.database


@pytest.mark.parametrize("ahead", [3600, -3600, 7, -0.25])
def test_wrong_local_clock_is_corrected_and_reported(ahead: float) -> None:
    machine = Machine(ahead=ahead)
    assert machine.error == pytest.approx(ahead, abs=1e-3)
    machine.measure()
    assert machine.error == pytest.approx(0, abs=1e-3)
    assert machine.clock.skew_seconds() == pytest.approx(ahead, abs=1e-3)


@pytest.mark.parametrize(("there", "back"), [(2, 0), (0, 2), (1, 1)])
def test_slow_answer_does_not_move_a_right_clock(there: float, back: float) -> None:
    machine = Machine(ahead=0)
    machine.measure(there=there, back=back)
    assert machine.error == pytest.approx(0, abs=1e-3)


def test_local_clock_set_while_running_changes_the_skew_alone() -> None:
    machine = Machine(ahead=0)
    machine.measure()
    machine.ahead = 3600
    assert machine.error == pytest.approx(0, abs=1e-3)
    assert machine.clock.skew_seconds() == pytest.approx(3600, abs=1e-3)


def test_another_databases_clock_is_followed() -> None:
    machine = Machine(ahead=0)
    machine.measure()
    machine.database_at_boot += 40
    machine.measure()
    assert machine.error == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(("seconds", "is_stale"), [(0, False), (MEASURED_EVERY_SECONDS + 1, True)])
def test_measurement_is_stale_after_ten_seconds(seconds: float, is_stale: bool) -> None:
    machine = Machine(ahead=0)
    machine.measure()
    machine.timer += seconds
    assert machine.clock.is_stale == is_stale


def test_now_is_aware() -> None:
    assert Machine(ahead=0).clock.now().tzinfo is UTC
    assert DatabaseClock().now() <= datetime.now(UTC)
