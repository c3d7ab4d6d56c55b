"""Words of a message: the clinic's own where it has chosen some, else those of the package."""

import re
from dataclasses import dataclass
from typing import Any

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from clinic.outbox.models import DeliveryChannel
from clinic.outbox.placeholders import fill
from clinic.outbox.skeletons import words_from_skeleton

# A value that a template leaves out leaves its lines behind.
EMPTY_LINES = re.compile(r"\n{3,}")
MAX_SUBJECT = 200


@dataclass(frozen=True, slots=True)
class Words:
    subject: str
    body: str


def words_of(template: str, channel: str, context: dict[str, Any], language: str, own: Words | None) -> Words:
    """An SMS has no subject. Own words that come out empty are replaced: nobody is sent nothing. With the address of
    the page that `link` of the context names, even where the words leave it out; not in the app."""
    if channel == DeliveryChannel.IN_APP:
        context = _without_links(context)
    words = _own_words(own, channel, context) or standard_words(template, channel, context, language)
    return _with_link(words, channel, context, language)


def _own_words(own: Words | None, channel: str, context: dict[str, Any]) -> Words | None:
    if own is None:
        return None
    words = Words(_on_one_line(fill(own.subject, context)), _tidy(fill(own.body, context)))
    return words if words.body and (words.subject or channel == DeliveryChannel.SMS) else None


def _without_links(context: dict[str, Any]) -> dict[str, Any]:
    """For the app, whose readers are on a page already."""
    several = [{name: value for name, value in one.items() if name != "link"} for one in context.get("all", ())]
    return {**context, "link": "", "all": several}


def _with_link(words: Words, channel: str, context: dict[str, Any], language: str) -> Words:
    link = context.get("link", "")
    if not link or link in words.body:
        return words
    if channel == DeliveryChannel.SMS:
        return Words("", f"{words.body} {link}")
    with translation.override(language):
        lead = _("Say yes or no here:") if "/offer/" in link else _("See, move or cancel your visit here:")
    paragraph = f"{lead}\n{link}"
    text, last = words.body.rpartition("\n\n")[::2]
    if text and last.strip() == context.get("clinic"):  # The signature stays the end.
        return Words(words.subject, f"{text}\n\n{paragraph}\n\n{last}")
    return Words(words.subject, f"{words.body}\n\n{paragraph}")


def standard_words(template: str, channel: str, context: dict[str, Any], language: str) -> Words:
    text = _rendered(f"messages/{template}.{channel}.txt", context, language).strip()
    if channel == DeliveryChannel.SMS:
        return Words("", text)
    subject, _, body = text.partition("\n")
    return Words(_on_one_line(subject), _tidy(body))


def _rendered(path: str, context: dict[str, Any], language: str) -> str:
    text = words_from_skeleton(path, context, language)
    if text is None:
        with translation.override(language):
            text = render_to_string(path, context, using="plain text")
    return text


def _on_one_line(subject: str) -> str:
    # A name in a subject must not begin a header of its own.
    return " ".join(subject.split())[:MAX_SUBJECT]


def _tidy(body: str) -> str:
    return EMPTY_LINES.sub("\n\n", body.strip())
