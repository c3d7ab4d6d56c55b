"""The clinic, its people and their hours: what is read by everybody and changed with appointments in view."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.models import Role
from clinic.accounts.permissions import OwnerOrReadOnly
from clinic.accounts.queries import get_account
from clinic.accounts.requests import signed_in_user, viewer_of
from clinic.appointments.views.requests import actor_of
from clinic.clinic_setup.serializers.clinics import ClinicInput, ClinicOutput
from clinic.clinic_setup.serializers.offered_services import ListedInput
from clinic.clinic_setup.serializers.practitioners import (
    DeactivateInput,
    PractitionerEditInput,
    PractitionerInput,
    PractitionerOutput,
)
from clinic.clinic_setup.services.clinics import edit_clinic
from clinic.clinic_setup.services.practitioners import Fate, create_practitioner, edit_practitioner
from clinic.clinic_setup.views.requests import listed
from clinic.common import clock
from clinic.common.errors import CannotMove, ChairsideError, HasAppointments, ZoneHasAppointments
from clinic.common.idempotency import answer_once
from clinic.common.inputs import read, validated
from clinic.common.instants import say_instant, zone_of
from clinic.common.openapi import IDEMPOTENCY_KEY, IF_MATCH, answers
from clinic.common.versions import current_on_conflict, etag, expected_version
from clinic.common.views import ApiListView, ApiView
from clinic.scheduling.models import Clinic, Practitioner
from clinic.scheduling.queries.clinics import get_clinic_for
from clinic.scheduling.queries.practitioners import get_practitioner_for_owner, practitioners_listed_for
from clinic.scheduling.queries.rows import one_of
from clinic.scheduling.views import CLINIC_PARAMETER, clinic_of


class ClinicView(ApiView):
    permission_classes = (OwnerOrReadOnly,)

    @extend_schema(
        responses=ClinicOutput,
        parameters=[CLINIC_PARAMETER],
        summary="The clinic: name, zone, policy (without a token: what one needs in order to book)",
    )
    def get(self, request: Request) -> Response:
        return _show_clinic(request, clinic_of(request))

    @answers(ZoneHasAppointments)
    @extend_schema(
        request=ClinicInput,
        parameters=[IF_MATCH],
        responses=ClinicOutput,
        summary="Change name, zone, policy (the owner)",
        description="Settings that are not named stay. In a new zone working hours keep their time on the wall and "
        "appointments their instant, so their time on the wall changes: with appointments ahead that needs `force`. "
        "Dates of all appointments are told anew.",
        examples=[OpenApiExample("A longer notice", {"notice_minutes": 240}, request_only=True)],
    )
    def patch(self, request: Request) -> Response:
        owner = signed_in_user(request)
        changes = validated(ClinicInput(owner.clinic, data=request.data, partial=True))
        force, expected = changes.pop("force", False), expected_version(request, changes.pop("version", None))
        with current_on_conflict(lambda: _clinic(request, get_clinic_for(get_account(owner)))):
            clinic = edit_clinic(owner=owner, changes=changes, now=clock.now(), force=force, expected=expected)
        return _show_clinic(request, clinic)


def _clinic(request: Request, clinic: Clinic) -> dict[str, Any]:
    viewer = viewer_of(request)
    of_clinic = viewer is not None and viewer.role != Role.PATIENT and viewer.clinic_id == clinic.pk
    return ClinicOutput(clinic, context={"for_clinic": of_clinic}).data


def _show_clinic(request: Request, clinic: Clinic) -> Response:
    return Response(_clinic(request, clinic), headers=etag(clinic.version))


class TimeView(ApiView):
    permission_classes = (AllowAny,)

    @extend_schema(
        responses=inline_serializer(
            "Now",
            {
                "utc": serializers.DateTimeField(),
                "clinic": serializers.DateTimeField(allow_null=True),
                "timezone": serializers.CharField(allow_null=True),
            },
        ),
        parameters=[CLINIC_PARAMETER],
        summary="The server's time and the clinic's",
    )
    def get(self, request: Request) -> Response:
        now = clock.now()
        try:
            zone = zone_of(get_clinic_for(viewer_of(request), name=request.query_params.get("clinic")).timezone)
        except ChairsideError:  # No clinic, or several and none named: the server's time is still the time.
            return Response({"utc": now, "clinic": None, "timezone": None})
        return Response({"utc": now, "clinic": say_instant(now, zone), "timezone": zone.key})


class PractitionerListView(ApiListView[Practitioner]):
    permission_classes = (OwnerOrReadOnly,)
    serializer_class = PractitionerOutput
    order = ("name", "id")

    @extend_schema(parameters=[CLINIC_PARAMETER, ListedInput], summary="Practitioners")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Practitioner]:
        viewer, clinic = viewer_of(self.request), clinic_of(self.request)
        practitioners = practitioners_listed_for(viewer, clinic, **listed(self.request))
        return practitioners.prefetch_related("services")

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), **_practitioner_context(self.request)}

    @extend_schema(
        request=PractitionerInput,
        responses={201: PractitionerOutput},
        parameters=[IDEMPOTENCY_KEY],
        summary="A new practitioner, with or without an account (the owner)",
        examples=[
            OpenApiExample(
                "With an account",
                {
                    "name": "Dr Amara Osei",
                    "specialisation": "Endodontics",
                    "services": [1],
                    "account": {"email": "amara@riverside.example", "password": "a long sentence of hers"},
                },
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        owner = signed_in_user(request)

        def create() -> Response:
            fields = validated(PractitionerInput(data=request.data))
            return _show(request, create_practitioner(owner=owner, fields=fields), status=201)

        return answer_once(request, owner=f"user:{owner.pk}", create=create)


class PractitionerView(ApiView):
    permission_classes = (OwnerOrReadOnly,)

    @extend_schema(
        parameters=[CLINIC_PARAMETER],
        responses=PractitionerOutput,
        summary="One practitioner",
    )
    def get(self, request: Request, practitioner_id: int) -> Response:
        viewer = viewer_of(request)
        active = "all" if viewer is not None and viewer.works_at_desk else "true"
        clinic = clinic_of(request, practitioner_id=practitioner_id)
        listed_ones = practitioners_listed_for(viewer, clinic, active=active)
        return _show(request, one_of(listed_ones, practitioner_id, "practitioner"))

    @answers(HasAppointments, CannotMove)
    @extend_schema(
        request=PractitionerEditInput,
        parameters=[IF_MATCH],
        responses=PractitionerOutput,
        summary="Change or deactivate a practitioner (the owner)",
        description="`active: false` with appointments ahead needs `appointments`: `cancel`, `keep` or "
        "`{move_to: id}`. Each is cancelled or moved with its line of history, all of them or none.",
        examples=[
            OpenApiExample("Another name", {"name": "Dr Amara Osei-Bonsu"}, request_only=True),
            OpenApiExample("Leaves the clinic", {"active": False, "appointments": {"move_to": 2}}, request_only=True),
        ],
    )
    def patch(self, request: Request, practitioner_id: int) -> Response:
        changes = validated(PractitionerEditInput(data=request.data, partial=True))
        fate = _fate_of(changes)
        return _show(request, _edit(request, practitioner_id, changes, fate))

    @answers(HasAppointments, CannotMove)
    @extend_schema(
        request=None,
        parameters=[DeactivateInput, IF_MATCH],
        responses={204: None},
        summary="Deactivate a practitioner (the owner)",
        description="As `PATCH {active: false}`; what becomes of the appointments ahead is said in the query.",
    )
    def delete(self, request: Request, practitioner_id: int) -> Response:
        given = read(DeactivateInput, request.query_params)
        _edit(request, practitioner_id, {"active": False}, _fate_of(given))
        return Response(status=204)


def _edit(request: Request, practitioner_id: int, changes: dict[str, Any], fate: Fate | None) -> Practitioner:
    owner = signed_in_user(request)
    expected = expected_version(request, changes.pop("version", None))
    with current_on_conflict(lambda: _practitioner(request, get_practitioner_for_owner(owner, practitioner_id))):
        return edit_practitioner(
            actor=actor_of(request),
            practitioner_id=practitioner_id,
            changes=changes,
            fate=fate,
            now=clock.now(),
            expected=expected,
        )


def _fate_of(given: dict[str, Any]) -> Fate | None:
    fate = given.pop("fate")
    return None if fate is None else Fate(**fate)


def _practitioner_context(request: Request) -> dict[str, bool]:
    viewer = viewer_of(request)
    return {"for_desk": viewer is not None and viewer.works_at_desk}


def _practitioner(request: Request, practitioner: Practitioner) -> dict[str, Any]:
    return PractitionerOutput(practitioner, context=_practitioner_context(request)).data


def _show(request: Request, practitioner: Practitioner, *, status: int = 200) -> Response:
    return Response(_practitioner(request, practitioner), status=status, headers=etag(practitioner.version))
