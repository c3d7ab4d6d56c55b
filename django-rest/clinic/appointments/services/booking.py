"""Bookings: lock and read the facts, decide, write (`services.claiming`)."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from clinic.appointments.actor import Actor, Booker, GuestActor, user_of
from clinic.appointments.claim_facts import read_claim_facts
from clinic.appointments.lifecycle import Status
from clinic.appointments.models import ActorKind, Appointment, Source
from clinic.appointments.references import new_reference
from clinic.appointments.services.claiming import place_in, put_at, rules_for, write_claim
from clinic.appointments.services.eligibility import (
    check_offer,
    check_pending_limit,
    first_status,
    is_unverified,
    patient_of,
)
from clinic.appointments.services.history import record
from clinic.appointments.services.own_time import check_may_allow_overlap
from clinic.appointments.services.refusals import explained, nearest_slots
from clinic.appointments.slot_assignment import OwnTime, SlotRequest, assign_slot, booked_treatment
from clinic.common.errors import (
    HoldExpired,
    InvalidRequest,
    PhoneNotProven,
    SlotTaken,
)
from clinic.common.transactions import in_open_transaction
from clinic.people.identities import Guest, practitioner_id_of
from clinic.people.models import Patient
from clinic.people.services.guests import check_new_record, find_record
from clinic.scheduling.models import Clinic, Hold
from clinic.scheduling.queries.holds import find_hold
from clinic.scheduling.services import ClaimLock, lock_for_claim

MAX_REQUEST_NOTE = 1000


@dataclass(frozen=True, slots=True)
class Booking:
    """A request to book. `start` is an aware instant; without a service, one slot of the clinic's grid; without a
    practitioner, a free one. A hold's token says all three where they are not said. The desk may let it overlap other
    visits of the patient. Notes from a patient or guest are their `request_note`. `reference`: of the new appointment,
    where it has to be known beforehand."""

    patient_id: int | None
    practitioner_id: int | None = None
    start: datetime | None = None
    service_id: int | None = None
    notes: str = ""
    request_note: str = ""
    hold_token: str | None = None
    outside_hours: bool = False
    status: Status | None = None
    allow_overlap: bool = False
    reference: str | None = None


@in_open_transaction
def book_appointment(
    *, actor: Booker, clinic: Clinic, booking: Booking, now: datetime, source: Source | None = None
) -> Appointment:
    """Claim the time and write the appointment: confirmed by the clinic, pending by a patient unless auto-confirmed.

    Raises NotFound, a BookingRuleError, SlotTaken (with the nearest open slots), HoldExpired, PermissionDenied,
    TooManyPending, OwnAppointment (with the other visits that the actor may see), PhoneNotProven; InvalidRequest for a
    guest's reference that there is not.
    """
    if is_unverified(actor) and clinic.guests_verify_phone:
        raise PhoneNotProven
    if booking.allow_overlap:
        check_may_allow_overlap(actor)
    hold = _hold_of(booking, clinic, now=now)
    booking = _completed(booking, hold, actor)
    assert booking.start is not None
    nearest = partial(
        nearest_slots,
        clinic,
        practitioner_id=booking.practitioner_id,
        service_id=booking.service_id,
        start=booking.start,
        now=now,
    )
    with explained(actor, nearest):
        return _book(actor=actor, clinic=clinic, booking=booking, hold=hold, now=now, source=source)


def _hold_of(booking: Booking, clinic: Clinic, *, now: datetime) -> Hold | None:
    """Raises HoldExpired."""
    if booking.hold_token is None:
        return None
    hold = find_hold(booking.hold_token, now=now, clinic=clinic)
    if hold is None:
        raise HoldExpired
    return hold


def _completed(booking: Booking, hold: Hold | None, actor: Actor) -> Booking:
    """The booking with what its hold and the actor say. Raises InvalidRequest."""
    if hold is not None:
        if booking.practitioner_id not in (None, hold.practitioner_id) or booking.start not in (None, hold.starts_at):
            raise InvalidRequest("This hold is for another time or practitioner.", attr="hold")
        service_id = booking.service_id or hold.service_id
        return replace(booking, practitioner_id=hold.practitioner_id, start=hold.starts_at, service_id=service_id)
    if booking.start is None:
        raise InvalidRequest("Say when.", attr="start")
    return replace(booking, practitioner_id=booking.practitioner_id or practitioner_id_of(user_of(actor)))


def _source_of(actor: Actor) -> Source:
    if actor.kind is ActorKind.GUEST:
        return Source.GUEST
    return Source.PATIENT if actor.is_patient else Source.DESK


def _book(
    *, actor: Booker, clinic: Clinic, booking: Booking, hold: Hold | None, now: datetime, source: Source | None
) -> Appointment:
    # Before the locks, as others wait for those. A guest's record is locked itself, after the practitioner.
    patient = None if isinstance(actor, GuestActor) else patient_of(actor, booking.patient_id)
    locked = lock_for_claim(clinic, practitioner_id=booking.practitioner_id, service_id=booking.service_id)
    appointment = Appointment(
        clinic=clinic,
        patient=patient or _patient_of_guest(actor),
        status=first_status(actor, clinic, booking.status),
        notes="" if actor.is_patient else booking.notes,
        request_note=_request_note(booking, actor),
        source=source or _source_of(actor),
        allow_overlap=booking.allow_overlap,
        reference=booking.reference or new_reference(),
        created_at=now,
        updated_at=now,
    )
    check_offer(locked, actor, clinic, booking.practitioner_id, booking.service_id)
    has_new_record = appointment.patient_id is None
    request = _slot_request(appointment, booking, locked, hold, actor=actor, now=now)
    _assign(appointment, request, locked, hold)
    if isinstance(actor, GuestActor) and has_new_record:
        check_new_record(actor.guest, appointment.patient)
    if actor.is_patient and appointment.status == Status.PENDING:
        check_pending_limit(appointment, is_verified=_is_verified(actor, appointment), user=user_of(actor), now=now)
    record(appointment, "create", actor=actor, now=now, after=appointment)
    return appointment


def _patient_of_guest(actor: Booker) -> Patient:
    record_of_guest = _record_of(actor.guest) if isinstance(actor, GuestActor) else None
    return record_of_guest or patient_of(actor, None)


# A shared lock, which the ORM does not know.
RECORD_OF_REFERENCE = """
SELECT patient.* FROM appointment JOIN patient ON patient.id = appointment.patient_id
WHERE appointment.clinic_id = %s AND appointment.reference = %s LOCK IN SHARE MODE
"""


def _record_of(guest: Guest) -> Patient | None:
    """Locked. Raises InvalidRequest."""
    if not guest.reference:
        return find_record(guest)
    for earlier in Patient.objects.raw(RECORD_OF_REFERENCE, [guest.clinic.pk, guest.reference]):
        return find_record(guest, earlier)
    raise InvalidRequest("There is no booking with this reference.", attr="reference")


def _request_note(booking: Booking, actor: Actor) -> str:
    note = booking.request_note or (booking.notes if actor.is_patient else "")
    if len(note) > MAX_REQUEST_NOTE:
        raise InvalidRequest(f"{MAX_REQUEST_NOTE} characters at most.", attr="notes")
    return note


def _slot_request(
    appointment: Appointment,
    booking: Booking,
    locked: ClaimLock,
    hold: Hold | None,
    *,
    actor: Actor,
    now: datetime,
) -> SlotRequest:
    assert booking.start is not None
    # As long as it was held, unless it is booked as something else.
    is_as_held = hold is not None and hold.service_id == booking.service_id
    treatment = booked_treatment(hold) if hold is not None and is_as_held else None
    # The notice was kept when the time was held: whoever holds it need not hurry.
    asked_at = hold.created_at if hold is not None and booking.start > now else now
    return SlotRequest(
        place_in(appointment.clinic, booking.start, service=locked.service, treatment=treatment),
        list(locked.practitioners),
        now,
        rules=rules_for(actor, appointment.clinic, now=asked_at, outside_hours=booking.outside_hours),
        is_named=booking.practitioner_id is not None,
        takes_undo_holds=actor.is_clinic,
        own_time=OwnTime.ALLOWED if booking.allow_overlap else OwnTime.REFUSED,
        patient_id=appointment.patient_id,
        hold_id=None if hold is None else hold.pk,
    )


def _assign(appointment: Appointment, request: SlotRequest, locked: ClaimLock, hold: Hold | None) -> None:
    """Decide by the facts, and write. Where somebody wrote around the lock, the next practitioner may still be free."""
    facts = read_claim_facts(appointment.clinic, [request], person=appointment.patient)
    while True:
        assignment = assign_slot(request, facts)
        practitioner = locked.practitioners[assignment.practitioner_id]
        put_at(appointment, assignment.place, practitioner, locked.service)
        try:
            write_claim(
                partial(_write, appointment, hold), released_hold_ids=assignment.released_hold_ids, now=request.now
            )
            return
        except SlotTaken:
            request = request.without(practitioner.pk)
            if not request.practitioner_ids:
                raise


def _write(appointment: Appointment, hold: Hold | None) -> None:
    # It may have been let go since the facts were read.
    if hold is not None and not Hold.objects.filter(pk=hold.pk).delete()[0]:
        raise HoldExpired
    if not appointment.patient.pk:
        appointment.patient.save()
    appointment.save()


def _is_verified(actor: Booker, appointment: Appointment) -> bool:
    """Whether the phone of the request is known to be the requester's."""
    if isinstance(actor, GuestActor):
        return actor.guest.is_verified
    verified = actor.user.verified_phone
    return bool(verified) and appointment.patient.phone in ("", verified)
