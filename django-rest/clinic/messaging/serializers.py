from typing import Any
from zoneinfo import ZoneInfo

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from clinic.common.instants import say_instant
from clinic.messaging.queries import MessageFilter
from clinic.outbox.models import Channel, Message, State

INSTANT = serializers.DateTimeField()
MAYBE_AN_INSTANT = serializers.DateTimeField(allow_null=True)


class _Dated(serializers.ModelSerializer[Message]):
    """Instants in the zone of the context."""

    def said(self, message: Message, name: str) -> str | None:
        zone: ZoneInfo = self.context["zone"]
        return say_instant(getattr(message, name), zone)


class NotificationOutput(_Dated):
    """The stream writes them the same way: shared-config/contract/notification.json."""

    kind = serializers.CharField(source="template", help_text="the template's name: what has happened")
    title = serializers.CharField(source="subject")
    created_at = serializers.SerializerMethodField()
    read_at = serializers.SerializerMethodField()

    class Meta:
        model = Message
        fields = ["id", "kind", "title", "body", "appointment", "created_at", "read_at"]

    @extend_schema_field(INSTANT)
    def get_created_at(self, message: Message) -> str | None:
        return self.said(message, "sent_at")

    @extend_schema_field(MAYBE_AN_INSTANT)
    def get_read_at(self, message: Message) -> str | None:
        return self.said(message, "read_at")


class NotificationFilterInput(serializers.Serializer[Any]):
    """Read partially: of what is not named, a query knows nothing."""

    unread = serializers.BooleanField(
        required=False, help_text="true: those that are not read yet; false: those that are; without: all"
    )


class ReadAllOutput(serializers.Serializer[Any]):
    marked = serializers.IntegerField(help_text="how many were not read yet")
    unread_count = serializers.IntegerField(help_text="what came meanwhile")


class MessageOutput(_Dated):
    body = serializers.SerializerMethodField(
        help_text="empty where it holds a code or link, which is its reader's alone"
    )
    created_at = serializers.SerializerMethodField()
    send_at = serializers.SerializerMethodField(help_text="not before")
    expires_at = serializers.SerializerMethodField(help_text="not after")
    sent_at = serializers.SerializerMethodField()
    read_at = serializers.SerializerMethodField(help_text="in_app alone")

    class Meta:
        model = Message
        fields = [
            "id",
            "channel",
            "template",
            "recipient",
            "user",
            "appointment",
            "subject",
            "body",
            "secret",
            "state",
            "attempts",
            "error",
            "created_at",
            "send_at",
            "expires_at",
            "sent_at",
            "read_at",
        ]

    def get_body(self, message: Message) -> str:
        return "" if message.secret else message.body

    @extend_schema_field(INSTANT)
    def get_created_at(self, message: Message) -> str | None:
        return self.said(message, "created_at")

    @extend_schema_field(INSTANT)
    def get_send_at(self, message: Message) -> str | None:
        return self.said(message, "send_at")

    @extend_schema_field(MAYBE_AN_INSTANT)
    def get_expires_at(self, message: Message) -> str | None:
        return self.said(message, "expires_at")

    @extend_schema_field(MAYBE_AN_INSTANT)
    def get_sent_at(self, message: Message) -> str | None:
        return self.said(message, "sent_at")

    @extend_schema_field(MAYBE_AN_INSTANT)
    def get_read_at(self, message: Message) -> str | None:
        return self.said(message, "read_at")


class MessageFilterInput(serializers.Serializer[Any]):
    channel = serializers.ChoiceField(choices=Channel.choices, required=False)
    state = serializers.CharField(required=False, help_text=f"one or several, by commas: {', '.join(State.values)}")
    appointment = serializers.IntegerField(required=False, min_value=1)
    patient = serializers.IntegerField(required=False, min_value=1, help_text="by their account and appointments")
    recipient = serializers.CharField(required=False, max_length=254, help_text="the whole address, or phone in E.164")
    to = serializers.DateField(required=False)

    def get_fields(self) -> dict[str, "serializers.Field[Any, Any, Any, Any]"]:
        # "from" is a word of Python's.
        return {**super().get_fields(), "from": serializers.DateField(required=False)}

    def validate_state(self, text: str) -> tuple[State, ...]:
        words = [word.strip() for word in text.split(",") if word.strip()]
        if not set(words) <= set(State.values):
            raise serializers.ValidationError(f"One or more of: {', '.join(State.values)}.", code="invalid_choice")
        return tuple(map(State, words))

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        first, last = attrs.get("from"), attrs.get("to")
        if first and last and last < first:
            raise serializers.ValidationError({"to": "The range ends before it begins."}, code="invalid")
        return {
            "wanted": MessageFilter(
                channel=attrs.get("channel"),
                states=attrs.get("state", ()),
                appointment_id=attrs.get("appointment"),
                patient_id=attrs.get("patient"),
                recipient=attrs.get("recipient", ""),
                first_date=first,
                last_date=last,
            )
        }
