from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.models import User
from clinic.accounts.permissions import AtDesk
from clinic.accounts.requests import signed_in_user
from clinic.common import clock
from clinic.common.errors import UndoOver
from clinic.common.idempotency import answer_once
from clinic.common.indexed_lists import IndexedPages
from clinic.common.inputs import validated
from clinic.common.limits import limit_user
from clinic.common.openapi import IDEMPOTENCY_KEY, answers
from clinic.common.pagination import Pages
from clinic.common.views import ApiListView, ApiView
from clinic.messaging import queries
from clinic.messaging.conversations import (
    ConversationLine,
    conversation_of_patient,
    conversation_of_phone,
    list_conversations,
)
from clinic.messaging.lists import list_messages
from clinic.messaging.serializers import (
    ConversationInput,
    ConversationsInput,
    ConversationsOutput,
    LineOutput,
    MessageFilterInput,
    MessageOutput,
    NotificationFilterInput,
    NotificationOutput,
    ReadAllOutput,
    ReplyInput,
)
from clinic.messaging.services.conversations import (
    REPLIES,
    NotSentAgain,
    PhoneGetsNoSms,
    PhoneWantsNoSms,
    reply_to_sms,
    send_message_again,
    settle_sms,
    unsettle_sms,
    withdraw_reply,
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
        response.data["unread_count"] = queries.unread_count_of(signed_in_user(self.request))
        return response

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        page = super().get_paginated_response_schema(schema)
        page["required"].append("unread_count")
        page["properties"]["unread_count"] = {"type": "integer", "example": 3}
        return page


class NotificationListView(ApiListView[Message]):
    serializer_class = NotificationOutput
    order = ("-sent_at", "-id")
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
    pagination_class = IndexedPages
    order = ("-created_at", "-id")
    permission_classes = (IsAuthenticated, AtDesk)

    @extend_schema(
        parameters=[MessageFilterInput],
        examples=[OpenApiExample("an SMS", MESSAGE_EXAMPLE, response_only=True)],
        summary="All that the clinic has told, or will tell, anybody",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """For owner and staff, the newest first. `from` and `to` are dates of the clinic, of a message's writing."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        wanted = validated(MessageFilterInput(data=self.request.query_params))["wanted"]
        return list_messages(signed_in_user(self.request), wanted)

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "zone": queries.zone_for(signed_in_user(self.request))}


class ConversationListView(ApiView):
    permission_classes = (IsAuthenticated, AtDesk)

    @extend_schema(
        parameters=[ConversationsInput], responses=ConversationsOutput, summary="Conversations with patients"
    )
    def get(self, request: Request) -> Response:
        """One for each phone, for owner and staff: those with an SMS that waits for a person first, the longest wait
        first; then the latest."""
        user = signed_in_user(request)
        wanted = validated(ConversationsInput(data=request.query_params))
        found = list_conversations(user, **wanted)
        return Response(ConversationsOutput(found, context={"zone": queries.zone_for(user)}).data)


class ConversationView(ApiView):
    permission_classes = (IsAuthenticated, AtDesk)

    @extend_schema(
        parameters=[ConversationInput],
        responses=LineOutput(many=True),
        summary="Messages of a patient or phone, in both directions",
    )
    def get(self, request: Request) -> Response:
        """The latest first, 60 at most. Of the mails and SMS alone: what an account sees in the app says the same."""
        user, asked = signed_in_user(request), validated(ConversationInput(data=request.query_params))
        if "patient" in asked:
            lines = conversation_of_patient(user, asked["patient"])
        else:
            lines = conversation_of_phone(user, asked["phone"])
        return Response(LineOutput(lines, many=True, context={"zone": queries.zone_for(user)}).data)


class ReplyView(ApiView):
    permission_classes = (IsAuthenticated, AtDesk)

    @extend_schema(
        request=ReplyInput,
        responses={201: LineOutput},
        parameters=[IDEMPOTENCY_KEY],
        examples=[OpenApiExample("a reply", {"text": "Yes, bring your insurance card."}, request_only=True)],
        summary="Reply to a received SMS",
    )
    @answers(PhoneWantsNoSms, PhoneGetsNoSms, "throttled")
    def post(self, request: Request, received_id: int) -> Response:
        """An SMS in the desk's own words, sent at `send_at`, the end of the undo window. It settles what waits from the
        same phone. The same words again are the same reply."""
        user, text = signed_in_user(request), validated(ReplyInput(data=request.data))["text"]
        limit_user(REPLIES, user.pk, now=clock.now())

        def create() -> Response:
            reply = reply_to_sms(user=user, received_id=received_id, text=text, now=clock.now())
            return _show_line(ConversationLine(reply), user, status=201)

        return answer_once(request, owner=f"user:{user.pk}", create=create)

    @extend_schema(responses=LineOutput, summary="Withdraw the reply to a received SMS")
    @answers(UndoOver)
    def delete(self, request: Request, received_id: int) -> Response:
        """As long as it has not gone out. Answers the SMS, which waits again."""
        user = signed_in_user(request)
        return _show_line(ConversationLine(withdraw_reply(user=user, received_id=received_id)), user)


class SettleView(ApiView):
    permission_classes = (IsAuthenticated, AtDesk)

    @extend_schema(responses=LineOutput, summary="Put a received SMS aside")
    def post(self, request: Request, received_id: int) -> Response:
        """It needs no answer. A second time it answers the same."""
        user = signed_in_user(request)
        return _show_line(ConversationLine(settle_sms(user=user, received_id=received_id, now=clock.now())), user)

    @extend_schema(responses=LineOutput, summary="Let a received SMS wait again")
    def delete(self, request: Request, received_id: int) -> Response:
        """One that was answered stays answered."""
        user = signed_in_user(request)
        return _show_line(ConversationLine(unsettle_sms(user=user, received_id=received_id)), user)


class SendAgainView(ApiView):
    permission_classes = (IsAuthenticated, AtDesk)

    @extend_schema(
        request=None,
        responses=MessageOutput,
        examples=[
            OpenApiExample(
                "an SMS", {**MESSAGE_EXAMPLE, "state": "queued", "attempts": 0, "sent_at": None}, response_only=True
            )
        ],
        summary="Send a message again that was not delivered",
    )
    @answers(NotSentAgain)
    def post(self, request: Request, message_id: int) -> Response:
        """If what it says still holds."""
        user = signed_in_user(request)
        message = send_message_again(user=user, message_id=message_id, now=clock.now())
        return Response(MessageOutput(message, context={"zone": queries.zone_for(user)}).data)


def _show_line(line: ConversationLine, user: User, *, status: int = 200) -> Response:
    return Response(LineOutput(line, context={"zone": queries.zone_for(user)}).data, status=status)
