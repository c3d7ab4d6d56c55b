"""Restart of the services whose files have changed: `make dev`."""

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from tools import ROOT

POLL_SECONDS = 0.3
# An editor writes several files, one after the other.
QUIET_SECONDS = 0.2
API, WORKER, STREAM = "django-rest", "worker", "fastapi-sse"
FOLDERS = ("django-rest", "fastapi-sse", "shared-config")
SUFFIXES = frozenset({".py", ".html", ".txt", ".mo", ".js", ".json"})
SKIPPED = frozenset({"tests", "node_modules", "staticfiles", "__pycache__"})
SETTINGS_FILE = ".env"


class FileWatcher:
    def __init__(self, root: Path = ROOT) -> None:
        self._root = root
        self._seen = self._look()

    def changed(self) -> set[Path]:
        """Files written, added or removed since the last call, relative to the root; once no more come."""
        before, self._seen = self._seen, self._look()
        if before == self._seen:
            return set()
        while True:
            time.sleep(QUIET_SECONDS)
            last, self._seen = self._seen, self._look()
            if last == self._seen:
                break
        paths = before.keys() | self._seen.keys()
        return {path.relative_to(self._root) for path in paths if before.get(path) != self._seen.get(path)}

    def _look(self) -> dict[Path, int]:
        return dict(_stamps(self._root / folder for folder in FOLDERS))


def _stamps(folders: Iterable[Path]) -> Iterator[tuple[Path, int]]:
    for folder in folders:
        for where, subfolders, names in os.walk(folder):
            subfolders[:] = [name for name in subfolders if name not in SKIPPED]
            for name in names:
                path = Path(where, name)
                if path.suffix in SUFFIXES or name == SETTINGS_FILE:
                    try:
                        yield path, path.stat().st_mtime_ns
                    except FileNotFoundError:  # Removed between the two calls.
                        continue


def services_to_restart(changed: Iterable[Path]) -> list[str]:
    """Names of services, in the order of their start. Static files of django-rest need no restart with debug on."""
    names: set[str] = set()
    for path in changed:
        if path.parts[0] == "shared-config":
            names |= {API, WORKER, STREAM}
        elif path.parts[0] == "fastapi-sse":
            names.add(STREAM)
        elif "static" not in path.parts:
            names |= {API, WORKER}
    return [name for name in (API, WORKER, STREAM) if name in names]


def has_migrations(changed: Iterable[Path]) -> bool:
    return any("migrations" in path.parts and path.suffix == ".py" for path in changed)
