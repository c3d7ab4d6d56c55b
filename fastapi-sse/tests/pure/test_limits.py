import pytest
from clinic_stream.hub import Limits


@pytest.mark.parametrize(
    ("replicas", "share"),
    [
        (1, Limits(10_000, 1_000, 100, 8_000, 100)),
        (3, Limits(3_334, 334, 34, 2_667, 34)),
        (200, Limits(50, 5, 1, 40, 1)),
    ],
)
def test_replica_keeps_to_its_share_rounded_up(replicas: int, share: Limits) -> None:
    assert Limits(10_000, 1_000, 100, 8_000, 100).shared_by(replicas) == share


def test_unlimited_statement_stays_unlimited() -> None:
    assert Limits().shared_by(4) == Limits()
