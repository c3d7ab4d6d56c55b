"""Folders for databases that no crash has to leave whole: in memory where there is enough of it."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tools.memory import MEGABYTE
from tools.processes import Identity, with_argument

PREFIX = "chairside-throw-away-"
SHARED_MEMORY = Path("/dev") / "shm"
# The servers of a whole test run take half of it.
ENOUGH_BYTES = 2048 * MEGABYTE


@contextmanager
def throw_away_folder(parent: Path | None = None) -> Iterator[Path]:
    """A folder that is gone afterwards. One left by a process that was killed goes before the next is made."""
    parent = parent or Path(tempfile.gettempdir())
    _sweep_abandoned(parent)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    if owner := Identity.of(os.getpid()):
        owner.write(folder / "owner")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def folder_in_memory(shared_memory: Path = SHARED_MEMORY) -> Path | None:
    """Shared memory, as the parent of such folders: a server there takes a quarter less CPU. None: too little room."""
    with suppress(OSError):
        if os.access(shared_memory, os.W_OK) and shutil.disk_usage(shared_memory).free >= ENOUGH_BYTES:
            return shared_memory
    return None


def _sweep_abandoned(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        owner = Identity.read(folder / "owner")
        data = (folder / "data", folder / "db" / "data")
        if owner and not owner.is_alive() and not any(with_argument(f"--datadir={one}") for one in data):
            shutil.rmtree(folder, ignore_errors=True)
