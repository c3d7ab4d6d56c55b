"""Messages that waited longer than an undo window are looked at once more before they are sent."""

from collections.abc import Iterator, Sequence

from clinic.appointments.lifecycle import Status
from clinic.appointments.models import Appointment
from clinic.messaging.catalogue import CATALOGUE, is_true_of
from clinic.outbox.models import Message

DELAYED = frozenset(news.value for news, row in CATALOGUE.items() if any(telling.delay for telling in row))


def untrue_among(messages: Sequence[Message]) -> Iterator[int]:
    """The ids of those whose appointment has another status by now. One query, none where no such message is due."""
    delayed = [message for message in messages if message.cause in DELAYED]
    if delayed:
        ids = {message.appointment_id for message in delayed if message.appointment_id is not None}
        statuses = dict(Appointment.objects.filter(pk__in=ids).values_list("pk", "status"))
        for message in delayed:
            status = statuses.get(message.appointment_id or 0)
            if not is_true_of(message.cause, Status(status) if status else None):
                yield message.pk
