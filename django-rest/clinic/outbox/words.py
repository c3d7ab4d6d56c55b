"""What a message says: the clinic's own words where it has chosen some, else those of the package."""

import re
from dataclasses import dataclass
from typing import Any

from django.template.loader import render_to_string
from django.utils import translation

from clinic.outbox.models import Channel
from clinic.outbox.placeholders import fill

# What a template leaves out leaves its lines behind.
EMPTY_LINES = re.compile(r"\n{3,}")
LONGEST_SUBJECT = 200


@dataclass(frozen=True, slots=True)
class Words:
    subject: str
    body: str


def words_of(template: str, channel: str, context: dict[str, Any], language: str, own: Words | None) -> Words:
    """An SMS has no subject. Own words that come out empty are replaced: nobody is sent nothing."""
    if own is not None:
        words = Words(_on_one_line(fill(own.subject, context)), _tidy(fill(own.body, context)))
        if words.body and (words.subject or channel == Channel.SMS):
            return words
    return standard_words(template, channel, context, language)


def standard_words(template: str, channel: str, context: dict[str, Any], language: str) -> Words:
    with translation.override(language):
        text = render_to_string(f"messages/{template}.{channel}.txt", context, using="plain text").strip()
    if channel == Channel.SMS:
        return Words("", text)
    subject, _, body = text.partition("\n")
    return Words(_on_one_line(subject), _tidy(body))


def _on_one_line(subject: str) -> str:
    # A name in a subject must not begin a header of its own.
    return " ".join(subject.split())[:LONGEST_SUBJECT]


def _tidy(body: str) -> str:
    return EMPTY_LINES.sub("\n\n", body.strip())
