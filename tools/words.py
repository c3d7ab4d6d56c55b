"""Refuse new lines in the project's former private dialect; those of tools/words-baseline.txt are still allowed.

    python tools/words.py          prints new lines and fails if there are any
    python tools/words.py --lower  removes lines from the baseline that are gone from the code

The dialect: docstrings and test names that begin with a free relative clause or an indefinite pronoun ("What is …",
"Whose …", "Nobody …"), and constants named MOST_…, LONGEST_… or …PATIENCE… (plain: MAX_…, …_TIMEOUT_SECONDS).
"""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BASELINE = ROOT / "tools" / "words-baseline.txt"
FIRST_WORDS = "what|whatever|who|whoever|whose|nobody|somebody|anybody|everybody"
DIALECT = re.compile(
    rf'\s*"{{3}}(?:{FIRST_WORDS})\b'
    rf"|\s*(?:async )?def test_(?:{FIRST_WORDS})_"
    r"|(?:MOST|LONGEST)_[A-Z_]+\s*(?::[^=]*)?=|(?:[A-Z_]+_)?PATIENCE[A-Z_]*\s*(?::[^=]*)?=",
    re.IGNORECASE,
)


def find_dialect() -> dict[str, list[str]]:
    """Each line's text, and the places where it stands."""
    files = ["ls-files", "--cached", "--others", "--exclude-standard", "*.py"]
    listed = subprocess.run(["git", *files], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    found: dict[str, list[str]] = {}
    for name in listed.splitlines():
        path = ROOT / name
        lines = path.read_text().splitlines() if path.exists() else []
        for number, line in enumerate(lines, 1):
            if DIALECT.match(line):
                found.setdefault(line.strip(), []).append(f"{name}:{number}")
    return found


def main() -> int:
    allowed = Counter(BASELINE.read_text().splitlines())
    found = find_dialect()
    remaining = allowed & Counter({text: len(places) for text, places in found.items()})
    if "--lower" in sys.argv[1:]:
        BASELINE.write_text("".join(f"{text}\n" for text in sorted(remaining.elements())))
        return 0
    new = {text: places for text, places in found.items() if len(places) > allowed[text]}
    for text, places in new.items():
        print(f"{', '.join(places)}: {text}", file=sys.stderr)
    if new:
        print(
            "Begin with a noun or an imperative verb: 'What it is' becomes 'It'. See tools/words.py.", file=sys.stderr
        )
        return 1
    if gone := allowed.total() - remaining.total():
        print(f"{gone} lines of the old dialect are gone: python tools/words.py --lower")
    print(f"Words: {remaining.total()} lines of the old dialect are left, none is new.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
