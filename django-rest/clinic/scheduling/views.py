from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.permissions import OwnerOrReadOnly
from clinic.accounts.requests import signed_in_user, viewer_of
from clinic.common import clock
from clinic.common.idempotency import answer_once
from clinic.common.inputs import read
from clinic.common.instants import say_minute, zone_of
from clinic.common.openapi import IDEMPOTENCY_KEY, IF_MATCH
from clinic.common.versions import current_on_conflict, etag, expected_version
from clinic.common.views import ApiListView, ApiView
from clinic.scheduling import queries
from clinic.scheduling.models import Clinic, Service
from clinic.scheduling.serializers import (
    AnySlotsOutput,
    ListedInput,
    ServiceEditInput,
    ServiceInput,
    ServiceOutput,
    SlotsInput,
    SlotsOutput,
)
from clinic.scheduling.services import create_service, edit_service
from clinic.scheduling.slots import Slot

CLINIC_PARAMETER = OpenApiParameter(
    "clinic",
    str,
    description="slug or id, for people not signed in where several clinics are and nothing else names one",
)


def clinic_of(request: Request, *, practitioner_id: int | None = None, service_id: int | None = None) -> Clinic:
    return queries.get_clinic_for(
        viewer_of(request),
        name=request.query_params.get("clinic"),
        practitioner_id=practitioner_id,
        service_id=service_id,
    )


def listed(request: Request) -> dict[str, str]:
    return read(ListedInput, request.query_params)


class ServiceListView(ApiListView[Service]):
    permission_classes = (OwnerOrReadOnly,)
    serializer_class = ServiceOutput

    @extend_schema(parameters=[CLINIC_PARAMETER, ListedInput], summary="Services")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Service]:
        services = queries.services_listed_for(viewer_of(self.request), clinic_of(self.request), **listed(self.request))
        return services.prefetch_related("practitioners")

    @extend_schema(
        request=ServiceInput,
        responses={201: ServiceOutput},
        parameters=[IDEMPOTENCY_KEY],
        summary="A new service (the owner)",
        examples=[
            OpenApiExample(
                "A filling",
                {"name": "Filling", "duration_minutes": 45, "buffer_after_minutes": 10, "practitioners": [1, 2]},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        owner = signed_in_user(request)

        def create() -> Response:
            given = ServiceInput(data=request.data)
            given.is_valid(raise_exception=True)
            service = create_service(owner=owner, fields=given.validated_data)
            return _show_service(service, status=201)

        return answer_once(request, owner=f"user:{owner.pk}", create=create)


class ServiceView(ApiView):
    permission_classes = (OwnerOrReadOnly,)

    @extend_schema(parameters=[CLINIC_PARAMETER], responses=ServiceOutput, summary="One service")
    def get(self, request: Request, service_id: int) -> Response:
        listed_ones = queries.services_listed_for(
            viewer_of(request), clinic_of(request, service_id=service_id), active="all"
        )
        return _show_service(queries.one_of(listed_ones, service_id, "service"))

    @extend_schema(
        request=ServiceEditInput,
        parameters=[IF_MATCH],
        responses=ServiceOutput,
        summary="Change a service (the owner); what is booked keeps its length",
    )
    def patch(self, request: Request, service_id: int) -> Response:
        given = ServiceEditInput(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        return _show_service(_edit(request, service_id, dict(given.validated_data)))

    @extend_schema(
        parameters=[IF_MATCH],
        responses={204: None},
        summary="Offer a service no more (the owner); what is booked stays",
    )
    def delete(self, request: Request, service_id: int) -> Response:
        _edit(request, service_id, {"active": False})
        return Response(status=204)


def _edit(request: Request, service_id: int, changes: dict[str, Any]) -> Service:
    owner, expected = signed_in_user(request), expected_version(request, changes.pop("version", None))
    with current_on_conflict(lambda: ServiceOutput(queries.get_service_for_owner(owner, service_id)).data):
        return edit_service(owner=owner, service_id=service_id, changes=changes, expected=expected)


def _show_service(service: Service, *, status: int = 200) -> Response:
    return Response(ServiceOutput(service).data, status=status, headers=etag(service.version))


class PractitionerSlotsView(ApiView):
    permission_classes = (AllowAny,)

    @extend_schema(
        parameters=[
            SlotsInput,
            OpenApiParameter("from", OpenApiTypes.DATE, description="first day, the clinic's"),
            CLINIC_PARAMETER,
        ],
        responses=SlotsOutput,
        summary="Open slots of a practitioner",
    )
    def get(self, request: Request, practitioner_id: int) -> Response:
        given = read(SlotsInput, request.query_params)
        clinic = clinic_of(request, practitioner_id=practitioner_id)
        return Response(_slots(clinic, practitioner_id, **given))


def _slots(clinic: Clinic, practitioner_id: int, *, service_id: int | None, **dates: Any) -> dict[str, Any]:
    practitioner = queries.get_practitioner(clinic, practitioner_id)
    service = None if service_id is None else queries.get_service(clinic, service_id)
    slots = queries.open_slots_of(clinic, [practitioner], service=service, now=clock.now(), **dates)
    zone = zone_of(clinic.timezone)
    return {
        "practitioner": practitioner.pk,
        "service": service_id,
        "slots": [_present_slot(slot, zone) for slot in slots[practitioner.pk]],
    }


class SlotsView(ApiView):
    permission_classes = (AllowAny,)

    @extend_schema(
        parameters=[
            SlotsInput,
            OpenApiParameter("from", OpenApiTypes.DATE, description="first day, the clinic's"),
            CLINIC_PARAMETER,
        ],
        responses=AnySlotsOutput,
        summary="Open slots of anybody who offers the service",
    )
    def get(self, request: Request) -> Response:
        given = read(SlotsInput, request.query_params)
        clinic = clinic_of(request, service_id=given["service_id"])
        return Response(_slots_of_anybody(clinic, **given))


def _slots_of_anybody(clinic: Clinic, *, service_id: int | None, **dates: Any) -> dict[str, Any]:
    service = None if service_id is None else queries.get_service(clinic, service_id)
    practitioners = queries.practitioners_offering(clinic, service)
    slots = queries.open_slots_of(clinic, practitioners, service=service, now=clock.now(), **dates)
    zone = zone_of(clinic.timezone)
    return {
        "service": service_id,
        "slots": [
            {**_present_slot(slot, zone), "practitioners": practitioner_ids}
            for slot, practitioner_ids in queries.open_times_of(slots).items()
        ],
    }


def _present_slot(slot: Slot, zone: ZoneInfo) -> dict[str, Any]:
    start = say_minute(slot.start, zone)
    return {"start": start, "end": say_minute(slot.end, zone), "date": start[:10], "time": start[11:16]}
