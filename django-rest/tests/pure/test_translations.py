"""Each sentence of a message has its German one, and what is compiled is what is written."""

import ast
import gettext
import re
from pathlib import Path

import polib
import pytest
from clinic.messaging.kinds import KINDS
from django.utils.translation.template import templatize

CODE = Path(__file__).parents[2]
WRITTEN = polib.pofile(str(CODE / "locale/de/LC_MESSAGES/django.po"))
PLACES = re.compile(r"%\(\w+\)s")
APPS = ("accounts", "messaging", "outbox", "waitlist")
SPEAKING = ("messaging/services/inbound.py", "messaging/services/offer_replies.py", "outbox/optouts.py")
# What the desk reads of a message that was not delivered.
TITLES = {kind.title for kind in KINDS.values() if kind.channels != ("in_app",)}
TEMPLATES = sorted(template for app in APPS for template in CODE.glob(f"clinic/{app}/templates/messages/*.txt"))


def sentences_of(template: Path) -> set[str]:
    python = templatize(template.read_text())
    return {
        ast.literal_eval(found)
        for found in re.findall(r"gettext\((u?'(?:[^'\\]|\\.)*'|u?\"(?:[^\"\\]|\\.)*\")\)", python)
    }


def said_by_code() -> set[str]:
    trees = [ast.parse((CODE / "clinic" / module).read_text()) for module in SPEAKING]
    calls = [
        node
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_"
    ]
    return {str(call.args[0].value) for call in calls if isinstance(call.args[0], ast.Constant)}


def test_what_is_compiled_is_what_is_written() -> None:
    with (CODE / "locale/de/LC_MESSAGES/django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    assert len(WRITTEN) > 50
    for entry in WRITTEN:
        assert compiled.gettext(entry.msgid) == entry.msgstr, "write it anew: tools/translations"


def test_no_sentence_is_without_its_translation_and_none_is_left_over() -> None:
    said = set().union(*(sentences_of(template) for template in TEMPLATES)) | said_by_code() | TITLES
    assert len(TEMPLATES) > 30
    assert {entry.msgid for entry in WRITTEN.translated_entries()} == said


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_says_anything_untranslated(template: Path) -> None:
    text = re.sub(r"{% blocktranslate %}.*?{% endblocktranslate %}", "", template.read_text(), flags=re.DOTALL)
    assert re.sub(r"{%.*?%}|{{.*?}}|[\s,:]", "", text) == ""


def test_a_translation_names_what_the_sentence_names() -> None:
    for entry in WRITTEN:
        assert set(PLACES.findall(entry.msgid)) == set(PLACES.findall(entry.msgstr)), entry.msgid
