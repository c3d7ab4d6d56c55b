"""Refuse names and docstrings in a private dialect, and say how to put them plainly.

    python -m tools.words

The dialect: docstrings, comments and test names that begin with a free relative clause or an indefinite pronoun ("What
is …", "Whose …", "Nobody …"), and constants named MOST_…, LONGEST_… or …PATIENCE… (plain: MAX_…, …_TIMEOUT_SECONDS).
"""

import re
import subprocess
import sys

from tools import ROOT

FIRST_WORDS = "what|whatever|who|whoever|whose|whom|nobody|somebody|anybody|everybody"
DIALECT = re.compile(
    rf'\s*"{{3}}(?:{FIRST_WORDS})\b'
    rf"|(?-i:\s*(?:#|//|/\*\*?|\*) (?:{FIRST_WORDS.title()})\b)"
    rf"|\s*(?:async )?def test_(?:{FIRST_WORDS})_"
    r"|(?:MOST|LONGEST)_[A-Z_]+\s*(?::[^=]*)?=|(?:[A-Z_]+_)?PATIENCE[A-Z_]*\s*(?::[^=]*)?=",
    re.IGNORECASE,
)


PLAIN_BEGINNING = "Begin with a noun or an imperative verb: 'What it is' becomes 'It'."
REMEDIES = {
    "def": "Name the test after its subject: 'test_what_is_late_waits' becomes 'test_late_message_waits'.",
    '"""': PLAIN_BEGINNING,
    "# ": PLAIN_BEGINNING,
    "// ": PLAIN_BEGINNING,
    "* ": PLAIN_BEGINNING,
    "": "Name a limit MAX_…, and a wait …_TIMEOUT_SECONDS.",
}


def find_dialect() -> list[str]:
    """`file:line: text`, and how to put it plainly."""
    files = ["ls-files", "--cached", "--others", "--exclude-standard", "*.py", "*.js", "*.css"]
    listed = subprocess.run(["git", *files], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    found = []
    for name in listed.splitlines():
        path = ROOT / name
        lines = path.read_text().splitlines() if path.exists() else []
        for number, line in enumerate(lines, 1):
            if DIALECT.match(line):
                remedy = next(remedy for sign, remedy in REMEDIES.items() if sign in line)
                found.append(f"{name}:{number}: {line.strip()}\n    {remedy}")
    return found


def main() -> int:
    found = find_dialect()
    print(*found, sep="\n", file=sys.stderr) if found else print("Words: plain.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
