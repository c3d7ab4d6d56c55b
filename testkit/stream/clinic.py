"""A clinic with its people, made by raw SQL. Every test that writes has one of its own.

Olga owns the clinic, Stefan is at its desk. Petra and Paul are its practitioners. Anna and Ben are patients who sign
in; Gwen is a guest, who cannot. Ada is an administrator and belongs to no clinic.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from clinic_stream.event_ids import NO_MARK, EventId, mark_of

from testkit.stream.database import Database
from testkit.stream.service import sign, sign_ticket

_numbers = iter(range(1, 1_000_000))


@dataclass(frozen=True)
class Person:
    name: str
    user_id: int
    claims: Mapping[str, Any]
    row_id: int = 0  # The practitioner's or the patient's.

    def token(self, **changed: Any) -> str:
        return sign(self.claims, **changed)

    def ticket(self, **changed: Any) -> str:
        return sign_ticket(self.claims, **changed)


class TestClinic:
    __test__ = False  # Not a class of tests.

    def __init__(self, database: Database, zone: str = "Europe/Berlin") -> None:
        self.database = database
        self.zone = ZoneInfo(zone)
        number = next(_numbers)
        self.id = database.insert(
            "clinic",
            name=f"Lindenhof {number}",
            slug=f"lindenhof-{number}",
            timezone=zone,
            phone_region="DE",
            slot_minutes=30,
            hold_minutes=5,
            horizon_days=90,
            notice_minutes=60,
            cancellation_notice_minutes=1440,
            no_show_after_minutes=15,
            auto_confirm=False,
            created_at=_now(),
        )
        self.owner = self._person("Olga", "owner")
        self.staff = self._person("Stefan", "staff")
        self.petra = self._practitioner("Petra")
        self.paul = self._practitioner("Paul")
        self.anna = self._patient("Anna")
        self.ben = self._patient("Ben")
        self.guest_id = self._insert_patient("Gwen", None)
        self.service_id = database.insert(
            "service",
            clinic_id=self.id,
            name="Check-up",
            duration_minutes=30,
            buffer_before_minutes=0,
            buffer_after_minutes=0,
            color="#2563eb",
            active=True,
        )
        self._next_slot: dict[tuple[str, int, date], int] = {}

    @property
    def today(self) -> date:
        return datetime.now(self.zone).date()

    def day(self, offset: int) -> date:
        return self.today + timedelta(days=offset)

    def book(
        self,
        practitioner: Person | None = None,
        patient: Person | int | None = None,
        *,
        day: int = 0,
        status: str = "confirmed",
        **columns: object,
    ) -> int:
        """An appointment at the next half hour of that day after those of both; by default Petra's with Anna, today."""
        practitioner = practitioner or self.petra
        patient = patient if patient is not None else self.anna
        patient_id = patient if isinstance(patient, int) else patient.row_id
        on = self.day(day)
        owners = [("practitioner", practitioner.row_id, on), ("patient", patient_id, on)]
        slot = max(self._next_slot.get(owner, 0) for owner in owners)
        self._next_slot |= dict.fromkeys(owners, slot + 1)
        starts_at = self.instant(on, 7 * 60 + 30 * slot)
        values: dict[str, object] = {
            "clinic_id": self.id,
            "patient_id": patient_id,
            "practitioner_id": practitioner.row_id,
            "service_id": self.service_id,
            "starts_at": starts_at,
            "ends_at": starts_at + timedelta(minutes=30),
            "blocked_from": starts_at,
            "blocked_until": starts_at + timedelta(minutes=30),
            "local_date": on,
            "status": status,
            "notes": "internal: prefers mornings",
            "cancel_reason": "",
            "source": "desk",
            "version": 1,
            "created_at": _now(),
            "updated_at": _now(),
        }
        return self.database.insert("appointment", **{**values, **columns})

    def copy(self, appointment_id: int, times: int) -> None:
        """An appointment that claims no time, again and again."""
        columns = (
            "clinic_id, patient_id, practitioner_id, service_id, starts_at, ends_at, blocked_from, blocked_until,"
            " local_date, status, notes, cancel_reason, source, version, created_at, updated_at"
        )
        for start in range(0, times, 1000):  # As deep as a recursion goes by default.
            self.database.execute(
                f"INSERT INTO appointment ({columns})"
                " WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < %s)"
                f" SELECT {columns} FROM number JOIN appointment ON appointment.id = %s",
                min(1000, times - start),
                appointment_id,
            )

    def reference_of(self, appointment_id: int) -> str:
        return str(self.database.value("SELECT reference FROM appointment WHERE id = %s", appointment_id))

    def visit_ticket(self, appointment_id: int, *, reference: str | None = None, **changed: Any) -> str:
        """For whoever has the reference of the visit; by default the one it has now."""
        reference = self.reference_of(appointment_id) if reference is None else reference
        claims = {
            "sub_kind": "visit",
            "sub": str(appointment_id),
            "clinic_id": self.id,
            "reference_hash": sha256(f"visit {reference}".encode()).hexdigest(),
        }
        return sign_ticket(claims, **changed)

    def wall(self, kind: str, *, shows_names: bool = True) -> int:
        """A screen of the clinic."""
        return self.database.insert(
            "wall_device",
            clinic_id=self.id,
            name="Hall",
            kind=kind,
            shows_names=shows_names,
            token_hash=f"hash-{next(_numbers)}",
            version=1,
            created_at=_now(),
        )

    def wall_ticket(self, device_id: int, **changed: Any) -> str:
        claims = {"sub_kind": "device", "sub": str(device_id), "clinic_id": self.id, "ver": 1}
        return sign_ticket(claims, **changed)

    def instant(self, on: date, minutes: int) -> datetime:
        """Wall-clock minutes of a day as naive UTC, the way the database has them."""
        local = datetime.combine(on, time(minutes // 60, minutes % 60), self.zone)
        return local.astimezone(UTC).replace(tzinfo=None)

    def update(self, appointment_id: int, **columns: object) -> None:
        places = ", ".join(f"{name} = %s" for name in columns)
        self.database.execute(
            f"UPDATE appointment SET {places} WHERE id = %s",
            *columns.values(),
            appointment_id,
        )

    def delete(self, appointment_id: int) -> None:
        self.database.execute("DELETE FROM appointment WHERE id = %s", appointment_id)

    def hold(self, practitioner: Person, minutes: int = 20 * 60) -> int:
        starts_at = self.instant(self.today, minutes)
        ends_at = starts_at + timedelta(minutes=30)
        return self.database.insert(
            "hold",
            clinic_id=self.id,
            practitioner_id=practitioner.row_id,
            token=f"token-{next(_numbers)}",
            starts_at=starts_at,
            ends_at=ends_at,
            blocked_from=starts_at,
            blocked_until=ends_at,
            expires_at=_now() + timedelta(minutes=5),
            created_at=_now(),
        )

    def sign_in(self, person: Person) -> str:
        """Of a token: its id."""
        sign_in = uuid4().hex
        ends_at = _now() + timedelta(days=30)
        self.database.insert("refresh_family", id=sign_in, user_id=person.user_id, created_at=_now(), ends_at=ends_at)
        return sign_in

    def end_sign_in(self, sign_in: str) -> None:
        self.database.execute("UPDATE refresh_family SET revoked_at = %s WHERE id = %s", _now(), sign_in)

    def join_family(self, person: Person, patient_id: int) -> int:
        """The account books for this record, too."""
        return self.database.insert(
            "family_member", clinic_id=self.id, user_id=person.user_id, patient_id=patient_id, created_at=_now()
        )

    def tell(self, person: Person, **columns: object) -> int:
        """A notification, as the service writes one that is due at once."""
        values: dict[str, object] = {
            "clinic_id": self.id,
            "user_id": person.user_id,
            "channel": "in_app",
            "state": "delivered",
            "template": "waitlist_offer",
            "recipient": "",
            "subject": "A time has become free for you",
            "body": "Friday, 09:30 with Dr. Petra.",
            "secret": False,
            "attempts": 0,
            "provider_id": "",
            "error": "",
            "created_at": _now(),
            "send_at": _now(),
            "sent_at": _now(),
        }
        return self.database.insert("message", **{**values, **columns})

    def update_message(self, message_id: int, **columns: object) -> None:
        places = ", ".join(f"{name} = %s" for name in columns)
        self.database.execute(f"UPDATE message SET {places} WHERE id = %s", *columns.values(), message_id)

    def read(self, message_id: int) -> None:
        self.update_message(message_id, read_at=_now())

    @property
    def seq(self) -> int:
        return int(self.database.value("SELECT seq FROM stream_head WHERE clinic_id = %s", self.id))

    @property
    def epoch(self) -> str:
        return str(self.database.value("SELECT epoch FROM stream_epoch WHERE id = 1"))

    @property
    def event_id(self) -> str:
        return self.event_id_at(self.seq)

    def event_id_at(self, seq: int) -> str:
        """Of the event with this number; its mark is 0 if there is none."""
        at = self.database.rows("SELECT at FROM realtime_event WHERE clinic_id = %s AND seq = %s", self.id, seq)
        return str(EventId(self.epoch, self.id, seq, mark_of(at[0][0]) if at else NO_MARK))

    def admin(self) -> Person:
        return self._person("Ada", "admin", clinic_id=None)

    def another(self, role: str) -> Person:
        """One more who works at the clinic."""
        return self._person("Noor", role)

    def _practitioner(self, name: str) -> Person:
        user_id = self._insert_user(name, "practitioner", self.id)
        row_id = self.database.insert(
            "practitioner", clinic_id=self.id, user_id=user_id, name=f"Dr. {name}", specialisation="", active=True
        )
        return Person(name, user_id, self._claims(user_id, "practitioner", practitioner_id=row_id), row_id)

    def _patient(self, name: str) -> Person:
        user_id = self._insert_user(name, "patient", self.id)
        row_id = self._insert_patient(name, user_id)
        return Person(name, user_id, self._claims(user_id, "patient", patient_id=row_id), row_id)

    def _person(self, name: str, role: str, **changed: Any) -> Person:
        user_id = self._insert_user(name, role, changed.get("clinic_id", self.id))
        return Person(name, user_id, self._claims(user_id, role, **changed))

    def _claims(self, user_id: int, role: str, **more: Any) -> dict[str, Any]:
        return {"user_id": user_id, "role": role, "clinic_id": self.id, "ver": 1, **more}

    def _insert_patient(self, name: str, user_id: int | None) -> int:
        return self.database.insert(
            "patient",
            clinic_id=self.id,
            user_id=user_id,
            name=name,
            email=f"{name.lower()}@example.org",
            phone="+4930123456",
            created_at=_now(),
        )

    def _insert_user(self, name: str, role: str, clinic_id: int | None) -> int:
        return self.database.insert(
            "account_user",
            password="!",
            is_superuser=role == "admin",
            email=f"{name.lower()}-{next(_numbers)}@example.org",
            name=name,
            role=role,
            clinic_id=clinic_id,
            token_version=1,
            is_active=True,
            is_staff=False,
            created_at=_now(),
        )


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
