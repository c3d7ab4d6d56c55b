"""What the provider says became of an SMS. Its reports may come twice, late, or in another order."""

from datetime import datetime

from clinic.common.transactions import in_one_transaction
from clinic.messaging.services.resending import still_holds
from clinic.outbox.channels.sms import UNSUBSCRIBED
from clinic.outbox.models import Channel, Message, State
from clinic.outbox.optouts import record_opt_out, write_instead

FAILED = frozenset({"failed", "undelivered"})


@in_one_transaction
def note_status(*, provider_id: str, status: str, error_code: str, now: datetime) -> None:
    """`delivered` and failure are kept, each once. Nothing else changes anything, nor does one not ours."""
    message = Message.objects.select_for_update().filter(provider_id=provider_id, channel=Channel.SMS).first()
    if message is None or message.state != State.SENT:
        return
    if status == "delivered":
        message.state = State.DELIVERED
        message.save(update_fields=["state"])
    elif status in FAILED:
        message.state, message.error = State.FAILED, f"Twilio {error_code}: {status}" if error_code else status
        message.save(update_fields=["state", "error"])
        if error_code == str(UNSUBSCRIBED):
            record_opt_out(message.channel, message.recipient, source="provider", at=now)
        # It has not come: what is known of another way is tried, unless the appointment has changed meanwhile.
        if still_holds(message):
            write_instead(message, now=now)
