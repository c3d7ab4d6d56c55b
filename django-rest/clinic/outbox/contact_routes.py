"""Pure: the routes by which a person is notified."""

from dataclasses import dataclass
from enum import StrEnum


class Ways(StrEnum):
    """Outside of the app. `*_FIRST` is one of them: the other where the first is not known or not wanted."""

    EVERY = "every"
    MAIL_FIRST = "mail first"
    SMS_FIRST = "sms first"
    MAIL = "mail"
    SMS = "sms"


@dataclass(frozen=True, slots=True)
class Reachable:
    """Empty where it is not known, or not wanted."""

    phone: str
    email: str


@dataclass(frozen=True, slots=True)
class Way:
    """`fallback_recipient`: who gets a mail if the phone turns out to want no SMS."""

    channel: str
    recipient: str
    fallback_recipient: str = ""


def ways_to(somebody: Reachable, ways: Ways, *, sms_can_come: bool) -> list[Way]:
    """An SMS that cannot come, as there is no provider or its phone wants none, is written only to who has nothing
    else: its log then says why it was not sent."""
    phone = somebody.phone if sms_can_come or not somebody.email else ""
    sms, mail = Way("sms", phone, somebody.email), Way("email", somebody.email)
    match ways:
        case Ways.EVERY:
            chosen = [Way("sms", phone), mail]
        case Ways.MAIL:
            chosen = [mail]
        case Ways.SMS:
            chosen = [Way("sms", phone)]
        case Ways.MAIL_FIRST:
            chosen = [mail if somebody.email else sms]
        case Ways.SMS_FIRST:
            chosen = [sms if phone else mail]
    return [way for way in chosen if way.recipient]
