"""A clinic's own words for what it tells: chosen by its owner, looked at before they are sent."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings

from clinic.accounts.models import Role, User
from clinic.common.errors import InvalidRequest, PermissionDenied
from clinic.common.instants import zone_of
from clinic.common.public_links import visit_address
from clinic.common.transactions import in_one_transaction
from clinic.common.versions import ANY_VERSION, Expected
from clinic.messaging.kinds import KINDS, LONGEST, REQUIRED
from clinic.outbox.mail import html_of, signed
from clinic.outbox.models import DeliveryChannel, MessageTemplate
from clinic.outbox.placeholders import PLACEHOLDER, faults_in
from clinic.outbox.wording import say_when, say_when_at_length
from clinic.outbox.words import MAX_SUBJECT, Words, standard_words, words_of
from clinic.scheduling.models import Clinic, clock_of

SAMPLE_START = datetime(2027, 3, 19, 8, 30, tzinfo=UTC)
SAMPLE_REASON = {"en": "The practice is closed that day", "de": "Die Praxis ist an diesem Tag geschlossen"}
SAMPLE_ROOM = "2"
LINE_OF_ALL = "{all}, {all}"
LANGUAGES = dict(settings.LANGUAGES)


@dataclass(frozen=True, slots=True)
class Wording:
    """Which words: of what, by which way, in which language."""

    template: str
    channel: str
    language: str


@dataclass(frozen=True, slots=True)
class Preview:
    """`html` of a mail alone; `faults` are why it could not be saved, and then there is nothing else."""

    subject: str = ""
    text: str = ""
    html: str = ""
    faults: tuple[str, ...] = ()


@in_one_transaction
def set_wording(
    *, owner: User, wording: Wording, words: Words, now: datetime, expected: Expected = ANY_VERSION
) -> MessageTemplate:
    """Messages that are queued from now on say it like this. `expected`: the version that was
    seen, 0 for the standard wording. Raises PermissionDenied, InvalidRequest, StaleVersion."""
    clinic = _clinic_of(owner)
    words = Words(words.subject.strip(), _with_plain_line_ends(words.body))
    _check(wording, words)
    row, is_new = MessageTemplate.objects.select_for_update().get_or_create(
        clinic=clinic,
        template=wording.template,
        channel=wording.channel,
        language=wording.language,
        defaults={"subject": words.subject, "body": words.body, "updated_at": now},
    )
    if is_new:
        return row
    expected.check(row.version)
    row.subject, row.body, row.version, row.updated_at = words.subject, words.body, row.version + 1, now
    row.save(update_fields=["subject", "body", "version", "updated_at"])
    return row


@in_one_transaction
def reset_wording(*, owner: User, wording: Wording) -> None:
    """Back to the standard wording. A second time changes nothing. Raises PermissionDenied."""
    clinic = _clinic_of(owner)
    MessageTemplate.objects.filter(
        clinic=clinic, template=wording.template, channel=wording.channel, language=wording.language
    ).delete()


def preview(*, clinic: Clinic, wording: Wording, words: Words) -> Preview:
    """Exactly what would be sent, of an appointment that is made up."""
    words = Words(words.subject.strip(), _with_plain_line_ends(words.body))
    try:
        _check(wording, words)
    except InvalidRequest as refusal:
        return Preview(faults=(refusal.detail,))
    context = sample_context(clinic, wording.language)
    if "link" not in KINDS[wording.template].placeholders:
        context = {**context, "link": ""}
    said = words_of(wording.template, wording.channel, context, wording.language, words)
    if wording.channel != DeliveryChannel.EMAIL:
        return Preview(said.subject, said.body, "")
    body = signed(said.body, clinic.contact)
    return Preview(said.subject, body, html_of(said.subject, body, clinic_name=clinic.name, language=wording.language))


def standard_to_start_from(wording: Wording) -> Words:
    """The standard wording as a clinic would write it: with its placeholders. Raises InvalidRequest."""
    _check_kind(wording)
    names: dict[str, Any] = {name: f"{{{name}}}" for name in KINDS[wording.template].placeholders}
    if "all" in names:
        names["all"] = [{"when": "{all}", "practitioner": "{all}", "link": ""}]
    words = standard_words(wording.template, wording.channel, names, wording.language)
    return Words(words.subject, words.body.replace(LINE_OF_ALL, "{all}"))


def sample_context(clinic: Clinic, language: str) -> dict[str, Any]:
    zone, clock = zone_of(clinic.timezone), clock_of(clinic)
    starts = [SAMPLE_START, SAMPLE_START + timedelta(days=7)]
    practitioner = "Dr. Amara Okafor"
    return {
        "id": 4711,
        "clinic": clinic.name,
        "patient": "Robin Meyer",
        "practitioner": practitioner,
        "when": say_when(SAMPLE_START, zone, language, **clock),
        "when_at_length": say_when_at_length(SAMPLE_START, zone, language, **clock),
        "reason": SAMPLE_REASON.get(language, SAMPLE_REASON["en"]),
        "link": visit_address("SampleSampleSampleSamp"),
        "count": len(starts),
        "all": [
            {"when": say_when_at_length(one, zone, language, **clock), "practitioner": practitioner, "link": ""}
            for one in starts
        ],
        "until": say_when(SAMPLE_START - timedelta(days=1), zone, language, **clock),
        "code": "123456",
        "minutes": 10,
        "room": SAMPLE_ROOM,
        "delay": 10,
        "expected": say_when(SAMPLE_START + timedelta(minutes=10), zone, language, **clock),
    }


def wordings_of(clinic: Clinic) -> dict[Wording, MessageTemplate | None]:
    """All there are, each with the clinic's own words, if it has some. One query."""
    own = {
        Wording(row.template, row.channel, row.language): row for row in MessageTemplate.objects.filter(clinic=clinic)
    }
    return {
        wording: own.get(wording)
        for template, kind in KINDS.items()
        for channel in kind.channels
        for language in LANGUAGES
        for wording in [Wording(template, channel, language)]
    }


