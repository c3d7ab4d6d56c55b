"""German catalogues in which every translation is its English text in brackets. Text that a page shows outside brackets
has not been translated, or is data."""

from pathlib import Path

import polib

OPEN, CLOSE = "⟦", "⟧"


def write_pseudo_language(locale: Path, folder: Path) -> None:
    """A locale folder made from another one's German, compiled."""
    for written in sorted((locale / "de" / "LC_MESSAGES").glob("*.po")):
        catalogue = polib.pofile(str(written))
        for entry in catalogue.translated_entries():
            if entry.msgid_plural:
                entry.msgstr_plural = {0: _bracketed(entry.msgid), 1: _bracketed(entry.msgid_plural)}
            else:
                entry.msgstr = _bracketed(entry.msgid)
        made = folder / "de" / "LC_MESSAGES" / f"{written.stem}.mo"
        made.parent.mkdir(parents=True, exist_ok=True)
        catalogue.save_as_mofile(str(made))


def _bracketed(text: str) -> str:
    return f"{OPEN}{text}{CLOSE}"
