"""The dialect check of `make check`."""

import pytest

from tools.words import DIALECT


@pytest.mark.parametrize(
    "line",
    [
        '"""What a reader is told."""',
        '    """Whose it is."""',
        "def test_who_is_away_is_told() -> None:",
        "async def test_nobody_waits() -> None:",
        "MOST_ROWS = 5",
        "LONGEST_NAME: int = 5",
        "PATIENCE_SECONDS = 5.0",
    ],
)
def test_dialect_is_found(line: str) -> None:
    assert DIALECT.match(line)


@pytest.mark.parametrize(
    "line",
    [
        '"""Changes missed by a reconnecting client."""',
        "def test_desk_is_notified_whoever_cancels() -> None:",
        "MAX_ROWS = 5",
        "what = 5",
        "if MOST_ROWS == 5:",
    ],
)
def test_plain_english_is_not_found(line: str) -> None:
    assert not DIALECT.match(line)
