"""Messages that could not be delivered are told to the desk: a person can call the patient."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import translation
from django.utils.translation import gettext

from clinic.common.isolation import sum_isolated
from clinic.common.transactions import in_one_transaction
from clinic.messaging.kinds import KINDS
from clinic.messaging.services.desk import tell_desk, tell_of_limit
from clinic.outbox.models import DeliveryChannel, Message, MessageKind, MessageState
from clinic.outbox.sms_gate import sms_day_of
from clinic.outbox.sms_numbers import LIMITS, SmsRefusal
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic

# Older ones are not shown: it is too late to act.
LOOK_BACK = timedelta(days=3)
AT_ONCE = 500
MAX_NAMED = 5
# Beside a mail or SMS with the same news: whether a browser showed it is no matter for the desk.
IN_BROWSERS = (DeliveryChannel.IN_APP, DeliveryChannel.PUSH)
# It has come, or is on its way.
ALIVE = (MessageState.QUEUED, MessageState.SENDING, MessageState.SENT, MessageState.DELIVERED)


def report_dead_letters(*, now: datetime) -> int:
    """One notification for all that a clinic has not been told of yet. Returns how many messages they tell of. One
    query where there are none. Raises PartlyFailed."""
    ids: dict[int, list[int]] = defaultdict(list)
    for clinic_id, message_id in _untold(now=now).order_by("pk").values_list("clinic_id", "pk"):
        ids[clinic_id].append(message_id)
    clinics = Clinic.objects.filter(pk__in=ids) if ids else []
    return sum_isolated(clinics, lambda clinic: _report(clinic, ids[clinic.pk][:AT_ONCE], now=now))


@in_one_transaction
def _report(clinic: Clinic, ids: Sequence[int], *, now: datetime) -> int:
    """Locked is what is reported, and nothing that was only looked at."""
    locked = Message.objects.select_for_update(skip_locked=True).filter(pk__in=ids, reported_at=None)
    dead = list(locked.order_by("pk").prefetch_related("user"))
    if not dead:
        return 0
    Message.objects.filter(pk__in=[message.pk for message in dead]).update(reported_at=now)
    limited = {(one.refusal, one.recipient): one for one in dead if one.refusal in LIMITS}
    for message in limited.values():
        day = message.sms_day or sms_day_of(clinic, now=now)
        tell_of_limit(clinic, SmsRefusal(message.refusal), message.recipient, day=day, now=now)
    _tell_of_others([message for message in dead if message.refusal not in LIMITS], clinic, now=now)
    return len(dead)


def _tell_of_others(dead: Sequence[Message], clinic: Clinic, *, now: datetime) -> None:
    if not dead:
        return
    is_about_one = len({message.appointment_id for message in dead}) == 1
    tell_desk(
        clinic,
        template="dead_letter",
        context=_in_words(dead, clinic.language),
        key=str(dead[0].pk),
        now=now,
        visit=dead[0].visit if is_about_one else None,
    )


def _in_words(dead: Sequence[Message], language: str) -> dict[str, Any]:
    """`whom`: the patient, or how many messages where there are several patients."""
    names = _names_of(dead)
    with translation.override(language):
        shown = [
            {"whom": names[one.pk], "what": _what(one), "recipient": one.recipient, "error": one.error}
            for one in dead[:MAX_NAMED]
        ]
    together = set(names.values())
    return {"whom": together.pop() if len(together) == 1 else len(dead), "all": shown, "count": len(dead)}


def _names_of(dead: Sequence[Message]) -> dict[int, str]:
    """By message. One query; of who is not known there is the address alone."""
    ids = {message.appointment_id for message in dead} - {None}
    named = Patient.objects.filter(appointments__in=ids).values_list("appointments__pk", "name")
    patients: dict[int | None, str] = dict(named)
    return {
        one.pk: patients.get(one.appointment_id) or (one.user.name if one.user is not None else "") or one.recipient
        for one in dead
    }


def _what(message: Message) -> str:
    kind = KINDS.get(message.template)
    if message.kind == MessageKind.REPLY:
        return gettext("Reply")
    return gettext(kind.title) if kind is not None else message.subject


def _untold(*, now: datetime) -> QuerySet[Message]:
    """Of all clinics. A code that did not come is asked for again; what came another way was told. A limit is always
    told of."""
    ended = Message.objects.filter(clinic__isnull=False, unsettled_since__gte=now - LOOK_BACK)
    ended = ended.exclude(state=MessageState.HELD)
    untold = (
        ended.exclude(withdrawn=True)
        .exclude(secret=True, channel=DeliveryChannel.SMS)
        .exclude(_was_replaced())
        .exclude(_came_another_way())
    )
    return untold | ended.filter(refusal__in=LIMITS)


def _was_replaced() -> Q:
    return Q(state=MessageState.FAILED, channel=DeliveryChannel.SMS) & ~Q(fallback_recipient="")


def _came_another_way() -> Exists:
    """The same news of the same appointment, then or later, by mail instead of SMS or the other way round."""
    same = Message.objects.filter(
        appointment_id=OuterRef("appointment_id"),
        kind=OuterRef("kind"),
        cause=OuterRef("cause"),
        created_at__gte=OuterRef("created_at"),
        state__in=ALIVE,
    )
    return Exists(same.exclude(channel__in=IN_BROWSERS).exclude(channel=OuterRef("channel")))
