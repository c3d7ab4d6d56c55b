"""The database at one moment, as far as the invariants speak of it."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clinic.accounts.models import User
from clinic.appointments.lifecycle import ACTIVE_STATUSES
from clinic.appointments.models import Appointment, AppointmentEvent, Series
from clinic.changefeed.models import StreamHead
from clinic.common.models import IdempotencyKey
from clinic.people.models import FamilyMember, Patient, PatientEvent
from clinic.scheduling.models import ClaimedCell, Hold, Practitioner, ScheduleException, Service, WorkingBlock
from clinic.waitlist.models import OfferState, WaitlistEntry, WaitlistOffer
from django.db.models import Model

ACTIVE = {status.value for status in ACTIVE_STATUSES}

Row = dict[str, Any]
Rows = dict[int, Row]


def rows_of(model: type[Model]) -> Rows:
    return {row["id"]: dict(row) for row in model._default_manager.values()}


def changed(before: Rows, after: Rows) -> set[int]:
    return {row_id for row_id in before.keys() | after.keys() if before.get(row_id) != after.get(row_id)}


@dataclass(frozen=True)
class Claim:
    """Time that has an owner: a practitioner's with the buffers, or a patient's visit."""

    kind: str
    owner_id: int
    start: datetime
    end: datetime
    appointment_id: int | None = None
    hold_id: int | None = None


@dataclass(frozen=True)
class State:
    appointments: Rows
    holds: Rows
    entries: Rows
    offers: Rows
    series: Rows
    patients: Rows
    family: Rows
    practitioners: Rows
    services: Rows
    users: Rows
    hours: tuple[Rows, Rows]
    told: dict[int, list[Row]]
    told_of_patients: Rows
    heads: dict[int, int]
    cells: set[tuple[str, int, datetime, int | None, int | None]]
    keys: set[tuple[str, str]]

    @classmethod
    def read(cls) -> "State":
        told: dict[int, list[Row]] = defaultdict(list)
        for event in AppointmentEvent.objects.order_by("id").values():
            told[event["appointment_id"]].append(dict(event))
        return cls(
            appointments=rows_of(Appointment),
            holds=rows_of(Hold),
            entries=rows_of(WaitlistEntry),
            offers=rows_of(WaitlistOffer),
            series=rows_of(Series),
            patients=rows_of(Patient),
            family=rows_of(FamilyMember),
            practitioners=rows_of(Practitioner),
            services=rows_of(Service),
            users=rows_of(User),
            hours=(rows_of(WorkingBlock), rows_of(ScheduleException)),
            told=dict(told),
            told_of_patients=rows_of(PatientEvent),
            heads=dict(StreamHead.objects.values_list("clinic_id", "seq")),
            cells=set(ClaimedCell.objects.values_list("kind", "owner_id", "starts_at", "appointment_id", "hold_id")),
            keys=set(IdempotencyKey.objects.values_list("owner", "key")),
        )

    def claims(self) -> list[Claim]:
        """Active appointments, and holds until they are removed. Those that may overlap claim no patient's time."""
        claims = [
            Claim("practitioner", row["practitioner_id"], row["blocked_from"], row["blocked_until"], hold_id=row["id"])
            for row in self.holds.values()
        ]
        for row in self.active_appointments():
            of_row = {"appointment_id": row["id"]}
            blocked = row["blocked_from"], row["blocked_until"]
            claims.append(Claim("practitioner", row["practitioner_id"], *blocked, **of_row))
            if not row["allow_overlap"]:
                claims.append(Claim("patient", row["patient_id"], row["starts_at"], row["ends_at"], **of_row))
        return sorted(claims, key=lambda claim: (claim.kind, claim.owner_id, claim.start, claim.end))

    def active_appointments(self) -> list[Row]:
        return [row for row in self.appointments.values() if row["status"] in ACTIVE]

    def open_offers(self) -> list[Row]:
        return [offer for offer in self.offers.values() if offer["state"] == OfferState.OPEN]

    def holds_of_visitors(self) -> list[Row]:
        """Without those that keep the time of an offer or of a step that can be undone: their token is nobody's."""
        offered = {offer["hold_id"] for offer in self.offers.values()}
        holds = [hold for hold_id, hold in sorted(self.holds.items()) if hold_id not in offered]
        return [hold for hold in holds if not hold["kept_for_undo"]]
