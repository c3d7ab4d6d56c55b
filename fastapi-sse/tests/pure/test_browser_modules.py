"""The pure parts of chairside-live.js, tested by Node's own runner."""

import subprocess
from pathlib import Path

import pytest
from stream_testkit.node import NODE

TESTS = sorted((Path(__file__).parent / "browser").glob("*.test.js"))


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_module(path: Path) -> None:
    run = subprocess.run(
        [NODE, "--no-warnings", "--test", path], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "pass 0" not in run.stdout
