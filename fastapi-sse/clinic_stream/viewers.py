"""The viewer, and whether they still may look. Pure."""

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, Self

from clinic_stream import errors
from clinic_stream.audiences import HoldAudience, RecordScope

NO_FAMILY: frozenset[int] = frozenset()
NONE_ENDED: frozenset[str] = frozenset()


class Subject(NamedTuple):
    """The subject of a token or ticket: an account, a visit reached by its reference, or a screen on a wall."""

    kind: Literal["user", "visit", "device"]
    id: int


@dataclass(frozen=True, slots=True)
class Viewer:
    """The user of a token, and its end."""

    user_id: int
    role: str
    clinic_id: int | None
    practitioner_id: int | None
    patient_id: int | None
    token_version: int
    expires_at: int
    sign_in: str = ""  # That the token came of; empty: of none that can be ended alone.

    @property
    def subject(self) -> Subject:
        return Subject("user", self.user_id)

    def scope(self) -> RecordScope:
        """Rows that this viewer may see. Raises `no_clinic` and `permission_denied` for users who see no list."""
        if self.clinic_id is None:
            raise errors.no_clinic()
        if self.role == "practitioner":
            return RecordScope(self.clinic_id, "practitioner", self._own(self.practitioner_id))
        if self.role == "patient":
            return RecordScope(self.clinic_id, "patient", self._own(self.patient_id))
        return RecordScope(self.clinic_id)

    def hold_audience(self) -> HoldAudience:
        """The holds this viewer may see. Raises `no_clinic` and `permission_denied`, for patients too."""
        scope = self.scope()
        if scope.kind == "patient":
            raise errors.permission_denied("Holds are for the people who work at the clinic.")
        return HoldAudience(scope.clinic_id, scope.id if scope.kind == "practitioner" else None)

    def has_the_rights_of(self, other: object) -> bool:
        """Whether both are one user who sees the same; how long each may stay can differ, and where they signed in."""
        return isinstance(other, Viewer) and self._rights() == other._rights()

    def _rights(self) -> Self:
        return replace(self, expires_at=0, sign_in="")

    def _own(self, row_id: int | None) -> int:
        if row_id is None:
            raise errors.permission_denied(f"This account has no {self.role} record.")
        return row_id


@dataclass(frozen=True, slots=True)
class VisitViewer:
    """The holder of a visit's reference. `reference_hash`: of the reference that the ticket was asked with."""

    visit_id: int
    clinic_id: int
    reference_hash: str
    expires_at: int
    user_id: None = None
    role: Literal["visit"] = "visit"

    @property
    def subject(self) -> Subject:
        return Subject("visit", self.visit_id)

    def has_the_rights_of(self, other: object) -> bool:
        """Never: a visit's stream is not extended, its page opens another one."""
        return False


@dataclass(frozen=True, slots=True)
class DeviceViewer:
    """A screen on a wall."""

    device_id: int
    clinic_id: int
    version: int
    expires_at: int
    user_id: None = None
    role: Literal["device"] = "device"

    @property
    def subject(self) -> Subject:
        return Subject("device", self.device_id)

    def has_the_rights_of(self, other: object) -> bool:
        """Never: its stream is not extended, it opens another one."""
        return False


# A viewer by token or ticket.
AnyViewer = Viewer | VisitViewer | DeviceViewer
# Those whose rights are rows of their own, followed under head 0.
Registered = Viewer | DeviceViewer


@dataclass(frozen=True, slots=True)
class Device:
    """A row of live_device: what is so now."""

    device_id: int
    clinic_id: int
    kind: str
    shows_names: bool
    version: int
    name: str = ""

    def admits(self, viewer: Registered) -> bool:
        return isinstance(viewer, DeviceViewer) and (viewer.clinic_id, viewer.version) == (self.clinic_id, self.version)


@dataclass(frozen=True, slots=True)
class Session:
    """A row of live_session: what is so now."""

    user_id: int
    is_active: bool
    role: str
    clinic_id: int | None
    token_version: int
    practitioner_id: int | None
    patient_id: int | None
    name: str = ""  # As it was when the user was looked up: it decides nothing.
    family: frozenset[int] = NO_FAMILY  # Records beside the own one, of live_family.
    ended: frozenset[str] = NONE_ENDED  # Sign-ins, of live_ended_sign_in.

    def admits(self, viewer: Registered) -> bool:
        if not isinstance(viewer, Viewer):
            return False
        has_ended = bool(viewer.sign_in) and viewer.sign_in in self.ended
        return (
            self.is_active
            and not has_ended
            and (
                viewer.role,
                viewer.clinic_id,
                viewer.token_version,
                viewer.practitioner_id,
                viewer.patient_id,
            )
            == (self.role, self.clinic_id, self.token_version, self.practitioner_id, self.patient_id)
        )


Right = Session | Device


class Sessions:
    """Rights to see, in memory: looked up once for a subject, then kept current by session events."""

    CAPACITY = 50_000

    def __init__(self) -> None:
        self._known: dict[Subject, Right | None] = {}

    def __contains__(self, subject: Subject) -> bool:
        return subject in self._known

    @property
    def subjects(self) -> set[Subject]:
        return set(self._known)

    def name_of(self, subject: Subject) -> str:
        right = self._known.get(subject)
        return "" if right is None else right.name

    def family_of(self, user_id: int) -> frozenset[int]:
        session = self._known.get(Subject("user", user_id))
        return session.family if isinstance(session, Session) else NO_FAMILY

    def device(self, device_id: int) -> Device | None:
        device = self._known.get(Subject("device", device_id))
        return device if isinstance(device, Device) else None

    def put(self, subject: Subject, right: Right | None) -> None:
        """`None`: there is no such account or device."""
        self._known[subject] = right
        if len(self._known) > self.CAPACITY:
            del self._known[next(iter(self._known))]

    def put_stricter(self, subject: Subject, right: Right | None) -> None:
        """Take rights away, and give none back: an ended account stays ended, an older token version is ignored."""
        known = self._known.get(subject)
        if right is None:
            self.put(subject, None)
        elif isinstance(right, Session) and isinstance(known, Session):
            if known.is_active and right.token_version >= known.token_version:
                narrowed = replace(right, family=right.family & known.family, ended=right.ended | known.ended)
                self.put(subject, narrowed)
        elif isinstance(right, Device) and isinstance(known, Device) and right.version >= known.version:
            self.put(subject, right)

    def admit(self, viewer: Registered) -> bool:
        right = self._known.get(viewer.subject)
        return right is not None and right.admits(viewer)
