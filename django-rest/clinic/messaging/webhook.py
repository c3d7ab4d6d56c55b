"""Calls by Twilio: for an SMS that came in, and for the fate of one we sent. Only signed ones are read.

https://www.twilio.com/docs/usage/security#validating-requests: the signature is over the address that was called, as
the outside writes it, and the form.
"""

import logging
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.parsers import FormParser
from rest_framework.request import Request
from twilio.request_validator import RequestValidator
from twilio.twiml.messaging_response import MessagingResponse

from clinic.accounts.views import OpenView
from clinic.common import clock
from clinic.common.errors import InvalidRequest, PermissionDenied
from clinic.common.openapi import answers
from clinic.messaging.services.inbound import ReceivedSms, answer_sms
from clinic.messaging.services.statuses import note_status

TWIML = "text/xml"
# Longest field of a call; a body is ten SMS at most.
MAX_FIELD = 64
MAX_BODY = 1600

log = logging.getLogger("chairside.twilio")


class InboundInput(serializers.Serializer[Any]):
    MessageSid = serializers.CharField(max_length=MAX_FIELD, help_text="Twilio's id of the message")
    AccountSid = serializers.CharField(max_length=MAX_FIELD)
    From = serializers.CharField(max_length=MAX_FIELD, help_text="the sender's number, E.164")
    To = serializers.CharField(max_length=MAX_FIELD)
    Body = serializers.CharField(max_length=MAX_BODY, required=False, default="", allow_blank=True)
    OptOutType = serializers.CharField(max_length=MAX_FIELD, required=False, default="", allow_blank=True)


class StatusInput(serializers.Serializer[Any]):
    MessageSid = serializers.CharField(max_length=MAX_FIELD)
    MessageStatus = serializers.CharField(max_length=MAX_FIELD, help_text="queued, sent, delivered, failed, …")
    ErrorCode = serializers.CharField(max_length=MAX_FIELD, required=False, default="", allow_blank=True)


class _TwilioView(OpenView):
    is_strict = False  # Twilio adds fields as it likes.
    parser_classes = (FormParser,)

    def signed(self, request: Request) -> Any:
        """The form. Raises PermissionDenied for everything that is not Twilio's, or another account's."""
        shared = settings.SHARED
        form: Any = request.data
        signature = request.headers.get("X-Twilio-Signature", "")
        if not shared.twilio_auth_token or not RequestValidator(shared.twilio_auth_token.get_secret_value()).validate(
            _called_address(request), form, signature
        ):
            log.warning("refused: not signed by Twilio for this address")
            raise PermissionDenied
        if form.get("AccountSid", shared.twilio_account_sid) != shared.twilio_account_sid:
            log.warning("refused: of another account")
            raise PermissionDenied
        return form


class WebhookView(_TwilioView):
    @answers(PermissionDenied, InvalidRequest)
    @extend_schema(
        request={"application/x-www-form-urlencoded": InboundInput},
        responses={(200, TWIML): OpenApiTypes.STR},
        examples=[
            OpenApiExample(
                "Somebody comes",
                value={
                    "MessageSid": "SM0123456789abcdef0123456789abcdef",
                    "AccountSid": "AC0123456789abcdef0123456789abcdef",
                    "From": "+491701234567",
                    "To": "+15005550006",
                    "Body": "CONFIRM 12",
                },
                request_only=True,
            ),
            OpenApiExample(
                "Thanks",
                value="<Response><Message>Thank you. We expect you on Fri 20 Nov, 09:30, Dr Lang.</Message></Response>",
                response_only=True,
                media_type=TWIML,
            ),
        ],
        summary="An SMS has come in: signed by Twilio, answered in TwiML",
    )
    def post(self, request: Request) -> HttpResponse:
        """`CONFIRM 12` or a plain `YES` promises to come, `CANCEL 12` or a plain `NO` cancels within the clinic's
        notice, `ACCEPT` and `DECLINE` answer an offer of the waitlist, `STOP` and `START` end and resume SMS to this
        number. The number must be the patient's. Courtesies, punctuation and signatures do not matter, in English and
        German; a reply that is not understood without doubt changes nothing and is shown to the desk."""
        given = InboundInput(data=self.signed(request))
        given.is_valid(raise_exception=True)
        said = given.validated_data
        message = answer_sms(
            ReceivedSms(said["MessageSid"], said["From"], said["To"], said["Body"], said["OptOutType"].upper()),
            now=clock.now(),
        )
        twiml = MessagingResponse()
        if message.answer:
            twiml.message(message.answer)
        return HttpResponse(str(twiml), content_type=f"{TWIML}; charset=utf-8")


class StatusView(_TwilioView):
    @answers(PermissionDenied, InvalidRequest)
    @extend_schema(
        request={"application/x-www-form-urlencoded": StatusInput},
        responses={204: None},
        examples=[
            OpenApiExample(
                "It has come",
                value={"MessageSid": "SM0123456789abcdef0123456789abcdef", "MessageStatus": "delivered"},
                request_only=True,
            )
        ],
        summary="What became of an SMS: signed by Twilio",
    )
    def post(self, request: Request) -> HttpResponse:
        """Nothing is told of messages that are not known."""
        given = StatusInput(data=self.signed(request))
        given.is_valid(raise_exception=True)
        said = given.validated_data
        note_status(
            provider_id=said["MessageSid"],
            status=said["MessageStatus"].lower(),
            error_code=said["ErrorCode"],
            now=clock.now(),
        )
        return HttpResponse(status=204)


def _called_address(request: Request) -> str:
    public_url: str | None = settings.SHARED.public_url
    return f"{public_url}{request.get_full_path()}" if public_url else request.build_absolute_uri()
