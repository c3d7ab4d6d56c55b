"""Tell owner and staff of a clinic in the app."""

from datetime import date, datetime
from typing import Any

from clinic.messaging.queries import desk_of
from clinic.outbox.models import DeliveryChannel, MessageKind, VisitVersion
from clinic.outbox.services import About, NewMessage, compose_message, queue_messages
from clinic.outbox.sms_numbers import SmsRefusal
from clinic.scheduling.models import Clinic


def tell_desk(
    clinic: Clinic,
    *,
    template: str,
    context: dict[str, Any],
    key: str,
    now: datetime,
    visit: VisitVersion | None = None,
) -> None:
    """Each of them once under this key. Call last in the transaction of what it tells: it takes the clinic's number."""
    queue_messages(
        [
            compose_message(
                NewMessage(
                    about=About(clinic.pk, reader.pk, visit),
                    kind=MessageKind.DESK,
                    channel=DeliveryChannel.IN_APP,
                    template=template,
                    recipient=reader.email or "",
                    context=context,
                    unique_key=f"{template}:{key}:{reader.pk}",
                    language=clinic.language,
                ),
                now=now,
            )
            for reader in desk_of(clinic)
        ]
    )


def tell_of_limit(clinic: Clinic, refusal: SmsRefusal, phone: str, *, day: date, now: datetime) -> None:
    """A limit of SMS is reached: once a day for the clinic, and for each number. Call last, as `tell_desk`."""
    of_clinic = refusal is SmsRefusal.CLINIC_LIMIT
    context = {
        "phone": "" if of_clinic else phone,
        "limit": clinic.max_sms_per_day if of_clinic else clinic.max_sms_per_phone,
    }
    tell_desk(clinic, template="sms_limit", context=context, key=f"{day}:{context['phone']}", now=now)
