from contextlib import AbstractContextManager
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts import photos
from clinic.accounts.models import User
from clinic.accounts.permissions import OwnerOnly
from clinic.accounts.queries import get_staff_for, staff_visible_to
from clinic.accounts.requests import signed_in_user
from clinic.accounts.serializers import NewStaffInput, PhotoInput, StaffEditInput, StaffOutput
from clinic.common.errors import Throttled
from clinic.common.idempotency import answer_once
from clinic.common.inputs import validated
from clinic.common.openapi import IDEMPOTENCY_KEY, IF_MATCH, answers
from clinic.common.versions import current_on_conflict, etag, expected_version
from clinic.common.views import ApiListView, ApiView
from clinic.people.services.staff import LastOwner, create_staff, deactivate_staff, edit_staff, send_link_again


class StaffListView(ApiListView[User]):
    """Owners, staff and practitioners' accounts, also who is not active any more."""

    permission_classes = (OwnerOnly,)
    serializer_class = StaffOutput
    order = ("name", "id")

    @extend_schema(summary="Who works at the clinic (the owner)")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[User]:
        return staff_visible_to(signed_in_user(self.request))

    @extend_schema(
        request=NewStaffInput,
        responses={201: StaffOutput},
        parameters=[IDEMPOTENCY_KEY],
        examples=[
            OpenApiExample(
                "Invited by mail",
                value={"name": "Sam Marlowe", "email": "sam@riverside.example", "role": "staff"},
                request_only=True,
            )
        ],
        summary="A new account (the owner)",
    )
    def post(self, request: Request) -> Response:
        owner = signed_in_user(request)

        def create() -> Response:
            member = create_staff(owner=owner, fields=validated(NewStaffInput(data=request.data)))
            return _show(member, status=201)

        return answer_once(request, owner=f"user:{owner.pk}", create=create)


class StaffView(ApiView):
    permission_classes = (OwnerOnly,)

    @extend_schema(responses=StaffOutput, summary="One person of the clinic (the owner)")
    def get(self, request: Request, user_id: int) -> Response:
        return _show(get_staff_for(signed_in_user(request), user_id))

    @answers(LastOwner)
    @extend_schema(
        request=StaffEditInput,
        parameters=[IF_MATCH],
        responses=StaffOutput,
        summary="Change name, role, practitioner, or whether they may sign in (the owner)",
    )
    def patch(self, request: Request, user_id: int) -> Response:
        owner, changes = signed_in_user(request), validated(StaffEditInput(data=request.data, partial=True))
        expected = expected_version(request, changes.pop("version", None))
        with _current_on_conflict(owner, user_id):
            member = edit_staff(owner=owner, user_id=user_id, changes=changes, expected=expected)
        return _show(member)

    @answers(LastOwner)
    @extend_schema(
        responses={204: None}, parameters=[IF_MATCH], summary="Deactivate: they cannot sign in any more (the owner)"
    )
    def delete(self, request: Request, user_id: int) -> Response:
        owner, expected = signed_in_user(request), expected_version(request, None)
        with _current_on_conflict(owner, user_id):
            deactivate_staff(owner=owner, user_id=user_id, expected=expected)
        return Response(status=204)


class StaffLinkView(ApiView):
    permission_classes = (OwnerOnly,)

    @extend_schema(
        request=None,
        responses={202: None},
        summary="Send the invitation again, or a link to set another password (the owner)",
    )
    def post(self, request: Request, user_id: int) -> Response:
        send_link_again(owner=signed_in_user(request), user_id=user_id)
        return Response({}, status=202)


class StaffPhotoView(ApiView):
    permission_classes = (OwnerOnly,)
    parser_classes = (MultiPartParser,)

    @answers(Throttled, photos.PhotosBusy)
    @extend_schema(
        request={"multipart/form-data": PhotoInput}, responses=StaffOutput, summary="Set somebody's photo (the owner)"
    )
    def post(self, request: Request, user_id: int) -> Response:
        owner = signed_in_user(request)
        member = get_staff_for(owner, user_id)
        photos.store_photo(user=member, file=validated(PhotoInput(data=request.data))["photo"])
        return _show(get_staff_for(owner, user_id))

    @extend_schema(responses={200: StaffOutput}, summary="Remove somebody's photo (the owner)")
    def delete(self, request: Request, user_id: int) -> Response:
        owner = signed_in_user(request)
        photos.remove_photo(user=get_staff_for(owner, user_id))
        return _show(get_staff_for(owner, user_id))


def _current_on_conflict(owner: User, user_id: int) -> AbstractContextManager[None]:
    return current_on_conflict(lambda: StaffOutput(get_staff_for(owner, user_id)).data)


def _show(member: User, *, status: int = 200) -> Response:
    return Response(StaffOutput(member).data, status=status, headers=etag(member.version))
