"""What owner and staff of a clinic are told in the app."""

from datetime import datetime
from typing import Any

from clinic.messaging.queries import desk_of
from clinic.outbox.models import Channel
from clinic.outbox.services import About, compose_message, queue_messages
from clinic.scheduling.models import Clinic


def tell_desk(
    clinic: Clinic,
    *,
    template: str,
    context: dict[str, Any],
    key: str,
    now: datetime,
    appointment_id: int | None = None,
) -> None:
    """Each of them once under this key. Call last in the transaction of what it tells: it takes the clinic's number."""
    queue_messages(
        [
            compose_message(
                about=About(clinic.pk, reader.pk, appointment_id),
                channel=Channel.IN_APP,
                template=template,
                recipient=reader.email,
                context=context,
                now=now,
                unique_key=f"{template}:{key}:{reader.pk}",
                language=clinic.language,
            )
            for reader in desk_of(clinic)
        ]
    )
