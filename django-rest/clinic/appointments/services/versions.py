from typing import Protocol

from clinic.common.versions import Expected


class Counted(Protocol):
    @property
    def version(self) -> int: ...


def check_version(row: Counted, version: int | None, *, if_match: bool) -> None:
    """Raises StaleVersion, or PreconditionFailed where the version came by If-Match."""
    Expected(version, if_match).check(row.version)
