"""A mail as HTML, made of the same words as its text: paragraphs, line ends, and links to our own pages.

An address of anybody else stays text: what somebody typed must not become a link in a mail of the clinic's.
"""

import re
from urllib.parse import urlsplit

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

# The end of a sentence is not part of the address before it.
LINK = re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?)\]]")


def signed(body: str, contact: str) -> str:
    """With how the clinic is reached below what it says."""
    return f"{body.rstrip()}\n\n{contact}\n" if contact else body


def html_of(subject: str, body: str, *, clinic_name: str, language: str) -> str:
    """Needs nothing from anywhere: no image, no font, nothing that tells who has read it."""
    paragraphs = [_paragraph(text) for text in re.split(r"\n{2,}", body.strip())]
    words = {"subject": subject, "paragraphs": paragraphs, "clinic": clinic_name, "language": language}
    return render_to_string("messages/mail.html", words, using="django")


def _paragraph(text: str) -> SafeString:
    return mark_safe("<br>".join(_line(line) for line in text.split("\n")))  # noqa: S308 - each part is escaped


def _is_our_own(link: re.Match[str]) -> bool:
    shared = settings.SHARED
    return _origin(link[0]) in {_origin(str(url)) for url in (shared.public_url, shared.password_url) if url}


def _origin(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:  # `http://[x`
        return "", ""
    return parts.scheme, parts.netloc.casefold()


def _line(line: str) -> SafeString:
    parts, ended = [], 0
    for link in filter(_is_our_own, LINK.finditer(line)):
        parts += [conditional_escape(line[ended : link.start()]), format_html('<a href="{0}">{0}</a>', link[0])]
        ended = link.end()
    return mark_safe("".join([*parts, conditional_escape(line[ended:])]))  # noqa: S308 - each part is escaped
