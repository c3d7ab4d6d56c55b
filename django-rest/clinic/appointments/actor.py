"""Who does something to an appointment, and through what."""

from dataclasses import dataclass
from typing import Self

from clinic.accounts.models import Role, User
from clinic.appointments.lifecycle import Party
from clinic.appointments.models import ActorKind, Appointment, Channel
from clinic.common.errors import PermissionDenied
from clinic.people.identities import Guest, patient_id_of, practitioner_id_of
from clinic.people.models import Patient


@dataclass(frozen=True, slots=True)
class Actor:
    """A user; or a patient who is not signed in; or a guest, whose record is found when they book; or, with none of
    them, the system or a visitor who has not said who."""

    kind: ActorKind
    channel: Channel
    user: User | None = None
    patient: Patient | None = None
    guest: Guest | None = None

    @classmethod
    def by_user(cls, user: User, channel: Channel = Channel.API) -> Self:
        return cls(ActorKind.USER, channel, user)

    @classmethod
    def by_guest(cls, who: Patient | Guest | None = None, channel: Channel = Channel.API) -> Self:
        if isinstance(who, Guest):
            return cls(ActorKind.GUEST, channel, guest=who)
        return cls(ActorKind.GUEST, channel, patient=who)

    @property
    def name(self) -> str:
        who = self.user or self.patient or self.guest
        return who.name if who is not None else self.kind.label

    @property
    def is_patient(self) -> bool:
        """Whether the rules for patients hold: slot grid, notice, horizon."""
        if self.user is not None:
            return self.user.role == Role.PATIENT
        return self.patient is not None or self.kind is ActorKind.GUEST

    def party_to(self, appointment: Appointment) -> Party:
        """Raises PermissionDenied for someone who has no part in this appointment."""
        if self.user is None and not self.is_patient:
            return Party.SYSTEM
        if self.user is None:
            return self._party_of_patient(appointment)
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

    def _party_of_patient(self, appointment: Appointment) -> Party:
        if self.patient is None or self.patient.pk != appointment.patient_id:
            raise PermissionDenied
        return Party.PATIENT
