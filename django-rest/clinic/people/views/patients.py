from collections.abc import Collection
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.lockout import Locked
from clinic.accounts.models import User
from clinic.accounts.passwords import WrongPassword
from clinic.accounts.permissions import AtDesk, AtDeskOrReadOnly
from clinic.accounts.queries import get_account
from clinic.accounts.requests import device_of, signed_in_user
from clinic.accounts.serializers import UserOutput
from clinic.accounts.views import OpenView
from clinic.common import clock
from clinic.common.addresses import client_address
from clinic.common.errors import OwnAppointment, PhoneNotProven
from clinic.common.idempotency import answer_once
from clinic.common.inputs import validated
from clinic.common.limits import Limit
from clinic.common.openapi import IF_MATCH, answers
from clinic.common.versions import current_on_conflict, etag, expected_version
from clinic.common.views import ApiListView, ApiView
from clinic.people import queries
from clinic.people.models import Patient
from clinic.people.pages import PatientPages, listed_patients
from clinic.people.serializers.patients import (
    LinkInput,
    MergeInput,
    MergeOutput,
    OwnProfileInput,
    OwnProfileOutput,
    PatientEditInput,
    PatientEventOutput,
    PatientInput,
    PatientOutput,
    PossibleDuplicateOutput,
    SignUpInput,
    SignUpOutput,
    UnlinkInput,
)
from clinic.people.services.duplicates import dismiss_duplicate
from clinic.people.services.families import TooManyMembers
from clinic.people.services.linking import (
    AccountHasRecord,
    RecordHasAccount,
    RecordHasNoAccount,
    link_patient,
    unlink_patient,
)
from clinic.people.services.merging import BothHaveAccounts, merge_patients, preview_merge
from clinic.people.services.patients import SignUp, change_own_profile, create_patient, edit_patient, sign_up_patient
from clinic.scheduling.queries.clinics import get_clinic_for

# One address may stand for a clinic's tablet.
SIGN_UPS = Limit("sign-up", 100, timedelta(hours=1))
# Longer than a name or an address that is found by it.


class SignUpView(OpenView):
    address_limit = SIGN_UPS

    @answers(PhoneNotProven)
    @extend_schema(request=SignUpInput, responses={201: SignUpOutput}, summary="Sign up as a patient")
    def post(self, request: Request) -> Response:
        given = validated(SignUpInput(data=request.data))
        clinic = get_clinic_for(None, name=given.pop("clinic", None))
        user, pair = sign_up_patient(clinic=clinic, sign_up=SignUp(**given), now=clock.now(), device=device_of(request))
        return Response({"user": UserOutput(user).data, **asdict(pair)}, status=201)


class OwnProfileView(ApiView):
    @extend_schema(responses=OwnProfileOutput, summary="My account")
    def get(self, request: Request) -> Response:
        return _show_own(signed_in_user(request))

    @answers(PhoneNotProven, WrongPassword, Locked)
    @extend_schema(
        request=OwnProfileInput,
        responses=OwnProfileOutput,
        parameters=[IF_MATCH],
        summary="Change my name, e-mail, phone, preferences",
    )
    def patch(self, request: Request) -> Response:
        return _change(request, partial=True)

    @answers(PhoneNotProven, WrongPassword, Locked)
    @extend_schema(
        request=OwnProfileInput,
        responses=OwnProfileOutput,
        parameters=[IF_MATCH],
        summary="Change my name, e-mail, phone, preferences",
    )
    def put(self, request: Request) -> Response:
        return _change(request, partial=False)


def _change(request: Request, *, partial: bool) -> Response:
    user = signed_in_user(request)
    changes = validated(OwnProfileInput(data=request.data, partial=partial, context={"request": request}))
    code, password = changes.pop("phone_code", ""), changes.pop("password", None)
    expected = expected_version(request, changes.pop("version", None))
    with current_on_conflict(lambda: OwnProfileOutput(get_account(user)).data):
        changed = change_own_profile(
            user=user,
            changes=changes,
            phone_code=code,
            password=password,
            address=client_address(request),
            now=clock.now(),
            expected=expected,
        )
    return _show_own(changed)


def _show_own(user: User) -> Response:
    return Response(OwnProfileOutput(user).data, headers=etag(user.version))


class PatientListView(ApiListView[Patient]):
    permission_classes = (AtDeskOrReadOnly,)
    serializer_class = PatientOutput
    order = ("name", "id")
    pagination_class = PatientPages

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "search", str, description="every word in name or e-mail, or a phone number in any notation"
            )
        ],
        summary="Patients of the clinic, by name (owner, staff; a practitioner: their own)",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        text = self.request.query_params.get("search", "").strip()
        if len(text) > queries.MAX_SEARCH_LENGTH:
            return Patient.objects.none()
        return listed_patients(signed_in_user(self.request), text)

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        if args:  # Not while the document is made.
            kwargs["context"] = {
                **self.get_serializer_context(),
                **_duplicates_of(signed_in_user(self.request), args[0]),
            }
        return super().get_serializer(*args, **kwargs)

    @extend_schema(request=PatientInput, responses={201: PatientOutput}, summary="A new patient record")
    def post(self, request: Request) -> Response:
        user = signed_in_user(request)

        def create() -> Response:
            patient = create_patient(clinic=get_clinic_for(user), **validated(PatientInput(data=request.data)))
            return _show(patient, user, status=201)

        return answer_once(request, owner=f"user:{user.pk}", create=create)


