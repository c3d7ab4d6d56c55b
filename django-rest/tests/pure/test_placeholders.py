"""A clinic's own words are filled in, and nothing that is typed into them does anything else."""

import pytest
from clinic.outbox.placeholders import faults_in, fill
from hypothesis import given
from hypothesis import strategies as st

KNOWN = ("clinic", "when", "reason")


def test_names_are_replaced_by_what_they_stand_for() -> None:
    assert fill("{clinic}: see you {when}.", {"clinic": "Riverside", "when": "Fri"}) == "Riverside: see you Fri."


def test_text_of_a_value_is_not_interpreted() -> None:
    assert fill("{clinic}", {"clinic": "{when} {{ x }} {__class__}", "when": "Fri"}) == "{when} {{ x }} {__class__}"


def test_a_missing_value_says_nothing() -> None:
    assert fill("{clinic}: {reason}.", {"clinic": "Riverside", "reason": None}) == "Riverside: ."


def test_a_line_of_which_nothing_is_known_is_left_out() -> None:
    assert fill("Hello\nThe reason: {reason}\nBye", {"reason": ""}) == "Hello\nBye"
    assert fill("Hello\nThe reason: {reason}\nBye", {"reason": "ill"}) == "Hello\nThe reason: ill\nBye"


def test_a_list_is_a_line_for_each() -> None:
    assert fill("{all}", {"all": [{"when": "Fri", "who": "Petra"}, {"when": "Sat", "who": "Petra"}]}) == (
        "Fri, Petra\nSat, Petra"
    )


@pytest.mark.parametrize("typed", ["Hello", "{clinic}", "{when}{reason}", "100 % (really) [x] $ 5", ""])
def test_words_with_known_names_are_taken(typed: str) -> None:
    assert faults_in(typed, KNOWN) == []


@pytest.mark.parametrize(
    "typed",
    [
        "{__class__}",
        "{clinic.name}",
        "{clinic.__class__.__mro__}",
        "{clinic!r}",
        "{clinic:>9}",
        "{when[0]}",
        "{0}",
        "{}",
        "{ clinic }",
        "{{ clinic }}",
        "{{clinic}}",
        "{% load x %}",
        "{% include '/etc/passwd' %}",
        "{clinic",
        "clinic}",
        "{patients}",
        "{Clinic}",
        "{cli\nnic}",
    ],
)
def test_anything_else_in_braces_is_refused_and_says_what_is_known(typed: str) -> None:
    *_, last = faults_in(typed, KNOWN)
    assert last == "Known here: {clinic}, {when}, {reason}."


@given(st.text(alphabet="ab{}_.!:[]% \n", max_size=60), st.dictionaries(st.text(max_size=3), st.none() | st.text()))
def test_nothing_that_is_typed_can_raise(typed: str, values: dict[str, str | None]) -> None:
    fill(typed, values)
    faults_in(typed, ("a", "b"))
