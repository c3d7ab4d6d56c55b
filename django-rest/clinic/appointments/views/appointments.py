from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.models import Role
from clinic.accounts.requests import signed_in_user
from clinic.appointments import queries
from clinic.appointments.lifecycle import Action
from clinic.appointments.models import Appointment, AppointmentEvent
from clinic.appointments.pages import AppointmentPages
from clinic.appointments.serializers.appointments import (
    ActionInput,
    AppointmentEditInput,
    AppointmentEventOutput,
    AppointmentFilterInput,
    AppointmentInput,
    AppointmentOutput,
    HistoryFilterInput,
    RescheduleInput,
)
from clinic.appointments.services.booking import Booking, Edit, book_appointment, check_patient_stays, edit_appointment
from clinic.appointments.services.decisions import change_status, delete_appointment, set_status
from clinic.appointments.services.versions import check_version
from clinic.appointments.views.requests import actor_of, current_row_on_conflict, expected_version, output_context, show
from clinic.common import clock
from clinic.common.errors import (
    BookingRuleError,
    ChairsideError,
    HoldExpired,
    NotToday,
    OwnAppointment,
    SlotTaken,
    TooEarly,
    TooLateToCancel,
    TooManyMoves,
    TooManyPending,
    TransitionNotAllowed,
)
from clinic.common.idempotency import answer_once
from clinic.common.inputs import read, validated
from clinic.common.openapi import IDEMPOTENCY_KEY, IF_MATCH, answers
from clinic.common.transactions import in_one_transaction
from clinic.common.views import ApiListView, ApiView
from clinic.scheduling.queries import get_clinic_for

BOOKING_RULES: tuple[type[ChairsideError], ...] = tuple(BookingRuleError.__subclasses__())
BOOKING_ERRORS: tuple[type[ChairsideError], ...] = (SlotTaken, OwnAppointment, HoldExpired, *BOOKING_RULES)
TRANSITION_ERRORS = (TransitionNotAllowed, TooLateToCancel, TooEarly, NotToday)
MOVE_ERRORS = (TooManyMoves,)


class AppointmentListView(ApiListView[Appointment]):
    serializer_class = AppointmentOutput
    pagination_class = AppointmentPages

    @extend_schema(
        parameters=[AppointmentFilterInput, OpenApiParameter("from", OpenApiTypes.DATE, description="first date")],
        summary="Appointments I may see",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Appointment]:
        wanted = read(AppointmentFilterInput, self.request.query_params)["wanted"]
        return queries.list_appointments(signed_in_user(self.request), wanted)

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), **output_context(signed_in_user(self.request))}

    @answers(*BOOKING_ERRORS, TooManyPending)
    @extend_schema(
        request=AppointmentInput, responses={201: AppointmentOutput}, parameters=[IDEMPOTENCY_KEY], summary="Book"
    )
    def post(self, request: Request) -> Response:
        user = signed_in_user(request)

        def create() -> Response:
            clinic = get_clinic_for(user)
            booking = Booking(**validated(AppointmentInput(data=request.data, context={"clinic": clinic})))
            appointment = book_appointment(actor=actor_of(request), clinic=clinic, booking=booking, now=clock.now())
            return show(appointment, user, status=201)

        return answer_once(request, owner=f"user:{user.pk}", create=create)


class AppointmentView(ApiView):
    @extend_schema(responses=AppointmentOutput, summary="One appointment")
    def get(self, request: Request, appointment_id: int) -> Response:
        user = signed_in_user(request)
        return show(queries.get_appointment_for(user, appointment_id), user)

    @answers(*BOOKING_ERRORS, *TRANSITION_ERRORS, *MOVE_ERRORS)
    @extend_schema(
        request=AppointmentEditInput, responses=AppointmentOutput, parameters=[IF_MATCH], summary="Change or move"
    )
    def patch(self, request: Request, appointment_id: int) -> Response:
        user = signed_in_user(request)
        with current_row_on_conflict(user, appointment_id):
            appointment = _change(request, appointment_id)
        return show(appointment, user)

    @answers(*BOOKING_ERRORS, *TRANSITION_ERRORS, *MOVE_ERRORS)
    @extend_schema(
        request=AppointmentEditInput, responses=AppointmentOutput, parameters=[IF_MATCH], summary="Change or move"
    )
    def put(self, request: Request, appointment_id: int) -> Response:
        """The answer of `GET` can be sent back as it is: fields that are as they were change nothing."""
        return self.patch(request, appointment_id)

    @answers(TooLateToCancel, TransitionNotAllowed)
    @extend_schema(responses={204: None}, parameters=[IF_MATCH], summary="Delete: frees the time, leaves the history")
    def delete(self, request: Request, appointment_id: int) -> Response:
        """A patient's cancels, up to the clinic's cancellation notice."""
        user = signed_in_user(request)
        with current_row_on_conflict(user, appointment_id):
            if user.role == Role.PATIENT:
                change_status(
                    actor=actor_of(request),
                    appointment_id=appointment_id,
                    action=Action.CANCEL,
                    now=clock.now(),
                    **expected_version(request, None),
                )
                return Response(status=204)
            delete_appointment(
                actor=actor_of(request),
                appointment_id=appointment_id,
                now=clock.now(),
                **expected_version(request, None),
            )
        return Response(status=204)


