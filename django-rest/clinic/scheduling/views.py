from typing import Any
from zoneinfo import ZoneInfo

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.models import Role
from clinic.accounts.requests import viewer_of
from clinic.common import clock
from clinic.common.inputs import read
from clinic.common.instants import say_minute, zone_of
from clinic.common.views import ApiView
from clinic.scheduling.models import Clinic
from clinic.scheduling.queries.clinics import get_clinic_for
from clinic.scheduling.queries.open_times import open_slots_of, open_times_of, treatment_lasting
from clinic.scheduling.queries.practitioners import get_practitioner, get_service, practitioners_offering
from clinic.scheduling.serializers import AnySlotsOutput, SlotsInput, SlotsOutput, SoonestInput, SoonestOutput
from clinic.scheduling.slots import Slot
from clinic.scheduling.soonest import SoonestWish, soonest_times

CLINIC_PARAMETER = OpenApiParameter(
    "clinic",
    str,
    description="slug or id, for people not signed in where several clinics are and nothing else names one",
)


def clinic_of(request: Request, *, practitioner_id: int | None = None, service_id: int | None = None) -> Clinic:
    return get_clinic_for(
        viewer_of(request),
        name=request.query_params.get("clinic"),
        practitioner_id=practitioner_id,
        service_id=service_id,
    )


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
        return Response(_slots(clinic, practitioner_id, for_clinic=is_of_clinic(request), **given))


def is_of_clinic(request: Request) -> bool:
    viewer = viewer_of(request)
    return viewer is not None and viewer.role != Role.PATIENT


def _slots(
    clinic: Clinic, practitioner_id: int, *, service_id: int | None, minutes: int | None, **wanted: Any
) -> dict[str, Any]:
    practitioner = get_practitioner(clinic, practitioner_id)
    service = None if service_id is None else get_service(clinic, service_id)
    treatment = treatment_lasting(clinic, service, minutes)
    slots = open_slots_of(clinic, [practitioner], treatment=treatment, now=clock.now(), **wanted)
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
        return Response(_slots_of_anybody(clinic, for_clinic=is_of_clinic(request), **given))


def _slots_of_anybody(clinic: Clinic, *, service_id: int | None, minutes: int | None, **wanted: Any) -> dict[str, Any]:
    service = None if service_id is None else get_service(clinic, service_id)
    practitioners = practitioners_offering(clinic, service)
    treatment = treatment_lasting(clinic, service, minutes)
    slots = open_slots_of(clinic, practitioners, treatment=treatment, now=clock.now(), **wanted)
    zone = zone_of(clinic.timezone)
    return {
        "service": service_id,
        "slots": [
            {**_present_slot(slot, zone), "practitioners": practitioner_ids}
            for slot, practitioner_ids in open_times_of(slots).items()
        ],
    }


class SoonestSlotsView(ApiView):
    permission_classes = (AllowAny,)

    @extend_schema(
        parameters=[
            SoonestInput,
            OpenApiParameter("from", OpenApiTypes.DATE, description="first day, the clinic's; without: today"),
            CLINIC_PARAMETER,
        ],
        responses=SoonestOutput,
        summary="The next open times of all who offer a service",
    )
    def get(self, request: Request) -> Response:
        """The earliest first, each with everybody who is free then."""
        given = read(SoonestInput, request.query_params)
        service_id = given.pop("service_id")
        clinic = clinic_of(request, service_id=service_id)
        service = None if service_id is None else get_service(clinic, service_id)
        if given["practitioner_id"] is not None:
            get_practitioner(clinic, given["practitioner_id"])
        wish = SoonestWish(service=service, **given)
        times = soonest_times(clinic, wish, now=clock.now(), for_clinic=is_of_clinic(request))
        zone = zone_of(clinic.timezone)
        slots = [
            {
                **_present_slot(found.slot, zone),
                "practitioners": [{"id": one.pk, "name": one.name} for one in found.practitioners],
            }
            for found in times
        ]
        return Response({"service": service_id, "slots": slots})


def _present_slot(slot: Slot, zone: ZoneInfo) -> dict[str, Any]:
    start = say_minute(slot.start, zone)
    return {"start": start, "end": say_minute(slot.end, zone), "date": start[:10], "time": start[11:16]}
