from dataclasses import dataclass

import pytest
from clinic.worker.pace import MAX_CREDIT_SECONDS, Pace


@dataclass
class Clocks:
    wall: float = 100.0
    cpu: float = 7.0

    def pace(self, share: float) -> Pace:
        return Pace(share, wall=lambda: self.wall, cpu=lambda: self.cpu)

    def go_on(self, seconds: float, *, computing: float) -> None:
        self.wall += seconds
        self.cpu += computing


@pytest.mark.parametrize(
    ("computed", "rest"), [(0.0, 0.0), (0.4, 0.0), (0.5, 0.0), (0.75, 0.5), (1.0, 1.0), (2.0, 3.0)]
)
def test_worker_that_computes_too_much_rests(computed: float, rest: float) -> None:
    clocks = Clocks()
    pace = clocks.pace(0.5)
    clocks.go_on(1.0, computing=computed)
    assert pace.rest_seconds() == pytest.approx(rest)


def test_over_a_long_time_it_is_the_share() -> None:
    clocks = Clocks()
    pace = clocks.pace(0.7)
    for _ in range(1000):
        clocks.go_on(0.03, computing=0.03)
        clocks.go_on(pace.rest_seconds(), computing=0.0)
    assert (clocks.cpu - 7.0) / (clocks.wall - 100.0) == pytest.approx(0.7, rel=0.01)


def test_long_idle_worker_has_saved_up_little() -> None:
    clocks = Clocks()
    pace = clocks.pace(0.5)
    clocks.go_on(3600.0, computing=0.0)
    assert pace.rest_seconds() == 0
    clocks.go_on(1.0, computing=1.0)
    assert pace.rest_seconds() == pytest.approx(1.0 - MAX_CREDIT_SECONDS)


def test_worker_that_only_waits_never_rests() -> None:
    clocks = Clocks()
    pace = clocks.pace(0.7)
    for _ in range(100):
        clocks.go_on(0.15, computing=0.02)
        assert pace.rest_seconds() == 0
