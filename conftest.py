import gc
import os
import time
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings

from testkit.midnight import seconds_to_wait

# EXAMPLES takes more, for longer. How long an example takes says how busy the machine is.
settings.register_profile("chairside", max_examples=int(os.environ.get("EXAMPLES", "20")), deadline=None, database=None)
settings.load_profile("chairside")

BROWSER, STREAM, DJANGO = "fastapi-sse/tests/browser/", "fastapi-sse/tests/test_", "django-rest/tests/test_"
STORIES = "tests-integration/test_"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order of work. With `--dist loadfile` a file is one worker's, so that what its tests share is made once. A file
    that waits, then two that compute, so that both cores have work all along; the browser's, which wait longest, first;
    of those that compute the ones with the most tests first, so that no worker has a long one left when the others have
    nothing. Short files fill the end."""
    if not config.pluginmanager.has_plugin("xdist"):
        return
    kinds: dict[str, dict[Path, list[pytest.Item]]] = {BROWSER: {}, STREAM: {}, DJANGO: {}, STORIES: {}, "": {}}
    by_file: dict[Path, list[pytest.Item]] = {}
    for item in items:
        by_file.setdefault(item.path, []).append(item)
    for path, tests in by_file.items():
        kinds[next(part for part in kinds if part in path.as_posix())][path] = tests
    waiting = [*sorted(kinds[BROWSER].values(), key=len, reverse=True), *kinds[STREAM].values()]
    computing = sorted(kinds[DJANGO].values(), key=len, reverse=True)
    files: list[list[pytest.Item]] = []
    while waiting or computing:
        files += [*waiting[:1], *computing[:2]]
        del waiting[:1], computing[:2]
    # The stories' files with the most tests are those of the pages, which take longest.
    files += sorted(kinds[STORIES].values(), key=len, reverse=True)
    items[:] = [item for file in [*files, *kinds[""].values()] for item in file]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """All that is collected stays: to look for garbage meanwhile takes a quarter of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """Thousands of tests live as long as the run. Looking through them for garbage takes a seventh of its time."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


@pytest.fixture(autouse=True)
def _no_test_runs_across_a_midnight() -> None:
    seconds = seconds_to_wait(datetime.now(UTC))
    if seconds:
        time.sleep(seconds)
