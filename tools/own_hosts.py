"""Fails if a page or style sheet of a built site loads anything from another host.

.venv/bin/python -m tools.own_hosts FOLDER
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

# Files that a browser loads by itself; a link may lead elsewhere.
LOADING = {
    ("audio", "src"),
    ("embed", "src"),
    ("iframe", "src"),
    ("img", "src"),
    ("link", "href"),
    ("object", "data"),
    ("script", "src"),
    ("source", "src"),
    ("video", "src"),
}
FOREIGN = ("http:", "https:", "//")
IN_STYLES = re.compile(r"""(?:url\(\s*["']?|@import\s+["'])((?:https?:)?//[^"')\s]+)""", re.IGNORECASE)


class Loads(HTMLParser):
    """Addresses that a page loads from other hosts."""

    def __init__(self) -> None:
        super().__init__()
        self.foreign: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "link" and ("rel", "canonical") in attrs:
            return
        for name, value in attrs:
            if (tag, name) in LOADING and (value or "").strip().lower().startswith(FOREIGN):
                self.foreign.append(f"{tag} {name}={value}")


def foreign_loads(page: str) -> list[str]:
    loads = Loads()
    loads.feed(page)
    return loads.foreign


def main(folder: Path) -> int:
    found = [
        f"{path.relative_to(folder)}: {load}"
        for pattern, loads in (("*.html", foreign_loads), ("*.css", IN_STYLES.findall))
        for path in sorted(folder.rglob(pattern))
        for load in loads(path.read_text(encoding="utf-8"))
    ]
    for line in found:
        sys.stderr.write(f"{line}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
