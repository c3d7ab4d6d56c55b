import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from stack import LiveStack, live_stack


@pytest.fixture(scope="session")
def stack() -> Iterator[LiveStack]:
    """Both services over a real database, with the demo clinic in it."""
    with live_stack() as running:
        yield running