@in_one_transaction
def _change(request: Request, appointment_id: int) -> Appointment:
    """An edit and a status in one request are one change: both or none."""
    seen = queries.get_appointment_for(signed_in_user(request), appointment_id)
    given = validated(AppointmentEditInput(data=request.data, context={"clinic": seen.clinic, "row": seen}))
    status, reason, version = given.pop("status", None), given.pop("reason", ""), given.pop("version", None)
    if version is None and given["start"] is not None and ("date" in request.data) != ("time" in request.data):
        # The other part comes from the row that was seen: a move in between is not overwritten.
        version = seen.version
    expected = expected_version(request, version)
    check_patient_stays(seen, given.pop("patient_id"))
    if status == seen.status:
        status = None
    edit = Edit(**given)
    actor, now = actor_of(request), clock.now()
    if edit == Edit() and status is None:
        check_version(seen, **expected)
        return seen
    if edit != Edit():
        seen = edit_appointment(actor=actor, appointment_id=appointment_id, edit=edit, now=now, **expected)
        expected = {}
    if status is None:
        return seen
    return set_status(actor=actor, appointment_id=appointment_id, status=status, reason=reason, now=now, **expected)


class RescheduleView(ApiView):
    @answers(SlotTaken, TransitionNotAllowed, TooLateToCancel, *MOVE_ERRORS, *BOOKING_RULES)
    @extend_schema(
        request=RescheduleInput,
        responses=AppointmentOutput,
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
                **expected,
            )
        return show(appointment, user)


class AppointmentActionView(ApiView):
    """One step of the lifecycle. `action` is given by the route."""

    action: ClassVar[Action]
    summary: ClassVar[str]

    @answers(SlotTaken, *TRANSITION_ERRORS)
    @extend_schema(request=ActionInput, responses=AppointmentOutput, parameters=[IF_MATCH])
    def post(self, request: Request, appointment_id: int) -> Response:
        user = signed_in_user(request)
        given = validated(ActionInput(data=request.data))
        with current_row_on_conflict(user, appointment_id):
            appointment = change_status(
                actor=actor_of(request),
                appointment_id=appointment_id,
                action=self.action,
                now=clock.now(),
                reason=given.get("reason", ""),
                **expected_version(request, given.get("version")),
            )
        return show(appointment, user)

    @answers(SlotTaken, *TRANSITION_ERRORS)
    @extend_schema(request=ActionInput, responses=AppointmentOutput, parameters=[IF_MATCH])
    def patch(self, request: Request, appointment_id: int) -> Response:
        return self.post(request, appointment_id)


class ConfirmView(AppointmentActionView):
    """The clinic approves; a patient's `confirm` is the promise to come."""

    action = Action.CONFIRM
    summary = "Confirm a request"


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


class AppointmentHistoryView(ApiListView[AppointmentEvent]):
    """The first change first: from what to what, by whom, through what, when."""

    summary = "Every change of an appointment"
    serializer_class = AppointmentEventOutput

    def get_queryset(self) -> QuerySet[AppointmentEvent]:
        return queries.history_of(signed_in_user(self.request), self.kwargs["appointment_id"])


class HistoryView(ApiListView[AppointmentEvent]):
    serializer_class = AppointmentEventOutput

    @extend_schema(
        parameters=[
            HistoryFilterInput,
            OpenApiParameter("from", OpenApiTypes.DATE, description="first day of the change"),
        ],
        summary="Every change of every appointment I may see",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The newest first; owner and staff also see that of what was deleted."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[AppointmentEvent]:
        wanted = read(HistoryFilterInput, self.request.query_params)["wanted"]
        return queries.list_history(signed_in_user(self.request), wanted)
