"""Active sign-ins of one's own account."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.models import RefreshFamily
from clinic.accounts.requests import sign_in_of, signed_in_user
from clinic.accounts.serializers import SignInOutput
from clinic.accounts.sign_ins import end_sign_in, sign_ins_of
from clinic.common import clock
from clinic.common.errors import NotFound
from clinic.common.openapi import answers
from clinic.common.views import ApiListView, ApiView


class OwnSessionsView(ApiListView[RefreshFamily]):
    """Programs that hold a refresh token, and browsers that are signed in to the pages; the last seen first."""

    serializer_class = SignInOutput
    order = ("-seen_at", "pk")

    @extend_schema(summary="My active sign-ins")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[RefreshFamily]:
        return sign_ins_of(signed_in_user(self.request), now=clock.now())

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "sign_in": sign_in_of(self.request)}


class OwnSessionView(ApiView):
    """Its refresh tokens and its page are worth nothing from here on, and its open streams end. An access token that it
    has still lives its minutes at the REST API; it opens no stream."""

    @answers(NotFound)
    @extend_schema(responses={204: None}, summary="End one of my sign-ins")
    def delete(self, request: Request, sign_in: str) -> Response:
        end_sign_in(user=signed_in_user(request), sign_in=sign_in, now=clock.now())
        return Response(status=204)
