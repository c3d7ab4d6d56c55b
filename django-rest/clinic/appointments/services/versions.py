from typing import Protocol

from clinic.common.errors import PreconditionFailed, StaleVersion


class Versioned(Protocol):
    @property
    def version(self) -> int: ...


def check_version(row: Versioned, version: int | None, *, if_match: bool) -> None:
    """Two people who edit the same row never overwrite each other: the second sees what the first wrote.

    Raises StaleVersion, or PreconditionFailed where the version came by If-Match.
    """
    if version is None or version == row.version:
        return
    raise (PreconditionFailed if if_match else StaleVersion)(attr=None, extra={"current_version": row.version})
