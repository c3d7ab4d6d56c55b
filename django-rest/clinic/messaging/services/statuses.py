"""The provider's reports about an SMS. They may come twice, late, or in another order."""

from datetime import datetime
from functools import partial

from django.db import transaction

from clinic.common.transactions import in_one_transaction
from clinic.messaging.services.resending import still_holds
from clinic.outbox.channels.sms import UNSUBSCRIBED
from clinic.outbox.models import DeliveryChannel, Message, MessageState
from clinic.outbox.optouts import record_opt_out, write_instead
from clinic.outbox.outcome_log import log_outcome

FAILED = frozenset({"failed", "undelivered"})


@in_one_transaction
def note_status(*, provider_id: str, status: str, error_code: str, now: datetime) -> None:
    """`delivered` and failure are kept, each once. Nothing else changes anything, nor does one not ours."""
    message = Message.objects.select_for_update().filter(provider_id=provider_id, channel=DeliveryChannel.SMS).first()
    if message is None or message.state != MessageState.SENT:
        return
    if status == "delivered":
        # It has come: no mail goes out in its place any more.
        message.state, message.instead = MessageState.DELIVERED, None
        message.save(update_fields=["state", "instead"])
        _log(message, code="")
    elif status in FAILED:
        message.state, message.error = MessageState.FAILED, f"Twilio {error_code}: {status}" if error_code else status
        message.save(update_fields=["state", "error"])
        _log(message, code=f"twilio_{error_code}" if error_code.isdecimal() else status)
        if error_code == str(UNSUBSCRIBED):
            record_opt_out(message.channel, message.recipient, source="provider", at=now)
        # It has not come: what is known of another way is tried, unless the appointment has changed meanwhile.
        if still_holds(message):
            write_instead(message, now=now)


def _log(message: Message, *, code: str) -> None:
    transaction.on_commit(partial(log_outcome, message, MessageState(message.state).value, code=code, seconds=None))
