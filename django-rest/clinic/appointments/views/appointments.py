from functools import partial
from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.models import Role
from clinic.accounts.requests import signed_in_user
from clinic.appointments import queries
from clinic.appointments.lifecycle import Action
from clinic.appointments.models import Appointment
from clinic.appointments.pages import AppointmentPages
from clinic.appointments.serializers.appointments import (
    ActionInput,
    AppointmentDetailOutput,
    AppointmentEditInput,
    AppointmentFilterInput,
    AppointmentInput,
    AppointmentOutput,
    ConfirmInput,
    CorrectionInput,
    ReopenInput,
    RescheduleInput,
    UndoInput,
)
from clinic.appointments.services.booking import Booking, book_appointment
from clinic.appointments.services.decisions import change_status, correct_status, delete_appointment, set_status
from clinic.appointments.services.guest_bookings import confirm_and_link
from clinic.appointments.services.moving import Edit, check_patient_stays, edit_appointment
from clinic.appointments.services.undoing import undo_step
from clinic.appointments.views.requests import (
    actor_of,
    current_row_on_conflict,
    output_context,
    show,
    show_new,
)
from clinic.common import clock
from clinic.common.errors import (
    BookingRuleError,
    ChairsideError,
    HoldExpired,
    MovesNotOffered,
    NothingToUndo,
    NotToday,
    OwnAppointment,
    SlotTaken,
    TooEarly,
    TooLateToCancel,
    TooLateToConfirm,
    TooManyMoves,
    TooManyPending,
    TransitionNotAllowed,
    UndoOver,
)
from clinic.common.idempotency import answer_once
from clinic.common.inputs import read, validated
from clinic.common.openapi import IDEMPOTENCY_KEY, IF_MATCH, answers
from clinic.common.transactions import in_one_transaction
from clinic.common.versions import ANY_VERSION, etag, expected_version
from clinic.common.views import ApiListView, ApiView
from clinic.scheduling.queries.clinics import get_clinic_for

BOOKING_RULES: tuple[type[ChairsideError], ...] = tuple(BookingRuleError.__subclasses__())
BOOKING_ERRORS: tuple[type[ChairsideError], ...] = (SlotTaken, OwnAppointment, HoldExpired, *BOOKING_RULES)
TRANSITION_ERRORS = (TransitionNotAllowed, TooLateToConfirm, TooLateToCancel, TooEarly, NotToday)
MOVE_ERRORS = (MovesNotOffered, TooManyMoves)


class AppointmentListView(ApiListView[Appointment]):
    serializer_class = AppointmentOutput
    pagination_class = AppointmentPages

    @extend_schema(
        parameters=[AppointmentFilterInput, OpenApiParameter("from", OpenApiTypes.DATE, description="first date")],
        summary="Appointments I may see",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        wanted = read(AppointmentFilterInput, self.request.query_params)["wanted"]
        return queries.list_appointments(signed_in_user(self.request), wanted)

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), **output_context(signed_in_user(self.request))}

    @answers(*BOOKING_ERRORS, TooManyPending)
    @extend_schema(
        request=AppointmentInput, responses={201: AppointmentDetailOutput}, parameters=[IDEMPOTENCY_KEY], summary="Book"
    )
    def post(self, request: Request) -> Response:
        user = signed_in_user(request)

        def create() -> Response:
            clinic = get_clinic_for(user)
            booking = Booking(**validated(AppointmentInput(data=request.data, context={"clinic": clinic})))
            appointment = book_appointment(actor=actor_of(request), clinic=clinic, booking=booking, now=clock.now())
            return show_new(appointment, user)

        return answer_once(request, owner=f"user:{user.pk}", create=create)


