"""A clinic's practitioners and services, and a number that rises with every change of what can be booked. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Self

# Parameters of a public stream's address.
Named = Literal["clinic", "practitioner", "service"]


@dataclass(frozen=True)
class ClinicSchedule:
    """`version` rises when hours, closures, services or practitioners change. `offers`: service and practitioner, None
    for a service that nobody offers."""

    version: int = 0
    practitioner_ids: frozenset[int] = frozenset()
    offers: frozenset[tuple[int, int | None]] = frozenset()

    @classmethod
    def of(cls, version: int, practitioner_ids: Iterable[int], offers: Iterable[tuple[int, int | None]] = ()) -> Self:
        return cls(version, frozenset(practitioner_ids), frozenset(offers))

    @cached_property
    def service_ids(self) -> frozenset[int]:
        return frozenset(service_id for service_id, _ in self.offers)

    def offering(self, service_id: int | None) -> list[int]:
        """The practitioners who offer the service, in order; everybody with None."""
        if service_id is None:
            return sorted(self.practitioner_ids)
        return sorted(one for service, one in self.offers if service == service_id and one is not None)


NO_SCHEDULE = ClinicSchedule()