def _clinic_of(owner: User) -> Clinic:
    if owner.role != Role.OWNER or owner.clinic is None:
        raise PermissionDenied
    return owner.clinic


def _check(wording: Wording, words: Words) -> None:
    _check_kind(wording)
    if wording.channel == DeliveryChannel.SMS and words.subject:
        raise InvalidRequest("An SMS has no subject.", attr="subject")
    if wording.channel != DeliveryChannel.SMS:
        _check_words(words.subject, "subject", wording, longest=MAX_SUBJECT)
    _check_words(words.body, "body", wording, longest=LONGEST[wording.channel])
    missing = (REQUIRED & set(KINDS[wording.template].placeholders)) - set(PLACEHOLDER.findall(words.body))
    if missing:
        raise InvalidRequest(f"{{{min(missing)}}} must be there.", attr="body")


def _check_kind(wording: Wording) -> None:
    known: Mapping[str, Any] = KINDS
    if wording.template not in known:
        raise InvalidRequest("There is no such message.", attr="template")
    if wording.channel not in KINDS[wording.template].channels:
        raise InvalidRequest("This message does not go out this way.", attr="channel")
    if wording.language not in LANGUAGES:
        raise InvalidRequest("There are no messages in this language.", attr="language")


def _check_words(text: str, attr: str, wording: Wording, *, longest: int) -> None:
    if not text:
        raise InvalidRequest("This must not be empty.", attr=attr)
    if len(text) > longest:
        raise InvalidRequest(f"This is too long: {longest} letters at most.", attr=attr)
    if any(unicodedata.category(letter) == "Cc" for letter in text if attr == "subject" or letter not in "\n\t"):
        raise InvalidRequest("There is a letter in it that cannot be seen.", attr=attr)
    if faults := faults_in(text, KINDS[wording.template].placeholders):
        raise InvalidRequest(" ".join(faults), attr=attr)


def _with_plain_line_ends(body: str) -> str:
    return body.replace("\r\n", "\n").replace("\r", "\n").strip()