class AppointmentView(ApiView):
    @extend_schema(responses=AppointmentDetailOutput, summary="One appointment")
    def get(self, request: Request, appointment_id: int) -> Response:
        user = signed_in_user(request)
        return show(queries.get_appointment_for(user, appointment_id), user)

    @answers(*BOOKING_ERRORS, *TRANSITION_ERRORS, *MOVE_ERRORS)
    @extend_schema(
        request=AppointmentEditInput, responses=AppointmentDetailOutput, parameters=[IF_MATCH], summary="Change or move"
    )
    def patch(self, request: Request, appointment_id: int) -> Response:
        user = signed_in_user(request)
        with current_row_on_conflict(user, appointment_id):
            appointment = _change(request, appointment_id)
        return show(appointment, user)

    @answers(*BOOKING_ERRORS, *TRANSITION_ERRORS, *MOVE_ERRORS)
    @extend_schema(
        request=AppointmentEditInput, responses=AppointmentDetailOutput, parameters=[IF_MATCH], summary="Change or move"
    )
    def put(self, request: Request, appointment_id: int) -> Response:
        """The answer of `GET` can be sent back as it is: fields that are as they were change nothing."""
        return self.patch(request, appointment_id)

    @answers(TooLateToCancel, TransitionNotAllowed)
    @extend_schema(responses={204: None}, parameters=[IF_MATCH], summary="Delete: cancels and frees the time")
    def delete(self, request: Request, appointment_id: int) -> Response:
        """By the clinic: it no longer sees the appointment, its patient sees it as cancelled, and the history stays.

        By a patient: cancels, up to the clinic's cancellation notice. `ETag` is the version, with which it can be
        undone."""
        user = signed_in_user(request)
        with current_row_on_conflict(user, appointment_id):
            if user.role == Role.PATIENT:
                ended = change_status(
                    actor=actor_of(request),
                    appointment_id=appointment_id,
                    action=Action.CANCEL,
                    now=clock.now(),
                    expected=expected_version(request, None),
                )
            else:
                ended = delete_appointment(
                    actor=actor_of(request),
                    appointment_id=appointment_id,
                    now=clock.now(),
                    expected=expected_version(request, None),
                )
        return Response(status=204, headers=etag(ended.version))


@in_one_transaction
def _change(request: Request, appointment_id: int) -> Appointment:
    """An edit and a status in one request are one change: both or none."""
    user = signed_in_user(request)
    seen = queries.get_appointment_for(user, appointment_id)
    given = validated(AppointmentEditInput(data=request.data, context={"clinic": seen.clinic, "row": seen}))
    status, reason, version = given.pop("status", None), given.pop("reason", ""), given.pop("version", None)
    if version is None and (status == seen.status or not {"date", "time"}.isdisjoint(request.data)):
        # Compared with the row that was seen, or filled in from it: a change in between is not overlooked.
        version = seen.version
    expected = expected_version(request, version)
    check_patient_stays(seen, given.pop("patient_id"))
    if status == seen.status:
        status = None
    edit = Edit(**given)
    actor, now = actor_of(request), clock.now()
    if edit == Edit() and status is None:
        expected.check(queries.get_appointment_for(user, appointment_id, lock=True).version)
        return seen
    if edit != Edit():
        seen = edit_appointment(actor=actor, appointment_id=appointment_id, edit=edit, now=now, expected=expected)
        expected = ANY_VERSION
    if status is None:
        return seen
    return set_status(
        actor=actor, appointment_id=appointment_id, status=status, reason=reason, now=now, expected=expected
    )


