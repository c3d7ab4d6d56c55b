"""The people that an account books for."""

from contextlib import AbstractContextManager
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.contacts import ContactNotVerified
from clinic.accounts.models import User
from clinic.accounts.permissions import PatientOnly
from clinic.accounts.requests import signed_in_user
from clinic.common import clock
from clinic.common.idempotency import answer_once
from clinic.common.inputs import validated
from clinic.common.openapi import IDEMPOTENCY_KEY, IF_MATCH, answers
from clinic.common.versions import current_on_conflict, etag, expected_version
from clinic.common.views import ApiListView, ApiView
from clinic.people.models import FamilyMember
from clinic.people.queries import family_of, get_family_member_for
from clinic.people.serializers.patients import FamilyMemberEditInput, FamilyMemberInput, FamilyMemberOutput
from clinic.people.services.families import (
    AlreadyInFamily,
    TooManyMembers,
    add_family_member,
    edit_family_member,
    remove_family_member,
)


class FamilyView(ApiListView[FamilyMember]):
    permission_classes = (PatientOnly,)
    serializer_class = FamilyMemberOutput
    order = ("pk",)

    @extend_schema(summary="People I book for (a patient)")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[FamilyMember]:
        return family_of(signed_in_user(self.request))

    @answers(AlreadyInFamily, TooManyMembers, ContactNotVerified)
    @extend_schema(
        request=FamilyMemberInput,
        responses={201: FamilyMemberOutput},
        parameters=[IDEMPOTENCY_KEY],
        examples=[OpenApiExample("a child", {"name": "Mia Berg", "birth_date": "2019-04-30"}, request_only=True)],
        summary="Book for one more person (a patient)",
    )
    def post(self, request: Request) -> Response:
        """The clinic's one record with this name and my verified phone becomes theirs, if it has no account and no
        other birth date. Else they get a record of their own, and the desk sees which may be the same person."""
        user = signed_in_user(request)

        def create() -> Response:
            given = validated(FamilyMemberInput(data=request.data))
            return _show(add_family_member(user=user, now=clock.now(), **given), status=201)

        return answer_once(request, owner=f"user:{user.pk}", create=create)


class FamilyMemberView(ApiView):
    permission_classes = (PatientOnly,)

    @extend_schema(responses=FamilyMemberOutput, summary="One person I book for (a patient)")
    def get(self, request: Request, member_id: int) -> Response:
        return _show(get_family_member_for(signed_in_user(request), member_id))

    @answers(AlreadyInFamily, TooManyMembers)
    @extend_schema(
        request=FamilyMemberEditInput,
        responses=FamilyMemberOutput,
        parameters=[IF_MATCH],
        summary="Correct name or birth date of a person I book for (a patient)",
    )
    def patch(self, request: Request, member_id: int) -> Response:
        """A record with visits never becomes somebody else's: with another person's name, my access to it ends, its
        visits stay with it, and the answer is that person's record, with another `id`."""
        user = signed_in_user(request)
        changes = validated(FamilyMemberEditInput(data=request.data, partial=True))
        expected = expected_version(request, changes.pop("version", None))
        with _current_on_conflict(user, member_id):
            member = edit_family_member(
                user=user, patient_id=member_id, changes=changes, now=clock.now(), expected=expected
            )
        return _show(member)

    @extend_schema(responses={204: None}, summary="Book no more for a person (a patient)")
    def delete(self, request: Request, member_id: int) -> Response:
        """Access ends at once, on open streams too. The record and its visits stay with the clinic."""
        remove_family_member(user=signed_in_user(request), patient_id=member_id, now=clock.now())
        return Response(status=204)


def _show(member: FamilyMember, *, status: int = 200) -> Response:
    return Response(FamilyMemberOutput(member).data, status=status, headers=etag(member.patient.version))


def _current_on_conflict(user: User, patient_id: int) -> AbstractContextManager[None]:
    return current_on_conflict(lambda: FamilyMemberOutput(get_family_member_for(user, patient_id)).data)
