import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings
from midnight import seconds_to_wait

# How long an example takes says how busy the machine is.
settings.register_profile("chairside", deadline=None)
settings.load_profile("chairside")

# In this order the workers of one run get them: what waits, then what computes, then what is over in a moment, so that
# no worker has a long file left when the others have nothing.
SLOWEST_FIRST = ("fastapi-sse/tests/browser/", "fastapi-sse/tests/test_", "django-rest/tests/test_", "")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A file is one worker's, so that what its tests share is made once. All browser tests are one group."""
    if not config.pluginmanager.has_plugin("xdist"):
        return
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.split("::")[0]))
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    path = Path(item.path).as_posix()
    return next(rank for rank, part in enumerate(SLOWEST_FIRST) if part in path)


@pytest.fixture(autouse=True)
def _no_test_runs_across_a_midnight() -> None:
    seconds = seconds_to_wait(datetime.now(UTC))
    if seconds:
        time.sleep(seconds)
