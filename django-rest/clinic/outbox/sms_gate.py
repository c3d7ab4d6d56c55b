"""Last gate of every SMS: countries, types of numbers, and daily limits.

`admit_sms` counts an SMS and admits or refuses it; `admit_message` does it for a message of the queue. Each door calls
one of the two right before an SMS leaves: the worker (`delivery`) and the answer to an incoming SMS. So nothing that is
queued before a limit was reached goes around it.

The limits count rows of `attempt_count`, one for a number and one for a clinic, each of one day on the clinic's wall.
An SMS is counted in both or in neither, once, whatever attempts it takes. The lock order is: number, clinic. Codes,
which anybody may ask for, take at most half of each limit: they never use up the SMS of reminders and changes.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Protocol

from django.db import transaction

from clinic.common.instants import local_date_of, zone_of
from clinic.common.limits import Limit, is_exceeded
from clinic.common.transactions import in_one_transaction
from clinic.outbox.models import Message
from clinic.outbox.sms_numbers import SmsRefusal, countries_in, refusal_of_number

# The day is part of the counted subject; rows are pruned some time after it.
KEPT_FOR = timedelta(days=2)
# Limits of answers to senders that no clinic knows, all of them together being the clinic.
UNKNOWN_SENDER_PER_PHONE, UNKNOWN_SENDERS_PER_DAY = 3, 200


class SmsPolicy(Protocol):
    """The settings of a clinic that count here."""

    pk: int
    timezone: str
    phone_region: str
    sms_countries: str
    max_sms_per_phone: int
    max_sms_per_day: int


def countries_of(clinic: SmsPolicy) -> frozenset[str]:
    return countries_in(clinic.sms_countries) or countries_in(clinic.phone_region)


def can_get_sms(phone: str, clinic: SmsPolicy) -> bool:
    """By its country and type. No query."""
    return refusal_of_number(phone, countries_of(clinic)) is None


def sms_day_of(clinic: SmsPolicy | None, *, now: datetime) -> date:
    return local_date_of(now, zone_of(clinic.timezone if clinic is not None else "UTC"))


@in_one_transaction
def admit_message(message: Message, *, now: datetime) -> SmsRefusal | None:
    """Count a message of the queue and admit it, or return the reason against it. One that was counted at an earlier
    attempt is not counted again."""
    clinic: SmsPolicy | None = message.clinic
    if clinic is not None and (refusal := refusal_of_number(message.recipient, countries_of(clinic))) is not None:
        return refusal
    if message.sms_day is not None and not message.refusal:
        return None
    day = sms_day_of(clinic, now=now)
    refusal = _count(clinic, message.recipient, day, is_code=message.secret, now=now)
    Message.objects.filter(pk=message.pk).update(sms_day=day, refusal=refusal or "")
    return refusal


@in_one_transaction
def admit_sms(*, clinic: SmsPolicy | None, phone: str, countries: frozenset[str], now: datetime) -> SmsRefusal | None:
    """Count an SMS that is not in the queue and admit it, or return the reason against it. In a transaction that is
    rolled back, it is not counted."""
    refusal = refusal_of_number(phone, countries)
    return refusal or _count(clinic, phone, sms_day_of(clinic, now=now), is_code=False, now=now)


def _count(clinic: SmsPolicy | None, phone: str, day: date, *, is_code: bool, now: datetime) -> SmsRefusal | None:
    with transaction.atomic():
        for refusal, limit, subject in _limits(clinic, phone, day, is_code=is_code):
            if is_exceeded(limit, subject, now=now):
                transaction.set_rollback(True)  # Counted is what is sent: a limit that is raised has room at once.
                return refusal
    return None


def _limits(
    clinic: SmsPolicy | None, phone: str, day: date, *, is_code: bool
) -> Iterator[tuple[SmsRefusal, Limit, str]]:
    per_phone = clinic.max_sms_per_phone if clinic is not None else UNKNOWN_SENDER_PER_PHONE
    per_day = clinic.max_sms_per_day if clinic is not None else UNKNOWN_SENDERS_PER_DAY
    of_clinic = f"{clinic.pk if clinic is not None else ''}:{day}"
    of_phone = f"{of_clinic}:{phone}"
    if is_code:
        yield SmsRefusal.PHONE_LIMIT, Limit("sms codes by phone", _half(per_phone), KEPT_FOR), of_phone
    yield SmsRefusal.PHONE_LIMIT, Limit("sms by phone", per_phone, KEPT_FOR), of_phone
    if is_code:
        yield SmsRefusal.CLINIC_LIMIT, Limit("sms codes by clinic", _half(per_day), KEPT_FOR), of_clinic
    yield SmsRefusal.CLINIC_LIMIT, Limit("sms by clinic", per_day, KEPT_FOR), of_clinic


def _half(limit: int) -> int:
    return max(1, limit // 2)
