"""Other versions of this repository, to be measured beside this one."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools import ROOT


@contextmanager
def worktree_of(commit: str) -> Iterator[Path]:
    """The version in a folder of its own, with an environment of its own: its packages, and what it locks."""
    with tempfile.TemporaryDirectory(prefix="chairside-against-") as name:
        folder = Path(name) / "tree"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--detach", str(folder), commit], check=True, capture_output=True)
        try:
            subprocess.run([str(folder / "tools" / "setup")], check=True)
            yield folder
        finally:
            subprocess.run([*git, "remove", "--force", str(folder)], check=True, capture_output=True)


def python_of(folder: Path) -> str:
    return str(folder / ".venv" / "bin" / "python")
