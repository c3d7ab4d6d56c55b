"""Pure: names. A person's name is typed by anybody and mailed to any address, so it carries no message: no web or
e-mail address, no phone number, no markup, nothing invisible. The owner's names of clinics, services and practitioners
may hold all that can be seen."""

import re
import unicodedata

MAX_WORDS = 10
# The most that a message shows of a name stored before there were rules.
MAX_SHOWN = 60
# A longer number is a phone number.
MAX_DIGITS = 4
# After an initial and a full stop, less may be the end of a web address.
SHORTEST_SURNAME = 5
FORBIDDEN = frozenset("<>{}[]\\|`^~=@#%$*_;:?!")
# Joiners that names in Arabic and Indic scripts need.
JOINERS = frozenset("\u200c\u200d")
GRAPHEME_JOINER = "\u034f"
INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Letters and symbols without a shape: fillers of Hangul and Khmer, and an empty Braille cell.
BLANKS = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
# Letters, digits, punctuation and symbols.
VISIBLE = frozenset("LNPS")
# Read as the full stop of a web address: the ideographic one and its half-width form.
FULL_STOPS = str.maketrans({"\u3002": ".", "\uff61": "."})
# Marks without a shape of their own, and joiners beside letters that never join.
HIDDEN = re.compile("[\u034f\ufe00-\ufe0f]|(?<=[\x00-\x7f])[\u200c\u200d]+|[\u200c\u200d]+(?=[\x00-\x7f])")
# Two or three words of letters as they are written in Europe: shown as they are.
USUAL = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ'-]*[A-Za-z][A-Za-zÀ-ÖØ-öø-ÿ'-]*(?: [A-Za-zÀ-ÖØ-öø-ÿ'-]+){0,2}")
DOT_INSIDE = re.compile(r"([^\W_][\w-]*)\.([^\W\d_]\w*)")
TITLES = frozenset(
    {"dr", "prof", "med", "dent", "phil", "rer", "nat", "jur", "habil", "dipl", "ing", "univ", "mag"}
    | {"st", "jr", "sr", "mr", "mrs", "ms"}
)


def _as_read(name: str) -> str:
    """Full-width letters, other full stops and the like as browsers and mail readers resolve them (UTS 46)."""
    return unicodedata.normalize("NFKC", name).translate(FULL_STOPS)


def fault_in(name: str) -> str | None:
    """Why this is no name, as a sentence; None if it is one."""
    if any(_is_invisible(letter) for letter in name) or HIDDEN.search(name):
        return "A name has no control or invisible characters."
    name = _as_read(name)
    if any(_is_invisible(letter) for letter in name) or HIDDEN.search(name):
        return "A name has no control or invisible characters."
    if wrong := next((letter for letter in name if letter in FORBIDDEN), None):
        return f"A name has no {wrong} in it."
    if "//" in name or any(_looks_like_a_domain(*found.groups()) for found in DOT_INSIDE.finditer(name)):
        return "A name has no web address in it. Write a space after a full stop."
    if sum(letter.isnumeric() for letter in name) > MAX_DIGITS:
        return "A name has no phone number in it."
    if len(name.split()) > MAX_WORDS:
        return f"A name has {MAX_WORDS} words at most."
    if not any(letter.isalpha() for letter in name):
        return "A name has at least one letter."
    return None


def fault_in_label(text: str) -> str | None:
    """Why this cannot name a clinic, a service or a practitioner, as a sentence; None if it can."""
    for spelling in (text, _as_read(text)):
        if any(_is_invisible(letter) or letter == GRAPHEME_JOINER for letter in spelling):
            return "A name has no control or invisible characters, and stands on one line."
    if not any(unicodedata.category(letter)[0] in VISIBLE for letter in text):
        return "A name has at least one visible character."
    return None


def shown_name(name: str) -> str:
    """The name as a message may show it, whatever was stored: short, plain, and nothing that a mail reader links."""
    return name if len(name) <= MAX_SHOWN and USUAL.fullmatch(name) else _made_plain(name)


def _made_plain(name: str) -> str:
    name = _as_read(HIDDEN.sub("", name))
    letters = "".join(" " if _is_invisible(letter) or letter in FORBIDDEN else letter for letter in name)
    letters = letters.replace("//", " ")
    apart = DOT_INSIDE.sub(
        lambda found: f"{found[1]}. {found[2]}" if _looks_like_a_domain(*found.groups()) else found[0], letters
    )
    apart = HIDDEN.sub("", apart)
    without_numbers = apart if fault_in(apart) is None else re.sub(r"\d", "", apart)
    return " ".join(without_numbers.split()[:MAX_WORDS])[:MAX_SHOWN].strip()


def _is_invisible(letter: str) -> bool:
    return letter in BLANKS or (unicodedata.category(letter) in INVISIBLE and letter not in JOINERS)


def _looks_like_a_domain(before: str, after: str) -> bool:
    """`evil.example`, `X.COM` and `T.Me`; not `J.Smith` or `Dr.med.`."""
    is_one_case = after in {after.casefold(), after.upper()}
    if before.casefold() in TITLES:
        return is_one_case and after.casefold() not in TITLES
    if before.casefold() == "www":
        return True
    is_short = len(after) < SHORTEST_SURNAME
    return len(after) > 1 and (len(before) > 1 or is_one_case or is_short)
