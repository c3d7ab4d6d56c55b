"""A skeleton is quicker than its template, and says the same."""

from itertools import product
from pathlib import Path
from typing import Any

from clinic.outbox.skeletons import words_from_skeleton
from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation

from testkit.each import for_each

CLINIC = Path(__file__).resolve().parents[2] / "clinic"
TEMPLATES = sorted(str(path.relative_to(path.parents[1])) for path in CLINIC.glob("*/templates/messages/*.txt"))
FULL: dict[str, Any] = {
    "id": 12345,
    "clinic": "Riverside & Söhne",
    "patient": "Pat <b>O'Neil</b> %(when)s",
    "practitioner": "Dr 100 %",
    "when": "Fri 20 Nov, 09:30",
    "when_at_length": "Friday 20 November 2026, 09:30",
    "reason": "{{ clinic }} {% if %}",
    "link": "https://example.org/a/x",
    "has_promised": True,
    "room": "2",
    "answer": "Yes",
    "phone": "+49 30 1",
    "delay": "20",
}
EMPTY = {**FULL, "reason": "", "link": "", "has_promised": False, "room": None, "answer": "", "phone": "", "delay": ""}


def test_most_templates_are_simple() -> None:
    simple = [path for path in TEMPLATES if words_from_skeleton(path, FULL, "en") is not None]
    assert {"messages/reminder.sms.txt", "messages/reminder.email.txt", "messages/confirmed.email.txt"} <= set(simple)
    assert len(simple) > len(TEMPLATES) * 0.7


@for_each(lambda: TEMPLATES)
def test_skeleton_says_what_the_template_says(path: str) -> None:
    for (language, _), context in product(settings.LANGUAGES, (FULL, EMPTY)):
        words = words_from_skeleton(path, context, language)
        if words is not None:
            with translation.override(language):
                assert words == render_to_string(path, context, using="plain text")


def test_several_visits_are_rendered_by_the_template() -> None:
    assert words_from_skeleton("messages/several_confirmed.email.txt", FULL, "en") is None


def test_value_that_is_no_text_is_rendered_by_the_template() -> None:
    assert words_from_skeleton("messages/reminder.sms.txt", {**FULL, "when": ["a", "list"]}, "en") is None
