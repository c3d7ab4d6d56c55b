"""A visit by its reference: for whoever has the link that messages hold. And the desk's replacement of that link."""

from datetime import timedelta
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.requests import signed_in_user
from clinic.accounts.views import OpenView
from clinic.appointments.models import Appointment
from clinic.appointments.queries import get_guest_booking
from clinic.appointments.serializers.appointments import ActionInput, AppointmentDetailOutput, UndoInput
from clinic.appointments.serializers.guests import CancelInput, GuestBookingOutput, MoveInput
from clinic.appointments.services.moving import move_by_reference
from clinic.appointments.services.undoing import undo_by_reference
from clinic.appointments.services.visit_links import (
    arrive_by_reference,
    attend_by_reference,
    cancel_by_reference,
    keep_time,
    possible_with,
    revoke_reference,
)
from clinic.appointments.views.appointments import BOOKING_RULES, MOVE_ERRORS
from clinic.appointments.views.requests import actor_of, current_row_on_conflict, show
from clinic.common import clock
from clinic.common.errors import (
    NothingToUndo,
    NotToday,
    OwnAppointment,
    PermissionDenied,
    SlotTaken,
    StaleVersion,
    TooEarly,
    TooLateToCancel,
    TransitionNotAllowed,
    UndoOver,
)
from clinic.common.inputs import validated
from clinic.common.limits import Limit
from clinic.common.openapi import IF_MATCH, answers
from clinic.common.versions import Expected, expected_version
from clinic.common.views import ApiView

# References cannot be guessed; whoever tries all the same is stopped, whether or not one exists.
# A full waiting room shares one address.
VISIT_LINKS = Limit("visit-link", most=300, within=timedelta(minutes=1))

SHOWN = {
    "status": "pending",
    "start": "2026-11-20T09:30:00+01:00",
    "end": "2026-11-20T10:00:00+01:00",
    "date": "2026-11-20",
    "time": "09:30",
    "practitioner": 3,
    "practitioner_name": "Dr Petra",
    "service": 5,
    "service_name": "Check-up",
    "attendance_confirmed_at": None,
    "arrived_at": None,
    "called_at": None,
    "requested_start": None,
    "room": "",
    "request_note": "A toothache since Monday",
    "version": 1,
    "actions": ["attend", "move", "cancel"],
    "cancel_until": "2026-11-19T09:30:00+01:00",
    "moves_left": 2,
    "patient_moves": "direct",
    "clinic": {
        "name": "Riverside",
        "slug": "riverside",
        "phone": "+49 30 1234567",
        "email": "desk@riverside.example",
        "address": "Uferweg 1, 10115 Berlin",
        "timezone": "Europe/Berlin",
    },
}
MOVED = {**SHOWN, "start": "2026-11-20T11:00:00+01:00", "end": "2026-11-20T11:30:00+01:00", "time": "11:00"}


class VisitLinkView(OpenView):
    address_limit = VISIT_LINKS

    def answer(self, reference: str, *, status: int = 200) -> Response:
        appointment = get_guest_booking(reference)
        return Response(GuestBookingOutput(appointment, context=context_of(appointment)).data, status=status)


class GuestBookingView(VisitLinkView):
    @extend_schema(
        responses=GuestBookingOutput,
        examples=[OpenApiExample("Not decided yet", value=SHOWN, response_only=True)],
        summary="A visit by its reference",
    )
    def get(self, request: Request, reference: str) -> Response:
        """Of guests and of patients with an account: every visit has a reference, in each message about it."""
        return self.answer(reference)


class GuestCancelView(VisitLinkView):
    @answers(TooLateToCancel, TransitionNotAllowed)
    @extend_schema(
        request=CancelInput,
        responses=GuestBookingOutput,
        examples=[
            OpenApiExample("Cancelled", value={**SHOWN, "status": "cancelled", "actions": []}, response_only=True)
        ],
        summary="Cancel by the reference, up to the clinic's cancellation notice",
    )
    def post(self, request: Request, reference: str) -> Response:
        given = validated(CancelInput(data=request.data))
        cancel_by_reference(reference=reference, now=clock.now(), reason=given.get("reason", ""))
        return self.answer(reference)


