"""A practitioner runs late: the patients who follow today are told, and no visit moves.

These are messages of the day: they wait for no undo window. Nobody is told twice of the same delay, and what was not
sent yet of a former one is withdrawn.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Q

from clinic.accounts.models import Role, User
from clinic.appointments.lifecycle import Status
from clinic.appointments.models import Appointment
from clinic.common.errors import NotFound
from clinic.common.instants import local_date_of, zone_of
from clinic.common.transactions import in_one_transaction
from clinic.messaging.catalogue import CATALOGUE, News
from clinic.messaging.services.telling import ways_of
from clinic.messaging.services.visit_context import patient_context
from clinic.outbox.models import DeliveryChannel, Message, MessageKind, MessageState, VisitVersion
from clinic.outbox.services import About, NewMessage, compose_message, queue_messages, withdraw_of_visits
from clinic.outbox.wording import say_when
from clinic.people.services.contact_routes import account_id_of, language_of, opted_out_among
from clinic.scheduling.models import Delay, Practitioner, clock_of
from clinic.scheduling.queries.schedules import get_schedule_for
from clinic.scheduling.services import lock_practitioners

EXPECTED_HERE = (Status.CONFIRMED, Status.CHECKED_IN)
NOT_SENT = (MessageState.QUEUED, MessageState.HELD, MessageState.CANCELLED)


@in_one_transaction
def announce_delay(*, user: User, practitioner_id: int, minutes: int, now: datetime) -> tuple[Delay, int]:
    """`minutes` in all, not on top of a former delay. With how many patients are told: none the second time. Raises
    NotFound."""
    practitioner = _lock(user, practitioner_id, now=now)
    today = _today(practitioner, now)
    delay = Delay.objects.filter(practitioner=practitioner, local_date=today).first()
    if delay is not None and delay.ended_at is None and delay.minutes == minutes:
        return delay, 0
    if delay is None:
        delay = Delay(clinic=practitioner.clinic, practitioner=practitioner, local_date=today)
    delay.minutes, delay.started_at, delay.ended_at = minutes, now, None
    delay.save()
    following = _following(practitioner, today, now=now)
    return delay, _tell(News.RUNNING_LATE, following, delay, by=user, now=now)


@in_one_transaction
def end_delay(*, user: User, practitioner_id: int, now: datetime) -> int:
    """Returns how many patients are told that it is over: those who had been told of it. Raises NotFound (nobody is
    late)."""
    practitioner = _lock(user, practitioner_id, now=now)
    today = _today(practitioner, now)
    delay = Delay.objects.filter(practitioner=practitioner, local_date=today, ended_at__isnull=True).first()
    if delay is None:
        raise NotFound("Nobody is running late here.")
    delay.ended_at = now
    delay.save(update_fields=["ended_at"])
    following = _following(practitioner, today, now=now)
    told = _told_among(following)
    return _tell(News.ON_TIME_AGAIN, following, delay, by=user, now=now, only=told)


def _lock(user: User, practitioner_id: int, *, now: datetime) -> Practitioner:
    practitioner = get_schedule_for(user, practitioner_id)
    lock_practitioners(practitioner.clinic, [practitioner.pk], now=now)
    return practitioner


def _today(practitioner: Practitioner, now: datetime) -> date:
    return local_date_of(now, zone_of(practitioner.clinic.timezone))


def _following(practitioner: Practitioner, today: date, *, now: datetime) -> list[Appointment]:
    """Locked: a cancellation has happened, or finds its message and takes it back."""
    ahead = Appointment.objects.select_for_update().filter(
        practitioner=practitioner, local_date=today, starts_at__gt=now, status__in=EXPECTED_HERE
    )
    following = list(ahead.order_by("pk").prefetch_related("patient"))
    for appointment in following:
        appointment.clinic, appointment.practitioner = practitioner.clinic, practitioner
    return sorted(following, key=lambda one: one.starts_at)


def _told_among(appointments: Sequence[Appointment]) -> set[int]:
    """Ids of those whose patients know of a delay, and not yet of its end."""
    sent = Message.objects.filter(
        appointment_id__in=[one.pk for one in appointments], cause__in=(News.RUNNING_LATE, News.ON_TIME_AGAIN)
    ).exclude(state__in=NOT_SENT)
    newest = dict(sent.order_by("created_at", "id").values_list("appointment_id", "cause"))
    return {pk for pk, cause in newest.items() if pk is not None and cause == News.RUNNING_LATE}


def _tell(
    news: News,
    following: Sequence[Appointment],
    delay: Delay,
    *,
    by: User,
    now: datetime,
    only: Collection[int] | None = None,
) -> int:
    withdraw_of_visits(
        [one.pk for one in following],
        kinds=[MessageKind.DAY],
        causes=[News.RUNNING_LATE, News.ON_TIME_AGAIN],
    )
    told = [one for one in following if only is None or one.pk in only]
    opted_out = opted_out_among(one.patient for one in told)
    messages = [message for one in told for message in _to_patient(news, one, delay, opted_out, now=now)]
    reached = len({message.appointment_id for message in messages})
    queue_messages([*messages, *_to_clinic(news, delay, reached, by=by, now=now)])
    return reached


def _to_patient(
    news: News, appointment: Appointment, delay: Delay, opted_out: Collection[str], *, now: datetime
) -> Iterator[Message]:
    [telling] = CATALOGUE[news]
    clinic, patient = appointment.clinic, appointment.patient
    language = language_of(patient, clinic)
    late = timedelta(minutes=delay.minutes)
    expected = say_when(appointment.starts_at + late, zone_of(clinic.timezone), language, **clock_of(clinic))
    context: dict[str, Any] = patient_context([appointment], language)
    for way in ways_of(telling, appointment, opted_out):
        yield compose_message(
            NewMessage(
                about=About(clinic.pk, account_id_of(patient), VisitVersion(appointment.pk, appointment.version)),
                kind=MessageKind.DAY,
                cause=news,
                channel=DeliveryChannel(way.channel),
                template=telling.template,
                recipient=way.recipient,
                fallback_recipient=way.fallback_recipient,
                context={**context, "delay": delay.minutes, "expected": expected},
                expires_at=None if way.channel == DeliveryChannel.IN_APP else appointment.starts_at + late,
                unique_key=f"{news}:{appointment.pk}:{now:%Y%m%dT%H%M%S%f}:{way.channel}",
                language=language,
            ),
            now=now,
        )


def _to_clinic(news: News, delay: Delay, reached: int, *, by: User, now: datetime) -> Iterator[Message]:
    """Owner and staff, and the practitioner; not who did it."""
    clinic = delay.clinic
    desk = Q(clinic=clinic, role__in=(Role.OWNER, Role.STAFF))
    readers = User.objects.filter(desk | Q(pk=delay.practitioner.user_id or 0), is_active=True).exclude(pk=by.pk)
    for reader in readers.order_by("pk"):
        yield compose_message(
            NewMessage(
                about=About(clinic.pk, reader.pk),
                kind=MessageKind.CLINIC,
                channel=DeliveryChannel.IN_APP,
                template="practitioner_late",
                recipient=reader.email or "",
                context={
                    "practitioner": delay.practitioner.name,
                    "delay": delay.minutes if news is News.RUNNING_LATE else 0,
                    "count": reached,
                },
                unique_key=f"practitioner_late:{delay.pk}:{now:%Y%m%dT%H%M%S%f}:{reader.pk}",
                language=clinic.language,
            ),
            now=now,
        )
