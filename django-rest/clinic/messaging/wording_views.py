"""The words of messages, over the API: read, set and reset by the owner."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.accounts.models import User
from clinic.accounts.permissions import OwnerOnly
from clinic.accounts.requests import signed_in_user
from clinic.common import clock
from clinic.common.errors import NotFound
from clinic.common.inputs import validated
from clinic.common.versions import Expected, current_on_conflict
from clinic.common.views import ApiView
from clinic.messaging.kinds import KINDS
from clinic.messaging.services.wording import (
    Wording,
    reset_wording,
    set_wording,
    standard_to_start_from,
    wordings_of,
)
from clinic.outbox.models import DeliveryChannel, MessageTemplate
from clinic.outbox.words import MAX_SUBJECT, Words
from clinic.scheduling.queries.clinics import own_clinic_of


class WordingInput(serializers.Serializer[Any]):
    subject = serializers.CharField(
        required=False, allow_blank=True, max_length=MAX_SUBJECT, help_text="of a mail or a notification"
    )
    body = serializers.CharField(trim_whitespace=False, help_text="with placeholders in braces, as `{when}`")
    version = serializers.IntegerField(
        required=False, min_value=0, help_text="that of the words as they were shown; 0: the standard wording"
    )


class WordingOutput(serializers.Serializer[Any]):
    template = serializers.CharField(help_text="the message, as `kind` of a notification names it")
    title = serializers.CharField(help_text="the message, in words")
    channel = serializers.ChoiceField(choices=DeliveryChannel.choices)
    language = serializers.CharField(help_text="`en` or `de`")
    is_own = serializers.BooleanField(help_text="false: the standard wording")
    subject = serializers.CharField(allow_blank=True, help_text="empty: it has none")
    body = serializers.CharField(help_text="with placeholders in braces")
    placeholders = serializers.ListField(child=serializers.CharField(), help_text="names that may stand in braces")
    version = serializers.IntegerField(help_text="rises with every change; 0: the standard wording")


class WordingsOutput(serializers.Serializer[Any]):
    results = WordingOutput(many=True)


WORDING_EXAMPLE = {
    "template": "confirmed",
    "title": "Confirmed",
    "channel": "sms",
    "language": "en",
    "is_own": True,
    "subject": "",
    "body": "{clinic}: see you on {when}, {patient}.",
    "placeholders": ["clinic", "patient", "practitioner", "when", "when_at_length", "id"],
    "version": 2,
}


class WordingListView(ApiView):
    permission_classes = (OwnerOnly,)

    @extend_schema(
        operation_id="api_v1_message_wordings_list",
        responses=WordingsOutput,
        summary="Words of every message, by channel and language (the owner)",
        examples=[OpenApiExample("One of them", {"results": [WORDING_EXAMPLE]}, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        clinic = own_clinic_of(signed_in_user(request))
        rows = [_shown(wording, own) for wording, own in wordings_of(clinic).items()]
        return Response({"results": rows})


class WordingView(ApiView):
    permission_classes = (OwnerOnly,)

    @extend_schema(
        responses=WordingOutput,
        summary="Words of one message (the owner)",
        examples=[OpenApiExample("An SMS", WORDING_EXAMPLE, response_only=True)],
    )
    def get(self, request: Request, template: str, channel: str, language: str) -> Response:
        return Response(_current(signed_in_user(request), Wording(template, channel, language)))

    @extend_schema(
        request=WordingInput,
        responses=WordingOutput,
        summary="Write the clinic's own words (the owner)",
        description="Messages that are queued from then on say it like this.",
        examples=[
            OpenApiExample(
                "An SMS", {"body": "{clinic}: see you on {when}, {patient}.", "version": 1}, request_only=True
            ),
            OpenApiExample("Then", WORDING_EXAMPLE, response_only=True),
        ],
    )
    def put(self, request: Request, template: str, channel: str, language: str) -> Response:
        owner, wording = signed_in_user(request), Wording(template, channel, language)
        _current(owner, wording)
        given = validated(WordingInput(data=request.data))
        words = Words(given.get("subject", ""), given["body"])
        with current_on_conflict(lambda: _current(owner, wording)):
            set_wording(
                owner=owner, wording=wording, words=words, now=clock.now(), expected=Expected(given.get("version"))
            )
        return Response(_current(owner, wording))

    @extend_schema(responses={204: None}, summary="Back to the standard wording (the owner)")
    def delete(self, request: Request, template: str, channel: str, language: str) -> Response:
        owner, wording = signed_in_user(request), Wording(template, channel, language)
        _current(owner, wording)
        reset_wording(owner=owner, wording=wording)
        return Response(status=204)


def _current(owner: User, wording: Wording) -> dict[str, Any]:
    """Raises NotFound."""
    wordings = wordings_of(own_clinic_of(owner))
    if wording not in wordings:
        raise NotFound("There is no such message.")
    return _shown(wording, wordings[wording])


def _shown(wording: Wording, own: MessageTemplate | None) -> dict[str, Any]:
    words = standard_to_start_from(wording) if own is None else Words(own.subject, own.body)
    return {
        "template": wording.template,
        "title": KINDS[wording.template].title,
        "channel": wording.channel,
        "language": wording.language,
        "is_own": own is not None,
        "subject": words.subject,
        "body": words.body,
        "placeholders": list(KINDS[wording.template].placeholders),
        "version": 0 if own is None else own.version,
    }
