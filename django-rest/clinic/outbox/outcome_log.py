"""Log of message outcomes: one line for each, with fields, and never a recipient or a word of the message.

| outcome | meaning |
|---|---|
| sent | the provider has taken it |
| delivered | it has reached its recipient |
| retried | the attempt failed; `next_attempt_at` says when the next one is due |
| failed | refused for good |
| dead | given up: too late, or too many attempts |
| cancelled | withdrawn before it was sent |
| lost | the database did not take the outcome: another attempt is made when the lease ends |
"""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from clinic.outbox.channels import email, in_app, push, sms
from clinic.outbox.models import DeliveryChannel, Message

RETRIED, LOST = "retried", "lost"
LEVELS = {RETRIED: logging.WARNING, "failed": logging.WARNING, "dead": logging.ERROR, LOST: logging.ERROR}
PROVIDERS: dict[str, Callable[[], str]] = {
    DeliveryChannel.EMAIL.value: email.provider,
    DeliveryChannel.SMS.value: sms.provider,
    DeliveryChannel.IN_APP.value: in_app.provider,
    DeliveryChannel.PUSH.value: push.provider,
}
LINE = (
    "message=%(message_id)s %(outcome)s channel=%(channel)s provider=%(provider)s attempt=%(attempt)s"
    " kind=%(kind)s code=%(error_code)s next=%(next_attempt_at)s %(milliseconds)sms"
)
log = logging.getLogger("chairside.outbox")


def log_outcome(
    message: Message, outcome: str, *, code: str, seconds: float | None, next_attempt_at: datetime | None = None
) -> None:
    """`seconds`: of the attempt; None of an outcome that the provider reports later."""
    fields: dict[str, Any] = {
        "message_id": message.pk,
        "clinic": message.clinic_id,
        "kind": message.kind,
        "channel": message.channel,
        "provider": PROVIDERS[message.channel](),
        "outcome": outcome,
        "attempt": message.attempts,
        "milliseconds": None if seconds is None else round(seconds * 1000, 1),
        "next_attempt_at": None if next_attempt_at is None else next_attempt_at.isoformat(timespec="seconds"),
        "error_code": code or None,
    }
    log.log(LEVELS.get(outcome, logging.INFO), LINE, fields, extra={"fields": fields})
