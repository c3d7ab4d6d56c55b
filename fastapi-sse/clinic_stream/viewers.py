"""Who is looking, and whether they still may. Pure."""

from dataclasses import dataclass, replace
from typing import Self

from clinic_stream import errors
from clinic_stream.state import Scope


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who a token says is looking, until when."""

    user_id: int
    role: str
    clinic_id: int | None
    practitioner_id: int | None
    patient_id: int | None
    token_version: int
    expires_at: int

    def scope(self) -> Scope:
        """What this viewer may see. Raises `no_clinic` and `permission_denied` for who sees no list at all."""
        if self.clinic_id is None:
            raise errors.no_clinic()
        if self.role == "practitioner":
            return Scope(self.clinic_id, "practitioner", self._own(self.practitioner_id))
        if self.role == "patient":
            return Scope(self.clinic_id, "patient", self._own(self.patient_id))
        return Scope(self.clinic_id)

    def has_the_rights_of(self, other: Self) -> bool:
        """Whether both are one user who sees the same; how long each may stay can differ."""
        return replace(self, expires_at=0) == replace(other, expires_at=0)

    def _own(self, row_id: int | None) -> int:
        if row_id is None:
            raise errors.permission_denied(f"This account has no {self.role} record.")
        return row_id


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

    def admits(self, viewer: Viewer) -> bool:
        return self.is_active and (
            viewer.role,
            viewer.clinic_id,
            viewer.token_version,
            viewer.practitioner_id,
            viewer.patient_id,
        ) == (self.role, self.clinic_id, self.token_version, self.practitioner_id, self.patient_id)


class Sessions:
    """Who may see, in memory: looked up once for a user, then kept current by session events."""

    CAPACITY = 50_000

    def __init__(self) -> None:
        self._known: dict[int, Session | None] = {}

    def __contains__(self, user_id: int) -> bool:
        return user_id in self._known

    @property
    def user_ids(self) -> set[int]:
        return set(self._known)

    def name_of(self, user_id: int) -> str:
        session = self._known.get(user_id)
        return "" if session is None else session.name

    def put(self, user_id: int, session: Session | None) -> None:
        """`None`: there is no such user."""
        self._known[user_id] = session
        if len(self._known) > self.CAPACITY:
            del self._known[next(iter(self._known))]

    def put_stricter(self, user_id: int, session: Session | None) -> None:
        """Take rights away, and give none back: an ended account stays ended, an older token version is ignored."""
        known = self._known.get(user_id)
        if session is None or (known is not None and known.is_active and session.token_version >= known.token_version):
            self.put(user_id, session)

    def admit(self, viewer: Viewer) -> bool:
        session = self._known.get(viewer.user_id)
        return session is not None and session.admits(viewer)