class PatientView(ApiView):
    permission_classes = (AtDeskOrReadOnly,)

    @extend_schema(responses=PatientOutput, summary="One patient")
    def get(self, request: Request, patient_id: int) -> Response:
        user = signed_in_user(request)
        return _show(queries.get_patient_for(user, patient_id), user)

    @extend_schema(
        request=PatientEditInput,
        responses=PatientOutput,
        parameters=[IF_MATCH],
        summary="Change name, e-mail, phone, preferences",
    )
    def patch(self, request: Request, patient_id: int) -> Response:
        user, changes = signed_in_user(request), validated(PatientEditInput(data=request.data, partial=True))
        expected = expected_version(request, changes.pop("version", None))
        with current_on_conflict(lambda: _shown(queries.get_patient_for(user, patient_id), user)):
            patient = edit_patient(editor=user, patient_id=patient_id, changes=changes, expected=expected)
        return _show(patient, user)


class PossibleDuplicatesView(ApiView):
    permission_classes = (AtDesk,)

    @extend_schema(
        responses=PossibleDuplicateOutput(many=True), summary="Records that may be the same person (owner, staff)"
    )
    def get(self, request: Request, patient_id: int) -> Response:
        user = signed_in_user(request)
        patient = queries.get_patient_for(user, patient_id)
        found = _duplicates_of(user, [patient])["possible_duplicates"][patient.pk]
        return Response(PossibleDuplicateOutput(found, many=True, context={"patient": patient}).data)


class PossibleDuplicateView(ApiView):
    permission_classes = (AtDesk,)

    @extend_schema(responses={204: None}, summary="Say that two records are two people (owner, staff)")
    def delete(self, request: Request, patient_id: int, other_id: int) -> Response:
        """Neither is shown as a possible duplicate of the other any more."""
        dismiss_duplicate(editor=signed_in_user(request), patient_id=patient_id, other_id=other_id, now=clock.now())
        return Response(status=204)


class MergeView(ApiView):
    permission_classes = (AtDesk,)

    @answers(OwnAppointment, BothHaveAccounts)
    @extend_schema(request=MergeInput, responses=MergeOutput, summary="Merge a record into another one (owner, staff)")
    def post(self, request: Request, patient_id: int) -> Response:
        editor, given = signed_in_user(request), validated(MergeInput(data=request.data))
        dry_run, into_id, allow_overlap = given["dry_run"], given["into"], given["allow_overlap"]
        if dry_run:
            merge = preview_merge(editor=editor, patient_id=patient_id, into_id=into_id)
        else:
            merge = merge_patients(
                editor=editor, patient_id=patient_id, into_id=into_id, now=clock.now(), allow_overlap=allow_overlap
            )
        return Response(
            {
                "dry_run": dry_run,
                "moves": merge.moves,
                "moves_account": merge.moves_account,
                "overlaps": merge.overlaps,
                "into": _shown(queries.get_patient_for(editor, into_id), editor),
            }
        )


class LinkView(ApiView):
    permission_classes = (AtDesk,)

    @answers(RecordHasAccount, AccountHasRecord, TooManyMembers)
    @extend_schema(request=LinkInput, responses=PatientOutput, summary="Link a record to an account (owner, staff)")
    def post(self, request: Request, patient_id: int) -> Response:
        """As the account's own if the two have one name, else as one of the family it books for."""
        editor, given = signed_in_user(request), validated(LinkInput(data=request.data))
        patient = link_patient(
            editor=editor,
            patient_id=patient_id,
            user_id=given["user"],
            as_family=given.get("family"),
            now=clock.now(),
        )
        return _show(patient, editor)


class UnlinkView(ApiView):
    permission_classes = (AtDesk,)

    @answers(RecordHasNoAccount)
    @extend_schema(request=UnlinkInput, responses=PatientOutput, summary="Part a record from an account (owner, staff)")
    def post(self, request: Request, patient_id: int) -> Response:
        """Visits stay with the record. An account whose own it was gets an empty one; one that booked for it as family
        sees it no more."""
        editor, given = signed_in_user(request), validated(UnlinkInput(data=request.data))
        patient = unlink_patient(editor=editor, patient_id=patient_id, user_id=given.get("user"), now=clock.now())
        return _show(patient, editor)


class PatientHistoryView(ApiView):
    permission_classes = (AtDesk,)

    @extend_schema(responses=PatientEventOutput(many=True), summary="Links and merges of a record (owner, staff)")
    def get(self, request: Request, patient_id: int) -> Response:
        lines = queries.history_of_patient(signed_in_user(request), patient_id)
        return Response(PatientEventOutput(lines, many=True).data)


def _show(patient: Patient, viewer: User, *, status: int = 200) -> Response:
    return Response(_shown(patient, viewer), status=status, headers=etag(patient.version))


def _shown(patient: Patient, viewer: User) -> Any:
    return PatientOutput(patient, context=_duplicates_of(viewer, [patient])).data


def _duplicates_of(viewer: User, patients: Collection[Patient]) -> dict[str, Any]:
    families, visible = queries.families_of(patients), queries.patients_visible_to(viewer)
    duplicates = queries.possible_duplicates(patients, among=visible, families=families)
    return {"possible_duplicates": duplicates, "families": families}
