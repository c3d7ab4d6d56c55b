"""Each sentence of a message has its German one, and what is compiled is what is written."""

import ast
import gettext
import re
from collections.abc import Iterable
from pathlib import Path

import polib
from clinic.messaging.kinds import KINDS, MEANINGS
from django.utils.translation.template import templatize

from testkit.each import for_each

CODE = Path(__file__).parents[2]
WRITTEN = polib.pofile(str(CODE / "locale/de/LC_MESSAGES/django.po"))
PLACES = re.compile(r"%\(\w+\)[sd]|\{\w+\}")
SPEAKING = (
    "messaging/invitations.py",
    "messaging/services/inbound.py",
    "messaging/services/offer_replies.py",
    "outbox/optouts.py",
    "outbox/words.py",
)
# Titles and placeholders of messages, as the settings show them.
TITLES = {kind.title for kind in KINDS.values()} | set(MEANINGS.values())
# Every page.
PORTAL = CODE / "clinic/portal"
RECORDS = sorted((PORTAL / "templates").rglob("*.html"))
RECORDS_CODE = [
    *sorted(PORTAL.rglob("*.py")),
    CODE / "clinic/chat/sentences.py",
    CODE / "clinic/messaging/conversations.py",
    CODE / "clinic/messaging/services/dead_letters.py",
]
# Refusals that these pages say as they are.
REFUSING = [
    CODE / "clinic" / name
    for name in (
        "common/database_errors.py",
        "common/errors.py",
        "messaging/services/conversations.py",
        "people/serializers/patients.py",
        "people/services/linking.py",
        "people/services/merging.py",
        "waitlist/services/entries.py",
    )
]
TEMPLATES = sorted(CODE.glob("clinic/*/templates/messages/*.txt"))


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


TEXT = r"(u?'(?:[^'\\]|\\.)*'|u?\"(?:[^\"\\]|\\.)*\")"
# The first text of a context is the context, and the second text of a number its plural.
IN_TEMPLATES = (rf"\bn?gettext\(\s*{TEXT}", rf"\bpgettext\(\s*{TEXT},\s*{TEXT}")
IN_CODE = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext"}


def said_by_refusals() -> set[str]:
    trees = [ast.parse(module.read_text()) for module in REFUSING]
    texts = {node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return {text for text in texts if isinstance(text, str)} & {entry.msgid for entry in WRITTEN}


def said_by(templates: Iterable[Path], modules: Iterable[Path]) -> set[str]:
    said: set[str] = set()
    for template in templates:
        python = templatize(template.read_text())
        for pattern in IN_TEMPLATES:
            said |= {ast.literal_eval(found.groups()[-1]) for found in re.finditer(pattern, python)}
    for module in modules:
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in IN_CODE:
                said |= {str(text.value) for text in node.args[:1] if isinstance(text, ast.Constant)}
    return said


def test_compiled_translations_equal_the_written() -> None:
    with (CODE / "locale/de/LC_MESSAGES/django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    assert len(WRITTEN) > 50
    for entry in WRITTEN:
        for number, written in (entry.msgstr_plural or {0: entry.msgstr}).items():
            count = 1 if number == 0 else 2
            if entry.msgctxt:
                found = compiled.pgettext(entry.msgctxt, entry.msgid)
            elif entry.msgid_plural:
                found = compiled.ngettext(entry.msgid, entry.msgid_plural, count)
            else:
                found = compiled.gettext(entry.msgid)
            assert found == written, "write it anew: tools/translations"


def test_no_sentence_is_without_its_translation_and_none_is_left_over() -> None:
    said = (
        set().union(*(sentences_of(template) for template in TEMPLATES))
        | said_by_code()
        | said_by(RECORDS, RECORDS_CODE)
        | said_by_refusals()
        | TITLES
    )
    assert len(TEMPLATES) > 30
    assert {entry.msgid for entry in WRITTEN.translated_entries()} == said


@for_each(lambda: map(str, TEMPLATES))
def test_no_template_says_anything_untranslated(template: str) -> None:
    text = re.sub(r"{% blocktranslate %}.*?{% endblocktranslate %}", "", Path(template).read_text(), flags=re.DOTALL)
    assert re.sub(r"{%.*?%}|{{.*?}}|[\s,:]", "", text) == ""


def test_a_translation_names_what_the_sentence_names() -> None:
    for entry in WRITTEN:
        for text in entry.msgstr_plural.values() if entry.msgid_plural else [entry.msgstr]:
            wanted = PLACES.findall(entry.msgid_plural or entry.msgid)
            assert set(PLACES.findall(text)) <= set(wanted), entry.msgid
            assert entry.msgid_plural or set(PLACES.findall(text)) == set(wanted), entry.msgid