class VisitMoveView(VisitLinkView):
    @answers(
        SlotTaken, OwnAppointment, TransitionNotAllowed, TooLateToCancel, StaleVersion, *MOVE_ERRORS, *BOOKING_RULES
    )
    @extend_schema(
        request=MoveInput,
        responses={200: GuestBookingOutput, 202: OpenApiResponse(GuestBookingOutput, "the desk is asked")},
        examples=[OpenApiExample("Moved", value=MOVED, response_only=True, status_codes=["200"])],
        summary="Move by the reference to an open time, within the notice",
    )
    def post(self, request: Request, reference: str) -> Response:
        """202: the clinic's `patient_moves` is `request`. The visit keeps its time, and the desk is asked."""
        clinic = get_guest_booking(reference).clinic
        given = validated(MoveInput(data=request.data, context={"clinic": clinic}))
        expected = Expected(given.pop("version", None))
        moved = move_by_reference(reference=reference, now=clock.now(), expected=expected, **given)
        return self.answer(reference, status=202 if is_asked(moved, given["start"]) else 200)


class VisitAttendView(VisitLinkView):
    @answers(TransitionNotAllowed)
    @extend_schema(request=None, responses=GuestBookingOutput, summary="Promise to come")
    def post(self, request: Request, reference: str) -> Response:
        """The patient's promise, not the clinic's approval. A second time changes nothing."""
        attend_by_reference(reference=reference, now=clock.now())
        return self.answer(reference)


class VisitArriveView(VisitLinkView):
    @answers(TransitionNotAllowed, TooEarly, NotToday)
    @extend_schema(request=None, responses=GuestBookingOutput, summary="I am here")
    def post(self, request: Request, reference: str) -> Response:
        """On the day, from an hour before the start. The desk sees it and checks the patient in. A second time changes
        nothing."""
        arrive_by_reference(reference=reference, now=clock.now())
        return self.answer(reference)


class VisitUndoView(VisitLinkView):
    @answers(NothingToUndo, UndoOver, SlotTaken, OwnAppointment, StaleVersion, PermissionDenied)
    @extend_schema(
        request=UndoInput,
        responses=GuestBookingOutput,
        parameters=[IF_MATCH],
        summary="Undo the patient's own move or cancellation, within the undo window",
    )
    def post(self, request: Request, reference: str) -> Response:
        """Within the clinic's `undo_seconds`: nobody has been told of it yet. `version` is that of the visit after the
        step. A step of the clinic is not undone here."""
        given = validated(UndoInput(data=request.data, context={"request": request}))
        undo_by_reference(
            reference=reference, now=clock.now(), expected=expected_version(request, given.get("version"))
        )
        return self.answer(reference)


class RevokeReferenceView(ApiView):
    @answers(PermissionDenied, StaleVersion)
    @extend_schema(
        request=ActionInput,
        responses=AppointmentDetailOutput,
        parameters=[IF_MATCH],
        summary="Replace the visit's link (the desk)",
    )
    def post(self, request: Request, appointment_id: int) -> Response:
        """For a link that has gone too far: the former one leads nowhere at once. Messages that are still to be sent
        hold the new one."""
        user = signed_in_user(request)
        given = validated(ActionInput(data=request.data))
        with current_row_on_conflict(user, appointment_id):
            appointment = revoke_reference(
                actor=actor_of(request),
                appointment_id=appointment_id,
                now=clock.now(),
                expected=expected_version(request, given.get("version")),
            )
        return show(appointment, user)


class KeepTimeView(ApiView):
    @answers(PermissionDenied, StaleVersion)
    @extend_schema(
        request=ActionInput,
        responses=AppointmentDetailOutput,
        parameters=[IF_MATCH],
        summary="Decline the move that the patient asks for (the clinic)",
    )
    def post(self, request: Request, appointment_id: int) -> Response:
        """The visit stays at its time, and its page shows it. To move it, `reschedule` to `requested_start`."""
        user = signed_in_user(request)
        given = validated(ActionInput(data=request.data))
        with current_row_on_conflict(user, appointment_id):
            appointment = keep_time(
                actor=actor_of(request),
                appointment_id=appointment_id,
                now=clock.now(),
                expected=expected_version(request, given.get("version")),
            )
        return show(appointment, user)


def context_of(appointment: Appointment) -> dict[str, Any]:
    return {"possible": possible_with(appointment, now=clock.now())}


def is_asked(appointment: Appointment, start: object) -> bool:
    """Whether a move is still a question."""
    return appointment.starts_at != start and appointment.requested_start == start
