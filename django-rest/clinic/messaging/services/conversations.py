"""Answers of the desk to an SMS that a person has to read: reply, or put it aside."""

import hashlib
from datetime import datetime, timedelta

from django.db.models import QuerySet

from clinic.accounts.models import User
from clinic.common.errors import ChairsideError, UndoOver
from clinic.common.limits import Limit
from clinic.common.transactions import in_one_transaction
from clinic.messaging.models import InboundMessage
from clinic.messaging.queries import get_message_for, get_received_for, is_still_offered, messages_visible_to
from clinic.messaging.services.resending import WhyNot, send_again
from clinic.outbox.models import DeliveryChannel, Message, MessageKind
from clinic.outbox.optouts import is_opted_out
from clinic.outbox.services import About, NewMessage, queue_message, withdraw_unsent
from clinic.outbox.sms_gate import can_get_sms
from clinic.scheduling.queries.clinics import get_clinic_for

# Of one person at the desk.
REPLIES = Limit("sms reply", 120, timedelta(hours=1))
# A reply that comes on another day answers nothing.
REPLY_WORTH_SENDING = timedelta(hours=24)


class PhoneWantsNoSms(ChairsideError):  # noqa: N818 - named as the user would say it
    code = "phone_wants_no_sms"
    status = 409
    detail = "The owner of this phone wants no SMS. Call them."


class PhoneGetsNoSms(ChairsideError):  # noqa: N818 - named as the user would say it
    code = "phone_gets_no_sms"
    status = 409
    detail = "The clinic sends no SMS to this number. Call it."


class NotSentAgain(ChairsideError):  # noqa: N818 - named as the user would say it
    code = "not_sent_again"
    status = 409
    detail = "This message is on its way or was sent already."


WHY_NOT_AGAIN = {
    WhyNot.NOT_FAILED: NotSentAgain.detail,
    WhyNot.TAKEN_BACK: "This message was taken back, because the appointment had changed.",
    WhyNot.SECRET: "This message holds a code or a link. Its reader asks for a new one.",
    WhyNot.TOO_LATE: "It is too late for this message to be of use.",
    WhyNot.NOT_TRUE: "What this message says is no longer true.",
}


@in_one_transaction
def reply_to_sms(*, user: User, received_id: int, text: str, now: datetime) -> Message:
    """An SMS in the desk's own words, sent at the end of the undo window. It settles what waits from the same phone.
    The same words again, while they have not been withdrawn, are the same reply.

    Raises NotFound, PhoneWantsNoSms, PhoneGetsNoSms.
    """
    received, clinic = get_received_for(user, received_id, lock=True), get_clinic_for(user)
    if is_opted_out(DeliveryChannel.SMS, received.phone):
        raise PhoneWantsNoSms
    if not can_get_sms(received.phone, clinic):
        raise PhoneGetsNoSms
    key = f"reply:{received.pk}:{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    reply = queue_message(
        NewMessage(
            about=About(clinic_id=clinic.pk, received_id=received.pk),
            kind=MessageKind.REPLY,
            channel=DeliveryChannel.SMS,
            template="reply",
            recipient=received.phone,
            context={"text": text},
            send_at=now + timedelta(seconds=clinic.undo_seconds),
            expires_at=now + REPLY_WORTH_SENDING,
            unique_key=key,
            language=clinic.language,
        )
    )
    if reply is None:  # Clicked twice.
        return Message.objects.get(unique_key=key)
    _waiting_of(received).update(settled_at=now, settled_by=user, settled_by_reply=reply.pk)
    return reply


@in_one_transaction
def withdraw_reply(*, user: User, received_id: int) -> InboundMessage:
    """The latest reply is not sent, and what it had settled waits again. Raises NotFound, UndoOver."""
    received = get_received_for(user, received_id, lock=True)
    reply = received.replies.order_by("-pk").first()
    if reply is None or not withdraw_unsent(reply.pk):
        raise UndoOver("This reply has been sent already.")
    InboundMessage.objects.filter(clinic=received.clinic_id, settled_by_reply=reply.pk).update(
        settled_at=None, settled_by=None, settled_by_reply=None
    )
    return get_received_for(user, received_id)


@in_one_transaction
def settle_sms(*, user: User, received_id: int, now: datetime) -> InboundMessage:
    """Put it aside: nobody has to answer it. A second time changes nothing. Raises NotFound."""
    received = get_received_for(user, received_id, lock=True)
    if received.settled_at is None:
        received.settled_at, received.settled_by = now, user
        received.save(update_fields=["settled_at", "settled_by"])
    return received


@in_one_transaction
def unsettle_sms(*, user: User, received_id: int) -> InboundMessage:
    """It waits again. One that was answered stays as it is. Raises NotFound."""
    received = get_received_for(user, received_id, lock=True)
    if received.settled_by_reply is None:
        received.settled_at = received.settled_by = None
        received.save(update_fields=["settled_at", "settled_by"])
    return received


def send_message_again(*, user: User, message_id: int, now: datetime) -> Message:
    """Raises NotFound, NotSentAgain."""
    one = messages_visible_to(user).filter(pk=get_message_for(user, message_id).pk)
    _, refused = send_again(one, now=now, also_holds=lambda message: is_still_offered(message, now=now))
    if refused:
        raise NotSentAgain(WHY_NOT_AGAIN[next(iter(refused))])
    return get_message_for(user, message_id)


def _waiting_of(received: InboundMessage) -> QuerySet[InboundMessage]:
    """This one, and what the same phone wrote before it and nobody has settled."""
    same = InboundMessage.objects.filter(clinic=received.clinic_id, phone=received.phone, settled_at__isnull=True)
    return same.filter(received_at__lte=received.received_at)
