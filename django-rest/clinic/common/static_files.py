"""Static files: names with a hash for a browser to keep for ever, and the browser libraries."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage  # type: ignore[import-untyped]

LIBRARIES = "libraries/"


class ImmutableStaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Modules keep their text: the import map leads each import to the file with the hash."""

    patterns = tuple(
        (files, rewritten) for files, rewritten in CompressedManifestStaticFilesStorage.patterns if files == "*.css"
    )

    def stored_name(self, name: str) -> str:
        """The plain name before `collectstatic`, as in tests."""
        return super().stored_name(name) if self.hashed_files else name


class LibraryFinder(BaseFinder):
    """Serves the listed files of browser/node_modules, as /static/libraries/…"""

    def __init__(self, app_names: Collection[str] | None = None, *args: Any, **kwargs: Any) -> None:
        self.storage = FileSystemStorage(location=settings.BROWSER_LIBRARIES_FOLDER)
        self.storage.prefix = LIBRARIES.rstrip("/")  # type: ignore[attr-defined]
        super().__init__(*args, **kwargs)

    def check(self, **kwargs: Any) -> list[Any]:
        return []

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        name = path.removeprefix(LIBRARIES)
        if name == path or name not in library_files():
            return [] if find_all else None
        found = self.storage.path(name)
        if not Path(found).exists():
            return [] if find_all else None
        return [found] if find_all else found

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, FileSystemStorage]]:
        for name in library_files():
            yield name, self.storage


def library_files() -> list[str]:
    modules: Mapping[str, str] = settings.BROWSER_MODULES
    return sorted({*modules.values(), *settings.BROWSER_FILES})
