"""Eligibility for a booking: its patient, practitioner, service and first status, and the limit of pending requests."""

from collections.abc import Callable
from datetime import datetime
from itertools import chain
from typing import NoReturn

from django.db import connection

from clinic.accounts.models import User
from clinic.appointments.actor import Actor, Booker, GuestActor, UserActor, user_of
from clinic.appointments.lifecycle import Status
from clinic.appointments.models import ActorKind, Appointment
from clinic.common.errors import InvalidRequest, PermissionDenied, TooManyPending
from clinic.people.identities import clinic_id_of, practitioner_id_of
from clinic.people.models import Patient
from clinic.people.queries import get_patient_for
from clinic.people.services.guests import record_for
from clinic.scheduling.models import Clinic, Practitioner, Service
from clinic.scheduling.queries.practitioners import get_service, offers, services_of
from clinic.scheduling.services import ClaimLock


def patient_of(actor: Booker, patient_id: int | None) -> Patient:
    """The patient to book: a patient books themselves and their family, the clinic anybody of its own. A guest who has
    no record yet gets one, which is not written here."""
    if isinstance(actor, GuestActor):
        return record_for(actor.guest)
    if actor.is_patient:
        return _own_or_family(actor.user, patient_id)
    if patient_id is None:
        raise InvalidRequest("Say for which patient.", attr="patient")
    if practitioner_id_of(actor.user) is not None:
        # A practitioner may book somebody who has not been theirs yet.
        patient = Patient.objects.filter(clinic_id=clinic_id_of(actor.user), pk=patient_id).first()
        if patient is not None:
            return patient
    return get_patient_for(actor.user, patient_id)


def _own_or_family(user: User, patient_id: int | None) -> Patient:
    own: Patient | None = getattr(user, "patient", None)
    if own is None:
        raise PermissionDenied("This account has no patient record.")
    return own if patient_id in (None, own.pk) else get_patient_for(user, patient_id or own.pk)


def check_may_book_for(actor: Actor, practitioner: Practitioner) -> None:
    own_id = practitioner_id_of(user_of(actor))
    if own_id is not None and own_id != practitioner.pk:
        raise PermissionDenied("A practitioner books their own time.")


def check_offer(
    locked: ClaimLock, actor: Actor, clinic: Clinic, practitioner_id: int | None, service_id: int | None
) -> None:
    """Whether the practitioner who is named, or anybody, offers the service, and may be booked by the actor. Raises
    PermissionDenied, InvalidRequest, NotFound."""
    if practitioner_id is None and service_id is not None and locked.service is None:
        get_service(clinic, service_id)
    if not locked.practitioners:
        raise InvalidRequest("Nobody offers this.", attr="practitioner" if service_id is None else "service")
    if practitioner_id is not None:
        practitioner = locked.practitioners[practitioner_id]
        check_may_book_for(actor, practitioner)
        if locked.service is None and service_id is not None:
            refuse_service(clinic, practitioner, service_id)


def service_of(clinic: Clinic, practitioner: Practitioner, service_id: int | None) -> Service | None:
    if service_id is None:
        return None
    offered = services_of(clinic).filter(pk=service_id, practitioners=practitioner.pk).first()
    return offered or refuse_service(clinic, practitioner, service_id)


def refuse_service(clinic: Clinic, practitioner: Practitioner, service_id: int) -> NoReturn:
    """Raises InvalidRequest for a service that the practitioner does not offer, NotFound for none of the clinic's."""
    service = get_service(clinic, service_id)
    raise InvalidRequest(f"{practitioner.name} does not offer {service.name}.", attr="service")


def first_status(actor: Actor, clinic: Clinic, asked: Status | None = None) -> Status:
    """A guest may be anybody, and so may an account without a verified address: the clinic always decides. Raises
    InvalidRequest."""
    if asked is not None:
        if asked != Status.PENDING and (actor.is_patient or asked != Status.CONFIRMED):
            raise InvalidRequest("A new appointment is `pending`, or `confirmed` by the clinic.", attr="status")
        return asked
    decides_itself = clinic.auto_confirm and actor.kind is not ActorKind.GUEST and not is_unverified(actor)
    return Status.PENDING if actor.is_patient and not decides_itself else Status.CONFIRMED


def is_unverified(actor: Actor) -> bool:
    """Of a patient's account that has nothing but claims."""
    return isinstance(actor, UserActor) and actor.is_patient and not actor.user.is_verified


def service_kept(
    appointment: Appointment,
    practitioner: Practitioner,
    *,
    offers: Callable[[Practitioner, Service], bool] = offers,
) -> Service | None:
    """The treatment of a booked visit moves with it, even if the clinic offers it to no new patient.

    `offers` may remember what it saw, for many at once.
    """
    service = appointment.service
    if service is not None and practitioner.pk != appointment.practitioner_id and not offers(practitioner, service):
        raise InvalidRequest(f"{practitioner.name} does not offer {service.name}.", attr="service")
    return service


# In SQL: everybody who books in the clinic waits for the answer.
PENDING_REQUESTS = """
SELECT COUNT(*) FROM appointment JOIN patient ON patient.id = appointment.patient_id
WHERE appointment.clinic_id = %s AND appointment.status = 'pending' AND appointment.starts_at > %s AND ({condition})
"""
OF_PATIENT = "patient.id = %s"
OF_PHONE = "patient.phone = %s"
OF_ACCOUNT = "patient.user_id = %s OR patient.id IN (SELECT patient_id FROM family_member WHERE user_id = %s)"


def check_pending_limit(
    appointment: Appointment, *, now: datetime, is_verified: bool = False, user: User | None = None
) -> None:
    """Of a phone, whoever names it, and of an account: all records it books for together. Who has verified the phone
    is held to the requests of each person alone. One statement.

    Call after the appointment is written: until the commit the feed's head is locked, so that requests of one clinic
    are written one after another and none is missed here. Raises TooManyPending."""
    patient, clinic = appointment.patient, appointment.clinic
    whose: dict[str, list[int | str]] = {OF_PATIENT: [patient.pk]}
    if not is_verified and patient.phone:
        whose[OF_PHONE] = [patient.phone]
    if not is_verified and user is not None:
        whose[OF_ACCOUNT] = [user.pk, user.pk]
    values = [clinic.pk, connection.ops.adapt_datetimefield_value(now), *chain.from_iterable(whose.values())]
    with connection.cursor() as cursor:
        cursor.execute(PENDING_REQUESTS.format(condition=" OR ".join(whose)), values)
        (pending,) = cursor.fetchone()
    if pending > clinic.max_pending_per_phone:
        raise TooManyPending
