from collections.abc import Iterator

import pytest
from clinic.common.errors import TryAgain
from clinic.scheduling.claim_queue import limit_queues, waiting_for


@pytest.fixture
def at_most_one() -> Iterator[None]:
    limit_queues(1)
    yield
    limit_queues(None)


def test_request_behind_a_full_queue_is_told_to_come_again(at_most_one: None) -> None:
    with waiting_for([7]):
        with pytest.raises(TryAgain), waiting_for([3, 7]):
            pass
        with waiting_for([3]):
            pass
    with waiting_for([7]):
        pass


def test_refused_request_leaves_no_place_taken(at_most_one: None) -> None:
    with waiting_for([7]):
        for _ in range(3):
            with pytest.raises(TryAgain), waiting_for([3, 7]):
                pass
        with waiting_for([3]):
            pass


def test_queue_without_a_limit_takes_everybody() -> None:
    with waiting_for([7]), waiting_for([7]), waiting_for([7]):
        pass
