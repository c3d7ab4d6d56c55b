"""People without an account: they ask for a time, and see and cancel it by its reference."""

from dataclasses import replace
from datetime import datetime

from clinic.appointments.actor import GuestActor, UserActor
from clinic.appointments.lifecycle import Action
from clinic.appointments.models import Appointment, Source
from clinic.appointments.queries import get_appointment_for
from clinic.appointments.services.booking import Booking, book_appointment
from clinic.appointments.services.decisions import change_status
from clinic.appointments.services.effects import lock_what_effects_may_claim
from clinic.common.errors import InvalidRequest, PermissionDenied, PhoneHasExtension, PhoneNotProven
from clinic.common.transactions import in_one_transaction
from clinic.common.versions import ANY_VERSION, Expected
from clinic.people.identities import Guest
from clinic.people.services.merging import merge_patients
from clinic.people.services.phone_codes import check_phone_code


def identify_guest(guest: Guest, *, phone_code: str = "", reference: str = "", now: datetime) -> Guest:
    """With what they can show: a code sent to the phone, the reference of an earlier request. Call outside of any
    transaction, so that a wrong code is counted. Raises PhoneNotProven, PhoneHasExtension."""
    if phone_code:
        if guest.phone_extension:
            raise PhoneHasExtension
        check_phone_code(clinic=guest.clinic, phone=guest.phone, code=phone_code, now=now)
        guest = replace(guest, is_verified=True)
    guest = replace(guest, reference=reference)
    if guest.clinic.guests_verify_phone and not guest.may_have_record:
        raise PhoneNotProven
    return guest


def is_waiting(reference: str) -> bool:
    """Whether the request still claims its time."""
    return Appointment.objects.filter(reference=reference, is_active=1).exists()


@in_one_transaction
def confirm_and_link(
    *,
    actor: UserActor,
    appointment_id: int,
    link_to: int,
    now: datetime,
    reason: str = "",
    allow_overlap: bool = False,
    expected: Expected = ANY_VERSION,
) -> Appointment:
    """Approve a guest's request whose person the clinic knows already: their record becomes part of that one. With
    `allow_overlap`, visits of both at the same time do not stand in the way.

    Raises what `change_status` and `merge_patients` raise, and InvalidRequest for a request of somebody else.
    """
    seen = get_appointment_for(actor.user, appointment_id)
    if not (actor.user.works_at_desk or actor.user.reads_every_clinic):
        raise PermissionDenied("The desk links records.")
    if seen.source != Source.GUEST or seen.patient.user_id is not None:
        raise InvalidRequest("This is no request of a guest.", attr="link_to")
    # Practitioners first: a merge locks the record's appointments.
    lock_what_effects_may_claim(seen.clinic, [seen.practitioner_id], now=now)
    expected.check(seen.version)
    if seen.patient_id != link_to:
        try:
            merge_patients(
                editor=actor.user,
                patient_id=seen.patient_id,
                into_id=link_to,
                now=now,
                allow_overlap=allow_overlap,
            )
        except InvalidRequest as error:
            raise InvalidRequest(error.detail, attr="link_to") from error
        if expected.version is not None:  # The merge writes the appointment once.
            expected = Expected(seen.version + 1, expected.by_if_match)
    return change_status(
        actor=actor,
        appointment_id=appointment_id,
        action=Action.CONFIRM,
        now=now,
        reason=reason,
        expected=expected,
    )


def book_as_guest(*, guest: Guest, booking: Booking, now: datetime) -> Appointment:
    """A request that the clinic decides, with a reference. Raises what `book_appointment` raises."""
    return book_appointment(actor=GuestActor(guest), clinic=guest.clinic, booking=booking, now=now)
