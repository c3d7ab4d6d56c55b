"""Settings made by halves: every SMS would fail, its answer never come, or messages lead nowhere. Run by `check`."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage
from django.core.checks import Warning as Advice


def check_twilio(**_: Any) -> list[CheckMessage]:
    shared = settings.SHARED
    if not (shared.twilio_account_sid and shared.twilio_auth_token):
        return []
    return [*_check_sender(shared.twilio_from), *_check_address(shared.public_url)]


def check_links(**_: Any) -> list[CheckMessage]:
    if settings.SHARED.public_url:
        return []
    return [
        Advice(
            "Messages to patients hold no link to their visit or offer: PUBLIC_URL is empty.",
            hint="Set it to the address at which patients reach django-rest, without a path.",
            id="outbox.W003",
        )
    ]


def _check_sender(sender: str | None) -> list[CheckMessage]:
    if sender:
        return []
    return [
        Advice(
            "No SMS goes through Twilio: TWILIO_FROM is empty.",
            hint="Set it to the number that Twilio sends from, in E.164.",
            id="outbox.W001",
        )
    ]


def _check_address(public_url: str | None) -> list[CheckMessage]:
    if public_url:
        return []
    return [
        Advice(
            "Twilio is not told where to say what became of an SMS, and behind a proxy its calls are refused: "
            "PUBLIC_URL is empty.",
            hint="Set it to the address at which Twilio reaches django-rest, without a path.",
            id="outbox.W002",
        )
    ]
