"""Authors of changes to appointments, and the channel by which each came."""

from dataclasses import dataclass

from clinic.accounts.models import Role, User
from clinic.appointments.lifecycle import Party
from clinic.appointments.models import ActorKind, Appointment, Channel
from clinic.common.errors import PermissionDenied
from clinic.people.identities import Guest, patient_ids_of, practitioner_id_of
from clinic.people.models import Patient


@dataclass(frozen=True, slots=True)
class UserActor:
    """A person with an account."""

    user: User
    channel: Channel = Channel.API
    kind: ActorKind = ActorKind.USER

    @property
    def name(self) -> str:
        return self.user.name

    @property
    def is_patient(self) -> bool:
        """Whether the rules for patients hold: slot grid, notice, horizon."""
        return self.user.role == Role.PATIENT

    @property
    def is_clinic(self) -> bool:
        """True for people who work there, and for administrators."""
        return not self.is_patient

    def party_to(self, appointment: Appointment) -> Party:
        """Raises PermissionDenied for someone who has no part in this appointment."""
        match self.user.role:
            case Role.OWNER | Role.ADMIN:
                return Party.OWNER
            case Role.STAFF:
                return Party.STAFF
            case Role.PRACTITIONER if practitioner_id_of(self.user) == appointment.practitioner_id:
                return Party.PRACTITIONER
            case Role.PATIENT if appointment.patient_id in patient_ids_of(self.user):
                return Party.PATIENT
        raise PermissionDenied


@dataclass(frozen=True, slots=True)
class PatientActor:
    """A patient who is not signed in: known by the reference of a visit, or by the phone that sent an SMS."""

    patient: Patient
    channel: Channel = Channel.API
    kind: ActorKind = ActorKind.GUEST
    is_patient = True
    is_clinic = False

    @property
    def name(self) -> str:
        return self.patient.name

    def party_to(self, appointment: Appointment) -> Party:
        """Raises PermissionDenied for the appointment of another patient."""
        if self.patient.pk != appointment.patient_id:
            raise PermissionDenied
        return Party.PATIENT


@dataclass(frozen=True, slots=True)
class GuestActor:
    """A person without an account, whose record is found or made when they book."""

    guest: Guest
    channel: Channel = Channel.API
    kind = ActorKind.GUEST
    is_patient = True
    is_clinic = False

    @property
    def name(self) -> str:
        return self.guest.name

    def party_to(self, appointment: Appointment) -> Party:
        """Raises PermissionDenied: a guest has no part in an appointment that exists."""
        raise PermissionDenied


@dataclass(frozen=True, slots=True)
class VisitorActor:
    """A person who has given no name yet: they can only hold a time."""

    channel: Channel = Channel.API
    kind = ActorKind.GUEST
    is_patient = True
    is_clinic = False

    @property
    def name(self) -> str:
        return self.kind.label

    def party_to(self, appointment: Appointment) -> Party:
        """Raises PermissionDenied: a visitor has no part in any appointment."""
        raise PermissionDenied


@dataclass(frozen=True, slots=True)
class SystemActor:
    """A job, a command, or the waitlist."""

    channel: Channel
    kind: ActorKind = ActorKind.SYSTEM
    is_patient = False
    is_clinic = False

    @property
    def name(self) -> str:
        return self.kind.label

    def party_to(self, appointment: Appointment) -> Party:
        return Party.SYSTEM


Actor = UserActor | PatientActor | GuestActor | VisitorActor | SystemActor
# Those who can book and wait.
Booker = UserActor | GuestActor


def user_of(actor: Actor) -> User | None:
    """The account behind an act; None for one without."""
    return actor.user if isinstance(actor, UserActor) else None
