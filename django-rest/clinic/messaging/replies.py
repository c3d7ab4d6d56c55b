"""Pure: what somebody says who answers an SMS.

CONFIRM, YES and their like promise to come, CANCEL, NO and their like call off; with a number behind it, that
appointment. STOP and START are Twilio's own words (its documentation of opt-out keywords), each alone in a message.
CANCEL is one of them on a long code, so messages print NO beside it. STOPP, as it is written in German, is ours alone.
"""

import re
from dataclasses import dataclass
from enum import StrEnum


class Intent(StrEnum):
    CONFIRM = "confirm"
    CANCEL = "cancel"
    STOP = "stop"
    START = "start"
    HELP = "help"
    UNKNOWN = "unknown"


WORDS: dict[Intent, frozenset[str]] = {
    Intent.CONFIRM: frozenset({"confirm", "yes", "y", "ok", "ja", "j", "bestätigen", "bestaetigen"}),
    Intent.CANCEL: frozenset({"cancel", "no", "n", "nein", "absagen", "absage", "storno"}),
}
WORDS_ALONE: dict[Intent, frozenset[str]] = {
    Intent.STOP: frozenset({"stop", "stopall", "unsubscribe", "end", "quit", "revoke", "optout", "stopp"}),
    Intent.START: frozenset({"start", "unstop"}),
    Intent.HELP: frozenset({"help", "info", "hilfe"}),
}
# The provider does not know these, and so says nothing to them.
OURS = frozenset({"stopp"})
# To the provider this is START, too.
OPTS_IN = frozenset({"start", "unstop", "yes"})
LARGEST_NUMBER = 2**63 - 1
SAID = re.compile(r"([^\W\d_]+)(?:[\s:#.,-]*(\d{1,19}))?[\s.!]*")


@dataclass(frozen=True, slots=True)
class Reply:
    """`appointment_id` where one is named. `opts_in`: who had said STOP wants messages again. `is_ours`: a word for
    ending SMS that the provider does not know."""

    intent: Intent
    appointment_id: int | None = None
    opts_in: bool = False
    is_ours: bool = False


def read_reply(text: str) -> Reply:
    said = SAID.fullmatch(text.strip().casefold())
    if said is None:
        return Reply(Intent.UNKNOWN)
    word, number = said[1], said[2]
    if number is None:
        for intent, words in WORDS_ALONE.items():
            if word in words:
                return Reply(intent, opts_in=word in OPTS_IN, is_ours=word in OURS)
    elif int(number) > LARGEST_NUMBER:
        return Reply(Intent.UNKNOWN)
    for intent, words in WORDS.items():
        if word in words:
            return Reply(intent, int(number) if number else None, opts_in=number is None and word in OPTS_IN)
    return Reply(Intent.UNKNOWN)
