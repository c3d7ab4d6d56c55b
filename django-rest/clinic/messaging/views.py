from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.permissions import AtDesk
from clinic.accounts.requests import signed_in_user
from clinic.common import clock
from clinic.common.inputs import validated
from clinic.common.pagination import Pages
from clinic.common.views import ApiListView, ApiView
from clinic.messaging import queries
from clinic.messaging.serializers import (
    MessageFilterInput,
    MessageOutput,
    NotificationFilterInput,
    NotificationOutput,
    ReadAllOutput,
)
from clinic.messaging.services.notifications import mark_all_read, mark_read
from clinic.outbox.models import Message

NOTIFICATION_EXAMPLE = {
    "id": 81,
    "kind": "waitlist_offer",
    "title": "A time has become free for you",
    "body": "Fri 20 Nov, 09:30 with Dr. Petra Sommer. It is kept for you until Thu 18:00.",
    "appointment": None,
    "created_at": "2026-11-19T17:05:09.123+01:00",
    "read_at": None,
}
MESSAGE_EXAMPLE = {
    "id": 80,
    "channel": "sms",
    "template": "waitlist_offer",
    "recipient": "+491701234567",
    "user": 77,
    "appointment": None,
    "subject": "",
    "body": "Riverside: Fri 20 Nov, 09:30 with Dr. Petra Sommer has become free.",
    "secret": False,
    "state": "sent",
    "attempts": 1,
    "error": "",
    "created_at": "2026-11-19T17:05:09.123+01:00",
    "send_at": "2026-11-19T17:05:09.123+01:00",
    "expires_at": "2026-11-19T18:00:00.000+01:00",
    "sent_at": "2026-11-19T17:05:10.412+01:00",
    "read_at": None,
}


class NotificationPages(Pages):
    """With how many are not read, on all pages and beyond the filter."""

    def get_paginated_response(self, data: Any) -> Response:
        response = super().get_paginated_response(data)
        assert self.request is not None
        response.data["unread_count"] = queries.unread_count_of(signed_in_user(self.request))
        return response

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        page = super().get_paginated_response_schema(schema)
        page["required"].append("unread_count")
        page["properties"]["unread_count"] = {"type": "integer", "example": 3}
        return page


class NotificationListView(ApiListView[Message]):
    serializer_class = NotificationOutput
    pagination_class = NotificationPages

    @extend_schema(
        parameters=[NotificationFilterInput],
        examples=[OpenApiExample("an offer", NOTIFICATION_EXAMPLE, response_only=True)],
        summary="Own notifications, the newest first",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """With how many are not read. Live on the stream: `GET /api/v1/sse/notifications`."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Message]:
        wanted = validated(NotificationFilterInput(data=self.request.query_params, partial=True))
        notifications = queries.notifications_visible_to(signed_in_user(self.request))
        return notifications.filter(read_at__isnull=wanted["unread"]) if "unread" in wanted else notifications

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "zone": queries.zone_for(signed_in_user(self.request))}


class ReadView(ApiView):
    @extend_schema(
        request=None,
        responses=NotificationOutput,
        examples=[
            OpenApiExample(
                "an offer", {**NOTIFICATION_EXAMPLE, "read_at": "2026-11-19T17:06:00.000+01:00"}, response_only=True
            )
        ],
        summary="This notification has been read",
    )
    def post(self, request: Request, notification_id: int) -> Response:
        """Again, it answers the same."""
        user = signed_in_user(request)
        notification = mark_read(user=user, notification_id=notification_id, now=clock.now())
        return Response(NotificationOutput(notification, context={"zone": queries.zone_for(user)}).data)


class ReadAllView(ApiView):
    @extend_schema(
        request=None,
        responses=ReadAllOutput,
        examples=[OpenApiExample("three new ones", {"marked": 3, "unread_count": 0}, response_only=True)],
        summary="All notifications have been read",
    )
    def post(self, request: Request) -> Response:
        user = signed_in_user(request)
        marked = mark_all_read(user=user, now=clock.now())
        return Response(ReadAllOutput({"marked": marked, "unread_count": queries.unread_count_of(user)}).data)


class MessageListView(ApiListView[Message]):
    serializer_class = MessageOutput
    permission_classes = (IsAuthenticated, AtDesk)

    @extend_schema(
        parameters=[MessageFilterInput],
        examples=[OpenApiExample("an SMS", MESSAGE_EXAMPLE, response_only=True)],
        summary="All that the clinic has told, or will tell, anybody",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """For owner and staff, the newest first. `from` and `to` are dates of the clinic, of a message's writing."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Message]:
        wanted = validated(MessageFilterInput(data=self.request.query_params))["wanted"]
        return queries.list_messages(signed_in_user(self.request), wanted)

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "zone": queries.zone_for(signed_in_user(self.request))}