class RescheduleView(ApiView):
    @answers(SlotTaken, OwnAppointment, TransitionNotAllowed, TooLateToCancel, *MOVE_ERRORS, *BOOKING_RULES)
    @extend_schema(
        request=RescheduleInput,
        responses={200: AppointmentDetailOutput, 202: AppointmentDetailOutput},
        parameters=[IF_MATCH],
        examples=[
            OpenApiExample(
                "Dropped on another column",
                value={"start": "2026-11-20T11:00:00+01:00", "practitioner": 4, "version": 2},
                request_only=True,
            )
        ],
        summary="Move to another time, also to another practitioner",
    )
    def post(self, request: Request, appointment_id: int) -> Response:
        """202: the clinic's `patient_moves` is `request`. The appointment keeps its time, and the desk is asked."""
        user = signed_in_user(request)
        seen = queries.get_appointment_for(user, appointment_id)
        given = validated(RescheduleInput(data=request.data, context={"clinic": seen.clinic}))
        expected = expected_version(request, given.pop("version"))
        with current_row_on_conflict(user, appointment_id):
            appointment = edit_appointment(
                actor=actor_of(request),
                appointment_id=appointment_id,
                edit=Edit(**given),
                now=clock.now(),
                expected=expected,
            )
        return show(appointment, user, status=202 if Edit(**given).beyond(appointment).moves else 200)


class AppointmentActionView(ApiView):
    """One step of the lifecycle. `action` is given by the route."""

    action: ClassVar[Action]
    summary: ClassVar[str]

    @answers(SlotTaken, OwnAppointment, *TRANSITION_ERRORS)
    @extend_schema(request=ActionInput, responses=AppointmentDetailOutput, parameters=[IF_MATCH])
    def post(self, request: Request, appointment_id: int) -> Response:
        return self.take(request, appointment_id, validated(ActionInput(data=request.data)))

    def take(self, request: Request, appointment_id: int, given: dict[str, Any]) -> Response:
        user = signed_in_user(request)
        with current_row_on_conflict(user, appointment_id):
            appointment = change_status(
                actor=actor_of(request),
                appointment_id=appointment_id,
                action=self.action,
                now=clock.now(),
                reason=given.get("reason", ""),
                allow_overlap=given.get("allow_overlap", False),
                expected=expected_version(request, given.get("version")),
            )
        return show(appointment, user)

    @answers(SlotTaken, OwnAppointment, *TRANSITION_ERRORS)
    @extend_schema(request=ActionInput, responses=AppointmentDetailOutput, parameters=[IF_MATCH])
    def patch(self, request: Request, appointment_id: int) -> Response:
        return self.post(request, appointment_id)


class ConfirmView(AppointmentActionView):
    """The clinic approves; a patient's `confirm` is the promise to come."""

    action = Action.CONFIRM
    summary = "Confirm a request"

    @answers(SlotTaken, OwnAppointment, *TRANSITION_ERRORS)
    @extend_schema(
        request=ConfirmInput, responses=AppointmentDetailOutput, parameters=[IF_MATCH], summary="Confirm a request"
    )
    def post(self, request: Request, appointment_id: int) -> Response:
        """The clinic approves; a patient's `confirm` is the promise to come. Whose record a guest's request may belong
        to is in `patients/{id}/possible-duplicates`; with `link_to` it becomes part of that one at once."""
        user, given = signed_in_user(request), validated(ConfirmInput(data=request.data))
        link_to = given.pop("link_to", None)
        confirm = partial(change_status, action=Action.CONFIRM)
        if link_to is not None:
            confirm = partial(confirm_and_link, link_to=link_to, allow_overlap=given.get("allow_overlap", False))
        with current_row_on_conflict(user, appointment_id):
            appointment = confirm(
                actor=actor_of(request),
                appointment_id=appointment_id,
                now=clock.now(),
                reason=given.get("reason", ""),
                expected=expected_version(request, given.get("version")),
            )
        return show(appointment, user)

    @answers(SlotTaken, OwnAppointment, *TRANSITION_ERRORS)
    @extend_schema(
        request=ConfirmInput, responses=AppointmentDetailOutput, parameters=[IF_MATCH], summary="Confirm a request"
    )
    def patch(self, request: Request, appointment_id: int) -> Response:
        """As `POST`."""
        return self.post(request, appointment_id)


class RejectView(AppointmentActionView):
    """Of a request that is not decided yet; the patient is told, with the reason."""

    action = Action.REJECT
    summary = "Reject a request"


