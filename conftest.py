import time
from datetime import UTC, datetime

import pytest
from midnight import seconds_to_wait


@pytest.fixture(autouse=True)
def _no_test_runs_across_a_midnight() -> None:
    seconds = seconds_to_wait(datetime.now(UTC))
    if seconds:
        time.sleep(seconds)
