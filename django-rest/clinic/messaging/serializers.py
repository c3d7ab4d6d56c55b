from typing import Any
from zoneinfo import ZoneInfo

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from clinic.common.instants import say_instant
from clinic.common.public_links import mask_links
from clinic.messaging.conversations import MAX_REPLY_LENGTH, Conversation, ConversationLine, Conversations
from clinic.messaging.lists import MessageFilter
from clinic.outbox.models import DeliveryChannel, Message, MessageKind, MessageState
from clinic.people.models import Patient

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
        return "" if message.secret else mask_links(message.body)

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


class LineOutput(serializers.Serializer[Any]):
    """A message in either direction, as a conversation shows it."""

    id = serializers.IntegerField(source="row.pk", help_text="of a sent or of a received one: `direction` says which")
    direction = serializers.ChoiceField(
        choices=[("sent", "sent"), ("received", "received")], help_text="sent by the clinic, or received from a patient"
    )
    channel = serializers.ChoiceField(choices=DeliveryChannel.choices, help_text="`sms` or `email`")
    kind = serializers.ChoiceField(
        choices=MessageKind.choices, allow_null=True, help_text="of a sent one: what it is for; null: of a received one"
    )
    title = serializers.CharField(help_text="what it tells, in words: the kind of message")
    subject = serializers.CharField()
    body = serializers.CharField(help_text="empty where it holds a code or link, which is its reader's alone")
    recipient = serializers.CharField(help_text="whom it went to, or who wrote it: a phone or an e-mail address")
    state = serializers.ChoiceField(
        choices=MessageState.choices, allow_null=True, help_text="of a sent one; null: of a received one"
    )
    error = serializers.CharField(help_text="why it was not delivered")
    appointment = serializers.IntegerField(source="row.appointment_id", allow_null=True)
    at = serializers.SerializerMethodField(help_text="written, or received")
    send_at = serializers.SerializerMethodField(
        help_text="of a sent one: not before; until then a reply can be withdrawn"
    )
    waits = serializers.BooleanField(help_text="a person has to read it, and nobody has answered it or put it aside")
    answer = serializers.CharField(help_text="of a received one: what was answered at once, by itself")
    settled_at = serializers.SerializerMethodField(
        help_text="of a received one: when it was answered or put aside; null: it was not"
    )
    settled_by = serializers.CharField(source="settled_by_name", help_text="the name")
    can_send_again = serializers.BooleanField(help_text="it was not delivered, and holds no secret")

    @extend_schema_field(INSTANT)
    def get_at(self, line: ConversationLine) -> str | None:
        return say_instant(line.at, self.context["zone"])

    @extend_schema_field(MAYBE_AN_INSTANT)
    def get_send_at(self, line: ConversationLine) -> str | None:
        return say_instant(line.sent.send_at, self.context["zone"]) if line.sent is not None else None

    @extend_schema_field(MAYBE_AN_INSTANT)
    def get_settled_at(self, line: ConversationLine) -> str | None:
        return say_instant(line.received.settled_at, self.context["zone"]) if line.received is not None else None


class NamedPatientOutput(serializers.Serializer[Patient]):
    id = serializers.IntegerField(help_text="of the record")
    name = serializers.CharField()


class ConversationOutput(serializers.Serializer[Conversation]):
    phone = serializers.CharField(help_text="E.164; empty: of one record without a phone")
    patients = NamedPatientOutput(many=True, help_text="all who have this phone; none: the number is no one's any more")
    waiting = serializers.IntegerField(help_text="how many that a person has to read")
    last = LineOutput(allow_null=True, help_text="the latest message; null: there is none")


class ConversationsOutput(serializers.Serializer[Conversations]):
    conversations = ConversationOutput(
        many=True, help_text="those that wait first, the longest wait first; then the latest"
    )
    waiting = serializers.IntegerField(help_text="of all: how many received messages wait for a person")
    before = serializers.SerializerMethodField(help_text="for the next page; null: this is the last")

    @extend_schema_field(MAYBE_AN_INSTANT)
    def get_before(self, found: Conversations) -> str | None:
        return say_instant(found.before, self.context["zone"])


class ConversationsInput(serializers.Serializer[Any]):
    search = serializers.CharField(required=False, max_length=100, help_text="by name, e-mail or phone; one page")
    before = serializers.DateTimeField(required=False, help_text="the `before` of the page before")


class ConversationInput(serializers.Serializer[Any]):
    patient = serializers.IntegerField(required=False, min_value=1, help_text="of one record")
    phone = serializers.CharField(required=False, max_length=64, help_text="E.164: of all who have it")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise serializers.ValidationError("Send one of `patient` and `phone`.", code="ambiguous")
        return attrs


class ReplyInput(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=MAX_REPLY_LENGTH, help_text="the SMS")


class MessageFilterInput(serializers.Serializer[Any]):
    channel = serializers.ChoiceField(choices=DeliveryChannel.choices, required=False)
    state = serializers.CharField(
        required=False, help_text=f"one or several, by commas: {', '.join(MessageState.values)}"
    )
    appointment = serializers.IntegerField(required=False, min_value=1)
    patient = serializers.IntegerField(required=False, min_value=1, help_text="by their account and appointments")
    recipient = serializers.CharField(required=False, max_length=254, help_text="the whole address, or phone in E.164")
    to = serializers.DateField(required=False)

    def get_fields(self) -> dict[str, "serializers.Field[Any, Any, Any, Any]"]:
        # "from" is a word of Python's.
        return {**super().get_fields(), "from": serializers.DateField(required=False)}

    def validate_state(self, text: str) -> tuple[MessageState, ...]:
        words = [word.strip() for word in text.split(",") if word.strip()]
        if not set(words) <= set(MessageState.values):
            raise serializers.ValidationError(
                f"One or more of: {', '.join(MessageState.values)}.", code="invalid_choice"
            )
        return tuple(map(MessageState, words))

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
