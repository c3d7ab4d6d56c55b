from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from clinic.accounts.models import User
from clinic.accounts.permissions import AtDeskOrReadOnly
from clinic.accounts.requests import signed_in_user
from clinic.accounts.serializers import ProfileInput, UserOutput
from clinic.accounts.views import OpenView
from clinic.appointments import queries
from clinic.appointments.models import Patient
from clinic.appointments.serializers.patients import PatientInput, PatientOutput, SignUpInput, SignUpOutput
from clinic.appointments.services.patients import (
    SignUp,
    change_own_profile,
    create_patient,
    edit_patient,
    sign_up_patient,
)
from clinic.appointments.views.requests import validated
from clinic.common.errors import PhoneNotProven
from clinic.common.idempotency import answer_once
from clinic.common.limits import Limit
from clinic.common.openapi import answers
from clinic.scheduling.queries import get_clinic_for

# One address may stand for a clinic's tablet.
SIGN_UPS = Limit("sign-up", 100, timedelta(hours=1))


class SignUpView(OpenView):
    address_limit = SIGN_UPS

    @answers(PhoneNotProven)
    @extend_schema(request=SignUpInput, responses={201: SignUpOutput}, summary="Sign up as a patient")
    def post(self, request: Request) -> Response:
        given = validated(SignUpInput(data=request.data))
        clinic = get_clinic_for(None, name=given.pop("clinic", None))
        user, pair = sign_up_patient(clinic=clinic, sign_up=SignUp(**given), now=timezone.now())
        return Response({"user": UserOutput(user).data, **asdict(pair)}, status=201)


class OwnProfileView(APIView):
    @extend_schema(responses=UserOutput, summary="My account")
    def get(self, request: Request) -> Response:
        return Response(UserOutput(signed_in_user(request)).data)

    @answers(PhoneNotProven)
    @extend_schema(request=ProfileInput, responses=UserOutput, summary="Change my name, e-mail, phone")
    def patch(self, request: Request) -> Response:
        changes = validated(ProfileInput(data=request.data, partial=True, context={"request": request}))
        return Response(UserOutput(_change(signed_in_user(request), changes)).data)

    @answers(PhoneNotProven)
    @extend_schema(request=ProfileInput, responses=UserOutput, summary="Change my name, e-mail, phone")
    def put(self, request: Request) -> Response:
        changes = validated(ProfileInput(data=request.data, context={"request": request}))
        return Response(UserOutput(_change(signed_in_user(request), changes)).data)


def _change(user: User, changes: dict[str, str]) -> User:
    code = changes.pop("phone_code", "")
    if not changes and not code:
        return user
    return change_own_profile(user=user, changes=changes, phone_code=code, now=timezone.now())


class PatientListView(ListAPIView[Patient]):
    permission_classes = (AtDeskOrReadOnly,)
    serializer_class = PatientOutput

    @extend_schema(parameters=[OpenApiParameter("search", str, description="in name, e-mail and phone")])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Patient]:
        text = self.request.query_params.get("search", "").strip()[:100]
        return queries.search_patients(signed_in_user(self.request), text)

    @extend_schema(request=PatientInput, responses={201: PatientOutput}, summary="A new patient record")
    def post(self, request: Request) -> Response:
        user = signed_in_user(request)

        def create() -> Response:
            patient = create_patient(clinic=get_clinic_for(user), **validated(PatientInput(data=request.data)))
            return Response(PatientOutput(patient).data, status=201)

        return answer_once(request, owner=f"user:{user.pk}", create=create)


class PatientView(APIView):
    permission_classes = (AtDeskOrReadOnly,)

    @extend_schema(responses=PatientOutput, summary="One patient")
    def get(self, request: Request, patient_id: int) -> Response:
        return Response(PatientOutput(queries.get_patient_for(signed_in_user(request), patient_id)).data)

    @extend_schema(request=PatientInput, responses=PatientOutput, summary="Change name, e-mail, phone")
    def patch(self, request: Request, patient_id: int) -> Response:
        changes = validated(PatientInput(data=request.data, partial=True))
        return Response(
            PatientOutput(edit_patient(editor=signed_in_user(request), patient_id=patient_id, changes=changes)).data
        )
