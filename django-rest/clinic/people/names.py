"""Names of people, compared across spellings."""

import re
import unicodedata

# Lower case, without accents. Not "Jr", "Sr" or "II": they tell a son from his father.
TITLES = frozenset({"mr", "mrs", "ms", "mx", "miss", "dr", "prof", "professor", "phd", "md", "dds", "dmd"}) | frozenset(
    {"herr", "frau", "hr", "fraulein", "mme", "mlle", "senor", "senora"}
)
# Only with their dots: "Phil", "Nat" and "Dent" are names as well.
DEGREE = re.compile(r"\b(?:med|dent|vet|phil|jur|rer|nat|oec|habil|h\. ?c|dipl|ing|mag)\.")

# Letters that Unicode does not take apart into a letter and an accent.
PLAIN_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t"}
)
APOSTROPHES = re.compile(r"['’‘ʼ`´]")
BETWEEN_WORDS = re.compile(r"[^\w]+|_+")


def is_same_name(one: str, other: str) -> bool:
    """Whether two names agree, ignoring accents, case, punctuation, order of words and titles.

    False for a name without a word in it.
    """
    words = name_words(one)
    return bool(words) and words == name_words(other)


def name_words(name: str) -> list[str]:
    """The words of a name without titles, sorted; the titles if there is nothing else."""
    words = _plain(name).split()
    return sorted([word for word in words if word not in TITLES] or words)


def _plain(name: str) -> str:
    """Lower case, one blank between words; without accents, apostrophes and invisible characters."""
    # Folded before and after: a compatibility form may be a capital, and a capital may fold into two letters.
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    kept = "".join(letter for letter in letters if unicodedata.category(letter) not in ("Mn", "Cf"))
    words = DEGREE.sub(" ", APOSTROPHES.sub("", kept.translate(PLAIN_LETTERS)))
    return BETWEEN_WORDS.sub(" ", words).strip()
