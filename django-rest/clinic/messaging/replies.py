"""Pure: the meaning of a reply to an SMS.

Every word must be understood, or the whole reply goes to the desk: "yes please" confirms, "yes but later" does not.
Quotation marks, punctuation, courtesies and signatures mean nothing; a question mark makes any reply a question. A
number names the appointment, or the offer. CONFIRM and NO are printed in our messages, because CANCEL alone is one of
Twilio's opt-out keywords on a long code, as are the words of `PROVIDER_STOP` (Twilio's documentation of opt-out
keywords): to those the provider answers by itself.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from clinic.messaging.reply_words import NO_NAMES, PHONE_SIGNATURES, PHRASES, Meaning


class Intent(StrEnum):
    CONFIRM = "confirm"
    CANCEL = "cancel"
    STOP = "stop"
    START = "start"
    HELP = "help"
    ACCEPT = "accept"
    DECLINE = "decline"
    UNKNOWN = "unknown"


INTENTS = {
    Meaning.YES: Intent.CONFIRM,
    Meaning.NO: Intent.CANCEL,
    Meaning.STOP: Intent.STOP,
    Meaning.START: Intent.START,
    Meaning.HELP: Intent.HELP,
    Meaning.ACCEPT: Intent.ACCEPT,
    Meaning.DECLINE: Intent.DECLINE,
}
# The same decision, once in words for offers alone.
WITH_WORD_OF_OFFERS = {
    frozenset({Meaning.YES, Meaning.ACCEPT}): Meaning.ACCEPT,
    frozenset({Meaning.NO, Meaning.DECLINE}): Meaning.DECLINE,
}
NAMES_A_ROW = frozenset({Intent.CONFIRM, Intent.CANCEL, Intent.ACCEPT, Intent.DECLINE})
PROVIDER_STOP = frozenset({"stop", "stopall", "unsubscribe", "end", "quit", "revoke", "optout", "cancel"})
PROVIDER_START = frozenset({"start", "unstop", "yes"})
LARGEST_NUMBER = 2**63 - 1
MAX_DIGITS = 19
MAX_NAME_WORDS = 4

# Letters without a shape that are no format characters (category Cf), and marks that only style the letter before.
INVISIBLE = frozenset(
    "\u115f\u1160\u3164\uffa0\u2800\u034f\ufe0e\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
)
APOSTROPHES = re.compile("['’‘`´ʼ\u02b9′]")
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
REPEATED = re.compile(r"([^\W\d])\1{2,}")
# Breaks separate phrases: "no, cancel" is two, "no cancel" is one. The others only decorate.
TOKEN = re.compile(
    r"""(?P<word>[^\W\d_]+)
      | (?P<number>\d+)
      | (?P<line>\n)
      | (?P<pause>[.,;:!…]+)
      | (?P<dash>[-‐‑–—]+)
      | (?P<quote>["“”„‟«»‹›‚‛()\[\]{}*_~#<>|]+)
      | (?P<space>[^\S\n]+)
      | (?P<symbol>.)""",
    re.VERBOSE | re.DOTALL,
)
# "No. 12" is a number as well as a NO.
NUMBER_SIGN = re.compile(r"\b(no|nr|num)\s*\.\s*\d", re.IGNORECASE)
# 12:30, 1.5, 1/2, 12th, 12pm, +1, -1: no id.
PART_OF_NUMBER = re.compile(r"\d[.:,/'h]\d|\d[^\W\d_]|[+/@&%$€£.]\s*\d|\d\s*[/%$€£+]|(?<![\w\s])\s-\d")
EMOTICONS = (
    (re.compile(r"<3+"), " \N{HEAVY BLACK HEART} "),
    (re.compile(r"(?<!\w)[:;=]-?[)D\]]+(?!\w)"), " \N{SLIGHTLY SMILING FACE} "),
    (re.compile(r"(?<!\w)[:;=]-?[(\[/]+(?!\w)"), " \N{SLIGHTLY FROWNING FACE} "),
)
SIGNATURE_DELIMITER = re.compile(r"\s*(-{2,}|—+|_{2,})\s*")
QUOTED_LINE = re.compile(r"\s*>")


@dataclass(frozen=True, slots=True)
class Reply:
    """`number`: the id of an appointment or offer, if given. `opts_in`: lifts an earlier STOP. `is_ours`: the provider
    does not know this wording of STOP or START. `signed`: words of a signature, folded. `is_assumed`: the signature is
    known by its place and shape alone."""

    intent: Intent
    number: int | None = None
    opts_in: bool = False
    is_ours: bool = False
    signed: frozenset[str] = frozenset()
    is_assumed: bool = False


UNKNOWN = Reply(Intent.UNKNOWN)


def fold(text: str) -> str:
    """One spelling for upper case, accents, umlauts and apostrophes."""
    text = APOSTROPHES.sub("", text.casefold()).translate(UMLAUTS)
    return "".join(letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter))


def name_words(names: Collection[str]) -> frozenset[str]:
    """The single words of people's names, as `signed` has them."""
    return frozenset(word for name in names for word in re.findall(r"[^\W\d_]+", fold(_visible(name))))


def read_reply(text: str, *, names: Collection[str] = ()) -> Reply:
    """`names`: of the patients with the sender's number; their words may sign a reply."""
    written, text = text, _visible(text)
    if any(unicodedata.category(letter) == "No" for letter in text) or "?" in text or "¿" in text:
        return UNKNOWN
    for emoticon, emoji in EMOTICONS:
        text = emoticon.sub(emoji, text)
    message, is_cut = _without_signature(unicodedata.normalize("NFKC", text))
    if NUMBER_SIGN.search(message) or PART_OF_NUMBER.search(message):
        return UNKNOWN
    reader = _Reader(list(_tokens(message)), name_words(names))
    if not reader.read():
        return UNKNOWN
    return _reply(reader, written, is_cut=is_cut)


def _reply(reader: "_Reader", written: str, *, is_cut: bool) -> Reply:
    meanings = frozenset(reader.meanings)
    decisions = meanings.intersection(INTENTS)
    if decisions in WITH_WORD_OF_OFFERS:
        decisions = frozenset({WITH_WORD_OF_OFFERS[decisions]})
    if len(decisions) != 1 or Meaning.UNCLEAR in meanings or len(reader.numbers) > 1:
        return UNKNOWN
    intent = INTENTS[next(iter(decisions))]
    if Meaning.REGRET in meanings and intent not in (Intent.CANCEL, Intent.DECLINE):
        return UNKNOWN
    number = reader.numbers[0] if reader.numbers else None
    if number is not None and (intent not in NAMES_A_ROW or number > LARGEST_NUMBER):
        return UNKNOWN
    said = written.strip().strip(" .!").casefold()
    return Reply(
        intent,
        number,
        opts_in=intent is Intent.START or said in PROVIDER_START,
        is_ours=(intent is Intent.STOP and said not in PROVIDER_STOP)
        or (intent is Intent.START and said not in PROVIDER_START),
        signed=frozenset(reader.signed),
        is_assumed=reader.is_assumed or is_cut,
    )


def _visible(text: str) -> str:
    lines = re.sub("\r\n?|[\v\f\x1c-\x1e\x85\u2028\u2029]", "\n", text)
    visible = (letter for letter in lines if letter not in INVISIBLE and unicodedata.category(letter) != "Cf")
    return "".join(" " if letter != "\n" and unicodedata.category(letter) == "Cc" else letter for letter in visible)


def _without_signature(text: str) -> tuple[str, bool]:
    """Without quoted lines and what follows a signature's delimiter; whether there was something behind it."""
    lines = [line for line in text.strip().split("\n") if not QUOTED_LINE.match(line)]
    for position, line in enumerate(lines):
        if position == 0:
            continue
        if " ".join(fold(line).split()).startswith(PHONE_SIGNATURES):
            return "\n".join(lines[:position]), False
        if SIGNATURE_DELIMITER.fullmatch(line):
            return "\n".join(lines[:position]), any(map(str.strip, lines[position + 1 :]))
    return "\n".join(lines), False


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    written: str
    folded: str


def _tokens(text: str) -> Iterator[_Token]:
    for found in TOKEN.finditer(APOSTROPHES.sub("", text)):
        kind = found.lastgroup or "symbol"
        if kind not in ("space", "quote"):
            yield _Token(kind, found[0], REPEATED.sub(r"\1", fold(found[0])))


def _phrase(text: str) -> tuple[str, ...]:
    return tuple(token.folded for token in _tokens(_visible(text)))


MEANINGS: dict[tuple[str, ...], Meaning] = {
    _phrase(phrase): meaning
    for meaning, phrases in PHRASES.items()
    for line in phrases.strip().split("\n")
    for phrase in line.split("|")
}
MAX_PHRASE_LENGTH = max(map(len, MEANINGS))
NOT_A_NAME = frozenset(fold(word) for word in NO_NAMES.split())


@dataclass
class _Reader:
    """One pass over the tokens, the longest phrase first."""

    tokens: list[_Token]
    names: frozenset[str]
    meanings: list[Meaning] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    signed: list[str] = field(default_factory=list)
    is_assumed: bool = False

    def read(self) -> bool:
        """Whether every token is understood."""
        position = 0
        while position < len(self.tokens):
            taken = self._read_at(position)
            if taken == 0:
                return False
            position += taken
        return True

    def _read_at(self, position: int) -> int:
        token = self.tokens[position]
        if token.kind in ("line", "pause", "dash"):
            return 1
        if token.kind == "number":
            return self._number(token)
        return (
            self._known_signature(position)
            or (self._is_initial(position) and self._name_at(position))
            or self._phrase_at(position)
            or self._name_at(position)
        )

    def _number(self, token: _Token) -> int:
        if len(token.written) > MAX_DIGITS:
            return 0
        self.numbers.append(int(token.written))
        return 1

    def _phrase_at(self, position: int) -> int:
        words = self._words_from(position)
        for length in range(min(MAX_PHRASE_LENGTH, len(words)), 0, -1):
            meaning = MEANINGS.get(tuple(word.folded for word in words[:length]))
            if meaning is not None:
                self.meanings.append(meaning)
                # Hyphens inside a phrase are not among its words.
                return self._length_of(position, length)
        return 0

    def _words_from(self, position: int) -> list[_Token]:
        """To the next break; "opt-out" is two words."""
        words = []
        for token in self.tokens[position:]:
            if token.kind == "dash":
                continue
            if token.kind not in ("word", "symbol"):
                break
            words.append(token)
        return words

    def _length_of(self, position: int, words: int) -> int:
        length = 0
        while words:
            words -= self.tokens[position + length].kind != "dash"
            length += 1
        return length

    def _known_signature(self, position: int) -> int:
        """A word of the sender's own names, once something has been said before a break."""
        token = self.tokens[position]
        if token.folded not in self.names or not self.meanings or not self._may_be_signed(position):
            return 0
        self.signed.append(token.folded)
        return 1

    def _name_at(self, position: int) -> int:
        token = self.tokens[position]
        is_after_a_name = position > 0 and self.tokens[position - 1].folded in self.signed
        if token.folded in self.names or (is_after_a_name and self._is_initial(position)):
            self.signed.append(token.folded)
            return 1
        words = self._rest_of_name(position)
        if not self.meanings or not words or not self._may_be_signed(position):
            return 0
        self.signed += [word.folded for word in words]
        self.is_assumed = self.meanings[-1] is not Meaning.CLOSING
        return len(self.tokens) - position

    def _is_initial(self, position: int) -> bool:
        """The J of "J. Smith", which is no word."""
        token, after = self.tokens[position], self.tokens[position + 1 : position + 2]
        return len(token.written) == 1 and token.written.isupper() and [one.written for one in after] == ["."]

    def _may_be_signed(self, position: int) -> bool:
        """After a line break, a dash, a closing, or another name."""
        if position == 0:
            return False
        before = self.tokens[position - 1]
        if before.kind in ("line", "dash") or before.folded in self.signed:
            return True
        return self.meanings[-1:] == [Meaning.CLOSING] and (before.kind != "pause" or before.written == ",")

    def _rest_of_name(self, position: int) -> list[_Token]:
        """All that is left, if it has the shape of a name: capital letters, no common words."""
        rest = [token for token in self.tokens[position:] if token.kind not in ("pause", "dash", "line")]
        is_name = (
            len(rest) <= MAX_NAME_WORDS
            and any(len(token.written) > 1 for token in rest)
            and all(
                token.kind == "word"
                and token.written[0].isupper()
                and token.folded not in NOT_A_NAME
                and (len(token.written) == 1 or (token.folded,) not in MEANINGS)
                for token in rest
            )
        )
        return rest if is_name else []
