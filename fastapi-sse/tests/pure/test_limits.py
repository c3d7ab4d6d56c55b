import pytest
from clinic_stream.hub import Limits


@pytest.mark.parametrize(
    ("workers", "part"),
    [
        (1, Limits(10_000, 1_000, 100, 8_000, 100)),
        (3, Limits(3_334, 334, 34, 2_667, 34)),
        (200, Limits(50, 5, 1, 40, 1)),
    ],
)
def test_each_worker_keeps_to_its_part_rounded_up(workers: int, part: Limits) -> None:
    assert Limits(10_000, 1_000, 100, 8_000, 100).shared_by(workers) == part


def test_what_is_not_limited_stays_so() -> None:
    assert Limits().shared_by(4) == Limits()
