"""What people without an account can do: ask for a time, see it, cancel it."""

from datetime import timedelta

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.views import OpenView
from clinic.appointments.queries import get_guest_booking
from clinic.appointments.serializers.guests import (
    CancelInput,
    GuestBookingInput,
    GuestBookingMadeOutput,
    GuestBookingOutput,
    GuestClinicInput,
)
from clinic.appointments.services.booking import Booking
from clinic.appointments.services.guest_bookings import book_as_guest, cancel_as_guest
from clinic.appointments.views.appointments import BOOKING_ERRORS
from clinic.common import clock
from clinic.common.errors import HoldExpired, TooLateToCancel, TooManyPending, TransitionNotAllowed
from clinic.common.idempotency import answer_once
from clinic.common.inputs import validated
from clinic.common.limits import Limit
from clinic.common.openapi import IDEMPOTENCY_KEY, answers
from clinic.people.services.guests import guest_of
from clinic.scheduling.models import Clinic
from clinic.scheduling.queries import find_hold, get_clinic_for, get_clinic_named, get_practitioner_for

# A family behind one router books in peace; whoever fills a clinic's day from one address does not.
GUEST_REQUESTS = Limit("guest_booking", most=20, within=timedelta(hours=1))

SHOWN = {
    "status": "pending",
    "start": "2026-11-20T09:30:00+01:00",
    "end": "2026-11-20T10:00:00+01:00",
    "date": "2026-11-20",
    "time": "09:30",
    "practitioner": 3,
    "practitioner_name": "Dr Petra",
}
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
    OpenApiExample("Asked for", value={**SHOWN, "reference": "Xk3vQm8ZtY1rB6nWc0LhPa5sDgUe9oJf"}, response_only=True),
]


class GuestBookingListView(OpenView):
    address_limit = GUEST_REQUESTS

    @answers(*BOOKING_ERRORS, TooManyPending)
    @extend_schema(
        request=GuestBookingInput,
        responses={201: GuestBookingMadeOutput},
        parameters=[IDEMPOTENCY_KEY],
        examples=GUEST_EXAMPLES,
        summary="Ask for an appointment without an account",
    )
    def post(self, request: Request) -> Response:
        clinic = _clinic_meant(**validated(GuestClinicInput(data=request.data)))
        given = validated(GuestBookingInput(data=request.data, context={"clinic": clinic}))
        guest, booking = guest_of(clinic, **given["guest"]), Booking(patient_id=None, **given["booking"])

        def create() -> Response:
            made = book_as_guest(guest=guest, booking=booking, now=clock.now())
            shown = get_guest_booking(made.reference or "")
            return Response(GuestBookingMadeOutput(shown).data, status=201)

        # By the phone, not the address: who repeats a request on the way home from the clinic has another one.
        return answer_once(request, owner=f"guest:{clinic.pk}:{guest.phone}", create=create)


class GuestBookingView(OpenView):
    @extend_schema(
        responses=GuestBookingOutput,
        examples=[OpenApiExample("Not decided yet", value=SHOWN, response_only=True)],
        summary="What became of a guest's request",
    )
    def get(self, request: Request, reference: str) -> Response:
        return Response(GuestBookingOutput(get_guest_booking(reference)).data)


class GuestCancelView(OpenView):
    @answers(TooLateToCancel, TransitionNotAllowed)
    @extend_schema(
        request=CancelInput,
        responses=GuestBookingOutput,
        examples=[OpenApiExample("Cancelled", value={**SHOWN, "status": "cancelled"}, response_only=True)],
        summary="Cancel as a guest, up to the clinic's cancellation notice",
    )
    def post(self, request: Request, reference: str) -> Response:
        given = validated(CancelInput(data=request.data))
        cancel_as_guest(reference=reference, now=clock.now(), reason=given.get("reason", ""))
        return Response(GuestBookingOutput(get_guest_booking(reference)).data)


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
