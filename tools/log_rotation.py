"""Log files of `make run`: one that is full is set aside and emptied, and goes after some days."""

import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

FULL_BYTES = 20_000_000
EVERY_SECONDS = 60.0


class LogRotation:
    """`keep_days` 0: for ever. Services write at the end of their files, so emptying one does not disturb them."""

    def __init__(self, folder: Path, *, keep_days: int, full_bytes: int = FULL_BYTES) -> None:
        self._folder = folder
        self._keep_days = keep_days
        self._full_bytes = full_bytes
        self._next_at = 0.0

    def turn(self) -> None:
        """Call often: it looks once a minute."""
        if time.monotonic() >= self._next_at:
            self._next_at = time.monotonic() + EVERY_SECONDS
            self.rotate(datetime.now(UTC))

    def rotate(self, now: datetime) -> None:
        for log in self._folder.glob("*.log"):
            if log.stat().st_size > self._full_bytes:
                # Lines that come between these two are lost.
                shutil.copyfile(log, log.with_name(f"{log.name}.{now:%Y%m%dT%H%M%S}"))
                with log.open("r+b") as file:
                    file.truncate()
        if self._keep_days:
            oldest = (now - timedelta(days=self._keep_days)).timestamp()
            for aside in self._folder.glob("*.log.*"):
                if aside.stat().st_mtime < oldest:
                    aside.unlink()
