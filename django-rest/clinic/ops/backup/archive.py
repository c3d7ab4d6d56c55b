"""The archive: a tar file of `manifest.json`, `rows.sql.gz`, `settings.json` and the photos under `media/`."""

import hashlib
import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

FORMAT = 1
MANIFEST, ROWS, SETTINGS, MEDIA = "manifest.json", "rows.sql.gz", "settings.json", "media/"
MAX_MANIFEST_BYTES = 64 * 1024 * 1024
CHUNK_BYTES = 1024 * 1024
# An environment variable: the folder in which a person typed the command.
CALLED_FROM = "CHAIRSIDE_CALLED_FROM"


class BackupError(Exception):
    """One sentence for the operator."""


@dataclass(frozen=True, slots=True)
class File:
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """`tables`: rows of each; `heads`: the newest number of each clinic; `migrations`: those applied, in order."""

    version: str
    created_at: str
    server: str
    migrations: list[tuple[str, str]]
    tables: dict[str, int]
    heads: dict[str, int]
    files: dict[str, File]
    format: int = FORMAT


def as_called(path: Path) -> Path:
    """The absolute path a person means: `tools.run_stack manage` runs commands in another folder than its own."""
    return Path(os.environ.get(CALLED_FROM) or Path.cwd(), path).resolve()


def check_may_write(target: Path, *, overwrite: bool) -> None:
    """Raises BackupError."""
    if target.is_dir():
        raise BackupError(f"{target} is a folder. Name a file in it, for example {target / 'monday.tar'}.")
    if target.exists() and not overwrite:
        raise BackupError(f"{target} exists already. Choose another name, or replace the file with --overwrite.")


def write_archive(target: Path, folder: Path, manifest: Manifest, *, overwrite: bool = False) -> None:
    """Pack the folder's files; readable by the owner alone, and there as a whole or not at all.

    Raises BackupError where `target` exists, unless `overwrite`.
    """
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1))
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            with tarfile.open(fileobj=file, mode="w") as tar:
                for name in (MANIFEST, *sorted(manifest.files)):
                    tar.add(folder / name, arcname=name, recursive=False)
            file.flush()
            os.fsync(file.fileno())
        check_may_write(target, overwrite=overwrite)  # Another backup may have been made meanwhile.
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def describe_files(folder: Path) -> dict[str, File]:
    return {
        str(path.relative_to(folder)): File(path.stat().st_size, _digest(path))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


class Archive:
    """An archive that is whole: each file was compared with the manifest."""

    def __init__(self, tar: tarfile.TarFile, manifest: Manifest) -> None:
        self._tar = tar
        self.manifest = manifest

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        with _open(self._tar, name) as file:
            yield file

    def media(self) -> list[str]:
        return [name for name in self.manifest.files if name.startswith(MEDIA)]


def _open(tar: tarfile.TarFile, member: tarfile.TarInfo | str) -> IO[bytes]:
    """Raises ValueError for a member that is no file."""
    file = tar.extractfile(member)
    if file is None:
        raise ValueError(str(member))
    return file


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Raises BackupError for a file that is no archive, is damaged, or is of a later format."""
    try:
        tar = tarfile.open(path)  # noqa: SIM115 - closed below
    except OSError as problem:
        raise BackupError(f"{path} cannot be read: {problem.strerror or problem}.") from None
    except tarfile.TarError:
        raise BackupError(f"{path} is not an archive of Chairside, or it is damaged.") from None
    with tar:
        try:
            manifest = _read_manifest(tar)
            _check_files(tar, manifest)
        except (tarfile.TarError, OSError, KeyError, TypeError, ValueError, EOFError):
            raise BackupError(f"{path} is not an archive of Chairside, or it is damaged.") from None
        yield Archive(tar, manifest)


def _read_manifest(tar: tarfile.TarFile) -> Manifest:
    member = tar.next()
    if member is None or member.name != MANIFEST or member.size > MAX_MANIFEST_BYTES:
        raise ValueError(MANIFEST)
    file = _open(tar, member)
    found: dict[str, Any] = json.load(file)
    if int(found["format"]) > FORMAT:
        raise BackupError(f"The archive was made by version {found['version']}, which is newer. Install that first.")
    found["migrations"] = [(str(app), str(name)) for app, name in found["migrations"]]
    found["files"] = {str(name): File(**file) for name, file in found["files"].items()}
    return Manifest(**found)


def _check_files(tar: tarfile.TarFile, manifest: Manifest) -> None:
    seen = set()
    for member in tar:
        if member.name == MANIFEST:
            continue
        wanted = manifest.files.get(member.name)
        if wanted is None or not member.isfile() or not _is_inside(member.name):
            raise ValueError(member.name)
        file = _open(tar, member)
        if File(member.size, _digest_of(file)) != wanted:
            raise BackupError(f"The archive is damaged: {member.name} is not as it was written.")
        seen.add(member.name)
    if missing := sorted(set(manifest.files) - seen):
        raise BackupError(f"The archive is damaged: {missing[0]} is missing.")


def _is_inside(name: str) -> bool:
    return not name.startswith("/") and ".." not in Path(name).parts


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return _digest_of(file)


def _digest_of(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def copy_media(source: Path, folder: Path) -> None:
    """Called before and after the rows are read: a photo that either time was there is in the archive."""
    for path in sorted(source.rglob("*")) if source.is_dir() else ():
        copy = folder / MEDIA / path.relative_to(source)
        if path.is_file() and not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):  # Deleted meanwhile.
                copy.write_bytes(path.read_bytes())
