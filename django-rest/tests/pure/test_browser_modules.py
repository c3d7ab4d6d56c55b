"""The pure modules of the pages, tested by Node's own runner."""

from pathlib import Path

import pytest

from testkit.stream.node import problems_of_modules

FOLDER = Path(__file__).parent / "browser"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.test.js")), ids=lambda path: path.stem)
def test_module(path: Path) -> None:
    problems = problems_of_modules(FOLDER)[path]
    assert not problems, "\n".join(problems)
