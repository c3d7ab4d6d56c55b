"""Who does something to an appointment, and through what."""

from dataclasses import dataclass
from typing import Self

from clinic.accounts.models import Role, User
from clinic.appointments.lifecycle import Party
from clinic.appointments.models import ActorKind, Appointment, Channel
from clinic.common.errors import PermissionDenied


@dataclass(frozen=True, slots=True)
class Actor:
    kind: ActorKind
    channel: Channel
    user: User | None = None

    @classmethod
    def by_user(cls, user: User, channel: Channel = Channel.API) -> Self:
        return cls(ActorKind.USER, channel, user)

    @property
    def name(self) -> str:
        return self.user.name if self.user is not None else self.kind.label

    @property
    def is_patient(self) -> bool:
        return self.user is not None and self.user.role == Role.PATIENT

    def party_to(self, appointment: Appointment) -> Party:
        """Raises PermissionDenied for someone who has no part in this appointment."""
        if self.user is None:
            return Party.SYSTEM
        match self.user.role:
            case Role.OWNER | Role.ADMIN:
                return Party.OWNER
            case Role.STAFF:
                return Party.STAFF
            case Role.PRACTITIONER if practitioner_id_of(self.user) == appointment.practitioner_id:
                return Party.PRACTITIONER
            case Role.PATIENT if patient_id_of(self.user) == appointment.patient_id:
                return Party.PATIENT
        raise PermissionDenied


NOBODY = 0  # No row has this id: a filter by it finds nothing.


def clinic_id_of(user: User) -> int:
    return user.clinic_id or NOBODY


def practitioner_id_of(user: User) -> int | None:
    practitioner = getattr(user, "practitioner", None)
    return practitioner.pk if practitioner is not None and practitioner.active else None


def patient_id_of(user: User) -> int | None:
    return getattr(getattr(user, "patient", None), "pk", None)