class CancelView(AppointmentActionView):
    """A patient cancels up to the clinic's cancellation notice."""

    action = Action.CANCEL
    summary = "Cancel: frees the time"


class CheckInView(AppointmentActionView):
    """Of a confirmed appointment, on its day."""

    action = Action.CHECK_IN
    summary = "The patient has arrived"


class CompleteView(AppointmentActionView):
    """Confirmed or checked in, not before the start."""

    action = Action.COMPLETE
    summary = "The treatment is done"


class NoShowView(AppointmentActionView):
    """Of a confirmed appointment whose start has passed; the worker does the same some minutes later."""

    action = Action.NO_SHOW
    summary = "The patient did not come"


class ReopenView(AppointmentActionView):
    """After a no-show the patient came after all: claims the time again."""

    action = Action.REOPEN
    summary = "The patient came after all"

    @answers(SlotTaken, OwnAppointment, *TRANSITION_ERRORS)
    @extend_schema(request=ReopenInput, responses=AppointmentDetailOutput, parameters=[IF_MATCH])
    def post(self, request: Request, appointment_id: int) -> Response:
        """With `allow_overlap` the desk lets it stand beside another visit by now (else 409 `own_appointment`)."""
        return self.take(request, appointment_id, validated(ReopenInput(data=request.data)))

    @answers(SlotTaken, OwnAppointment, *TRANSITION_ERRORS)
    @extend_schema(request=ReopenInput, responses=AppointmentDetailOutput, parameters=[IF_MATCH])
    def patch(self, request: Request, appointment_id: int) -> Response:
        """As `POST`."""
        return self.post(request, appointment_id)


class UndoView(ApiView):
    """Undo of the last step, within the clinic's `undo_seconds`: nobody has been told of it yet."""

    @answers(NothingToUndo, UndoOver, SlotTaken, OwnAppointment)
    @extend_schema(
        request=UndoInput, responses=AppointmentDetailOutput, parameters=[IF_MATCH], summary="Undo the last step"
    )
    def post(self, request: Request, appointment_id: int) -> Response:
        """By whoever may take the step, each side its own: the clinic undoes no step of a patient, and a patient none
        of the clinic's. By a visit's reference: `public/bookings/{reference}/undo`. What was changed in one step,
        such as a whole series, is undone in one. `version` is that of the appointment after the step; of a deletion,
        its `ETag`."""
        user = signed_in_user(request)
        given = validated(UndoInput(data=request.data, context={"request": request}))
        with current_row_on_conflict(user, appointment_id, also_deleted=True):
            appointment = undo_step(
                actor=actor_of(request),
                appointment_id=appointment_id,
                now=clock.now(),
                expected=expected_version(request, given.get("version")),
            )
        return show(appointment, user)


class CorrectView(ApiView):
    """Correction of a mistaken entry: any status to any other that the facts allow."""

    @answers(SlotTaken, OwnAppointment, TransitionNotAllowed, TooLateToConfirm, TooEarly, NotToday)
    @extend_schema(
        request=CorrectionInput, responses=AppointmentDetailOutput, parameters=[IF_MATCH], summary="Correct the status"
    )
    def post(self, request: Request, appointment_id: int) -> Response:
        """By owner and staff; by the practitioner on the day. A visit of a former day becomes completed, missed or
        cancelled; what becomes active claims its time again. The patient is told of a visit that is still ahead."""
        user = signed_in_user(request)
        given = validated(CorrectionInput(data=request.data, context={"request": request}))
        with current_row_on_conflict(user, appointment_id):
            appointment = correct_status(
                actor=actor_of(request),
                appointment_id=appointment_id,
                status=given["status"],
                reason=given["reason"],
                allow_overlap=given.get("allow_overlap", False),
                now=clock.now(),
                expected=expected_version(request, given.get("version")),
            )
        return show(appointment, user)
