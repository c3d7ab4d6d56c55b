"""Which two names are taken for one person's, beside the same phone number."""

import random
import unicodedata

import pytest
from clinic.people.names import is_same_name, name_words
from hypothesis import given
from hypothesis import strategies as st

SAME = [
    ("Nora Neumann", "nora  NEUMANN "),
    ("Nora Neumann", "Neumann, Nora"),
    ("Zoë Müller", "Zoe Muller"),
    ("Zoe\u0308 Mu\u0308ller", "Zoë Müller"),
    ("José Núñez", "JOSE NUNEZ"),
    ("Søren Ørsted", "Soren Orsted"),
    ("Łukasz Đurić", "lukasz duric"),
    ("Anna Weiß", "Anna Weiss"),
    ("İpek Yılmaz", "Ipek Yilmaz"),
    ("Dr. Nora Neumann", "Nora Neumann"),
    ("Prof. Dr. med. dent. Nora Neumann", "Neumann Nora"),
    ("Dipl.-Ing. Dr. h.c. Nora Neumann", "Nora Neumann"),
    ("Frau Nora Neumann", "Mrs Nora Neumann"),
    ("Nora Neumann, PhD", "Nora Neumann"),
    ("Sean O'Brien", "Sean O’Brien"),
    ("Sean O'Brien", "OBrien Sean"),
    ("Anna Müller-Lüdenscheidt", "Anna Muller Ludenscheidt"),
    ("Nora\u200b Neumann", "Nora Neumann"),
    ("Ｎｏｒａ Neumann", "Nora Neumann"),
    ("Νίκος Παππάς", "ΠΑΠΠΑΣ ΝΙΚΟΣ"),
    ("Dr", "dr."),
]
DIFFERENT = [
    ("Nora Neumann", "Tim Neumann"),
    ("Nora Neumann", "Nora"),
    ("Nora Neumann", "N. Neumann"),
    ("Nora Neumann", "Nora Maria Neumann"),
    ("John Smith", "John Smith Jr"),
    ("John Smith", "John Smith II"),
    ("John Smith Sr.", "John Smith Jr."),
    ("Phil Collins", "Collins"),
    ("Arthur Dent", "Arthur"),
    ("Anna Anna Meier", "Anna Meier"),
    ("Dr Mr", "Dr"),
    ("Dr. Nora", "Dr."),
    ("", ""),
    ("...", "---"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_spellings_of_one_name_agree(one: str, other: str) -> None:
    assert is_same_name(one, other)
    assert is_same_name(other, one)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_names_of_two_people_differ(one: str, other: str) -> None:
    assert not is_same_name(one, other)
    assert not is_same_name(other, one)


WORDS = st.lists(st.text("abcdeéüßñ", min_size=3, max_size=8), min_size=1, max_size=4)


@given(WORDS, st.randoms(use_true_random=False))
def test_order_case_accents_and_titles_do_not_matter(words: list[str], chance: random.Random) -> None:
    name = " ".join(words)
    shuffled = chance.sample(words, len(words))
    plain = "".join(
        letter for letter in unicodedata.normalize("NFD", " ".join(shuffled)) if not unicodedata.combining(letter)
    )
    assert is_same_name(name, f"Dr. {plain.upper()}")


@given(st.text())
def test_any_text_has_words_and_equals_itself_unless_empty(text: str) -> None:
    assert is_same_name(text, text) == bool(name_words(text))
