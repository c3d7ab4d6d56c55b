"""Pure: the short name of a browser or program, by its User-Agent."""

import re

MAX_LENGTH = 60
# In this order: each later one's name stands in the text of the earlier ones as well.
BROWSERS = (
    ("Edge", re.compile(r"\bEdg(?:e|A|iOS)?/")),
    ("Opera", re.compile(r"\b(?:OPR|Opera)/")),
    ("Samsung Internet", re.compile(r"\bSamsungBrowser/")),
    ("Firefox", re.compile(r"\b(?:Firefox|FxiOS)/")),
    ("Chrome", re.compile(r"\b(?:Chrome|CriOS|HeadlessChrome|Chromium)/")),
    ("Safari", re.compile(r"\bSafari/")),
)
SYSTEMS = (
    ("iPhone", re.compile(r"\biPhone\b")),
    ("iPad", re.compile(r"\biPad\b")),
    ("Android", re.compile(r"\bAndroid\b")),
    ("Windows", re.compile(r"\bWindows\b")),
    ("ChromeOS", re.compile(r"\bCrOS\b")),
    ("Mac", re.compile(r"\bMac(?:intosh| OS X)\b")),
    ("Linux", re.compile(r"\bLinux\b")),
)
PROGRAM = re.compile(r"[A-Za-z][\w.-]{0,30}")


def name_of_device(user_agent: str) -> str:
    """`Firefox · Android`; of a program its own first word, such as `curl`; empty if nothing is known."""
    browser, system = _first(BROWSERS, user_agent), _first(SYSTEMS, user_agent)
    if browser or system:
        return " · ".join(part for part in (browser, system) if part)
    program = PROGRAM.match(user_agent)
    return program[0][:MAX_LENGTH] if program is not None else ""


def _first(known: tuple[tuple[str, re.Pattern[str]], ...], user_agent: str) -> str:
    return next((name for name, pattern in known if pattern.search(user_agent)), "")
