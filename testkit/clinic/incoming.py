"""Messages that patients write to the clinic."""

from datetime import UTC, datetime

from clinic.messaging.models import InboundMessage
from clinic.messaging.services.inbound import ReceivedSms, answer_sms

PAULAS = "+491701111111"


def write(body: str, *, sender: str = PAULAS) -> InboundMessage:
    received = ReceivedSms(f"SM{InboundMessage.objects.count()}", sender, "+15005550006", body)
    return answer_sms(received, now=datetime.now(UTC))
