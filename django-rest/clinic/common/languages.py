"""The language of a request: the user's, else the browser's, else the clinic's."""

from collections.abc import Iterator

from django.conf import settings
from django.utils.translation import get_supported_language_variant
from django.utils.translation.trans_real import parse_accept_lang_header

# Chosen on a page before anybody has signed in there.
COOKIE = "chairside-language"
COOKIE_SECONDS = 365 * 24 * 60 * 60


def choose_language(*, user: str = "", cookie: str = "", accepted: str = "", clinic: str = "") -> str:
    """One of LANGUAGES. `accepted` is an `Accept-Language` header."""
    for wanted in (user, cookie, *_accepted(accepted), clinic):
        language = _supported(wanted)
        if language:
            return language
    return _supported(settings.LANGUAGE_CODE) or settings.LANGUAGES[0][0]


def _accepted(header: str) -> Iterator[str]:
    for language, _ in parse_accept_lang_header(header.lower()[:500]):
        if language == "*":
            return
        yield language


def _supported(language: str) -> str:
    if not language:
        return ""
    try:
        return get_supported_language_variant(language)
    except LookupError:
        return ""
