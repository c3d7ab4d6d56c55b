"""Pure: what somebody says who answers an SMS.

CONFIRM, YES and their like promise to come, CANCEL, NO and their like call off; with a number behind it, that
appointment. STOP and START are Twilio's own words (its documentation of opt-out keywords), each alone in a message.
CANCEL is one of them on a long code, so messages print NO beside it.
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
    Intent.STOP: frozenset({"stop", "stopall", "unsubscribe", "end", "quit", "revoke", "optout"}),
    Intent.START: frozenset({"start", "unstop"}),
    Intent.HELP: frozenset({"help", "info", "hilfe"}),
}
# To the provider this is START, too.
OPTS_IN = frozenset({"start", "unstop", "yes"})
LARGEST_NUMBER = 2**63 - 1
SAID = re.compile(r"([^\W\d_]+)(?:[\s:#.,-]*(\d{1,19}))?[\s.!]*")


@dataclass(frozen=True, slots=True)
class Reply:
    """`appointment_id` where one is named. `opts_in`: who had said STOP wants messages again."""

    intent: Intent
    appointment_id: int | None = None
    opts_in: bool = False


def read_reply(text: str) -> Reply:
    said = SAID.fullmatch(text.strip().casefold())
    if said is None:
        return Reply(Intent.UNKNOWN)
    word, number = said[1], said[2]
    if number is None:
        for intent, words in WORDS_ALONE.items():
            if word in words:
                return Reply(intent, opts_in=word in OPTS_IN)
    elif int(number) > LARGEST_NUMBER:
        return Reply(Intent.UNKNOWN)
    for intent, words in WORDS.items():
        if word in words:
            return Reply(intent, int(number) if number else None, opts_in=number is None and word in OPTS_IN)
    return Reply(Intent.UNKNOWN)
