"""People without an account ask for a time."""

from datetime import timedelta
from hashlib import sha256
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.views import OpenView
from clinic.appointments.models import Appointment
from clinic.appointments.queries import get_guest_booking
from clinic.appointments.references import new_reference
from clinic.appointments.serializers.guests import (
    GuestBookingInput,
    GuestBookingMadeOutput,
    GuestClinicInput,
)
from clinic.appointments.services.booking import Booking
from clinic.appointments.services.guest_bookings import (
    book_as_guest,
    identify_guest,
    is_waiting,
)
from clinic.appointments.views.appointments import BOOKING_ERRORS
from clinic.appointments.views.visit_links import SHOWN, context_of
from clinic.common import clock
from clinic.common.addresses import client_address
from clinic.common.errors import HoldExpired, PhoneNotProven, TooManyPending
from clinic.common.idempotency import SAME_REQUEST_WITHIN, answer_once, answer_repeated
from clinic.common.inputs import validated
from clinic.common.limits import Limit
from clinic.common.openapi import IDEMPOTENCY_KEY, answers
from clinic.people.identities import Guest
from clinic.people.services.guests import guest_of
from clinic.scheduling.models import Clinic
from clinic.scheduling.queries.clinics import get_clinic_for, get_clinic_named
from clinic.scheduling.queries.holds import find_hold
from clinic.scheduling.queries.practitioners import get_practitioner_for

# A family behind one router books in peace; whoever fills a clinic's day from one address does not.
GUEST_REQUESTS = Limit("guest_booking", most=20, within=timedelta(hours=1))


GUEST_EXAMPLES = [
    OpenApiExample(
        "A slot, with whoever is free",
        value={
            "clinic": "riverside",
            "name": "Gus Guest",
            "phone": "+49 170 1234567",
            "start": "2026-11-20T09:30:00+01:00",
            "service": 5,
        },
        request_only=True,
    ),
    OpenApiExample(
        "What was held",
        value={"name": "Gus Guest", "phone": "+49 170 1234567", "hold": "fZ0w5Yk1cR3b0o8dQpXUu7mJr2sT9vKxN4hLgEaPi6M"},
        request_only=True,
    ),
    OpenApiExample("Asked for", value={**SHOWN, "reference": "Xk3vQm8ZtY1rB6nWc0LhPa"}, response_only=True),
]


class GuestBookingListView(OpenView):
    address_limit = GUEST_REQUESTS

    @answers(*BOOKING_ERRORS, TooManyPending, PhoneNotProven)
    @extend_schema(
        request=GuestBookingInput,
        responses={
            200: OpenApiResponse(GuestBookingMadeOutput, "the first answer again, to the same request"),
            201: GuestBookingMadeOutput,
        },
        parameters=[IDEMPOTENCY_KEY],
        examples=GUEST_EXAMPLES,
        summary="Ask for an appointment without an account",
    )
    def post(self, request: Request) -> Response:
        """The request gets a record of its own, unless it comes with the reference of an earlier one or a code sent to
        the phone. The same request from the same address within ten minutes gets the first answer."""
        clinic = _clinic_meant(**validated(GuestClinicInput(data=request.data)))
        given = validated(GuestBookingInput(data=request.data, context={"clinic": clinic}))
        now, booking = clock.now(), Booking(patient_id=None, reference=new_reference(), **given["booking"])
        guest = identify_guest(guest_of(clinic, **given["guest"]), now=now, **given["shown"])

        def create() -> Response:
            return Response(_present(book_as_guest(guest=guest, booking=booking, now=clock.now())), status=201)

        if "Idempotency-Key" in request.headers:
            # By the phone, not the address: who repeats a request on the way home from the clinic has another one.
            return answer_once(request, owner=f"guest:{clinic.pk}:{guest.phone}", create=create)
        return answer_repeated(
            owner=f"same:{clinic.pk}:{guest.phone}",
            key=_identity_of(guest, booking, client_address(request)),
            kept_for=SAME_REQUEST_WITHIN,
            holds=lambda body: is_waiting(body["reference"]),
            create=create,
            kept={"reference": booking.reference},
            tell_again=lambda body: _present(get_guest_booking(body["reference"])),
        )


def _present(booked: Appointment) -> Any:
    return GuestBookingMadeOutput(booked, context=context_of(booked)).data


def _identity_of(guest: Guest, booking: Booking, address: str) -> str:
    """One for requests that differ in nothing that matters: an impatient second click."""
    start = booking.start and booking.start.timestamp()
    what = (guest.name.casefold(), guest.phone_extension, start, booking.service_id, booking.practitioner_id)
    return sha256(repr((*what, booking.hold_token, address)).encode()).hexdigest()


def _clinic_meant(*, clinic: str | None, practitioner_id: int | None, hold_token: str | None) -> Clinic:
    """The clinic that is named, or by the hold or the practitioner meant, or the only one there is."""
    if clinic is not None:
        return get_clinic_named(clinic)
    if hold_token is not None:
        hold = find_hold(hold_token, now=clock.now())
        if hold is None:
            raise HoldExpired
        return hold.clinic
    if practitioner_id is not None:
        return get_practitioner_for(None, practitioner_id).clinic
    return get_clinic_for(None)
