"""Words of the pages' scripts: each has its German one, and the compiled catalogue is the written one."""

import gettext
import re
from pathlib import Path

import polib
import pytest

CODE = Path(__file__).parents[2]
SCRIPTS = CODE / "clinic/portal/static/portal"
WRITTEN = polib.pofile(str(CODE / "locale/de/LC_MESSAGES/djangojs.po"))
PLACES = re.compile(r"%\(\w+\)s")
TEXT = r'"((?:[^"\\]|\\.)*)"'
ONE = re.compile(rf"\bsay\(\s*{TEXT}")
SEVERAL = re.compile(rf"\bsayCount\(\s*{TEXT},\s*{TEXT}")


def speaking_scripts() -> list[Path]:
    return [path for path in sorted(SCRIPTS.rglob("*.js")) if 'translate.js"' in path.read_text()]


def test_every_word_of_a_script_is_in_the_catalogue_and_none_is_left_over() -> None:
    texts = [path.read_text() for path in speaking_scripts()]
    assert len(texts) > 10
    said = {found for text in texts for found in ONE.findall(text)}
    counted = {found for text in texts for found in SEVERAL.findall(text)}
    assert {entry.msgid for entry in WRITTEN if not entry.msgid_plural} == said
    assert {(entry.msgid, entry.msgid_plural) for entry in WRITTEN if entry.msgid_plural} == counted


def test_every_word_of_a_script_is_translated() -> None:
    assert [entry.msgid for entry in WRITTEN if not entry.translated() or entry.fuzzy] == []


def test_a_translation_has_the_places_of_its_sentence() -> None:
    for entry in WRITTEN:
        for translation in entry.msgstr_plural.values() if entry.msgid_plural else [entry.msgstr]:
            assert set(PLACES.findall(translation)) == set(PLACES.findall(entry.msgid)), entry.msgid


def test_compiled_catalogue_is_the_written_one() -> None:
    with (CODE / "locale/de/LC_MESSAGES/djangojs.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for entry in WRITTEN:
        if entry.msgid_plural:
            several = [compiled.ngettext(entry.msgid, entry.msgid_plural, count) for count in (1, 2)]
            assert several == [entry.msgstr_plural[0], entry.msgstr_plural[1]], "write it anew: tools/translations"
        else:
            assert compiled.gettext(entry.msgid) == entry.msgstr, "write it anew: tools/translations"


@pytest.mark.parametrize("path", speaking_scripts(), ids=lambda path: path.name)
def test_words_of_a_script_are_constant(path: Path) -> None:
    """A template or a variable would not be found in the catalogue."""
    assert re.findall(r"\bsay(?:Count)?\(\s*[`\w]", re.sub(r"export function.*", "", path.read_text())) == []
