import pytest
from clinic.common import plain_names
from clinic.common.plain_names import MAX_SHOWN, USUAL, fault_in, fault_in_label, shown_name
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    "name",
    [
        "Paula",
        "Dr. Amara Okafor",
        "Dr.med. Petra Müller-Lüdenscheidt",
        "Prof. Dr. med. dent. Åsa Øst",
        "Seán O’Brien",
        "D'Angelo, Maria",
        "J.R.R. Tolkien",
        "J.Smith",
        "Anna (Mutter)",
        "Anna & Ben Meyer",
        'Robert "Bob" Jones',
        "Smith/Jones",
        "王小明",
        "मारिया",
        "نیم\u200cفاصله",
        "Louis XIV 2",
        "X Æ A-12",
    ],
)
def test_name_of_a_person_is_accepted(name: str) -> None:
    assert fault_in(name) is None
    assert shown_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "https://evil.example/login",
        "Click http://evil.example",
        "www.evil.example",
        "Win money evil\uff0eexample",
        "evil\u3002example win",
        "Free evil\u2024example",
        "evil\uff61example",
        "\uff57\uff57\uff57\uff0e\uff45\uff56\uff49\uff4c.example",
        "http:\uff0f\uff0fevil",
        "Visit T.Me/evilbot now",
        "secure-login.ing/now",
        "Account locked evil.st",
        "T.Co evil.mr",
        "evil\u200d.com",
        "evil\u034f.com",
        "evil\ufe0f.com",
        "WWW.EVIL.COM",
        "evil.example",
        "Your refund: evil.com/pay",
        "t.me/evil",
        "x.co",
        "дом.рф",
        "//evil",
        "me@evil.example",
        "Call 0900 123456",
        "Call ٠٩٠٠١٢٣٤",
        "<b>Paula</b>",
        "<img src=x>",
        "{{ 7*7 }}",
        "[Paula](x)",
        "=HYPERLINK(1)",
        "Paula\nBcc: x",
        "Paula\r\nSubject: x",
        "Paula\0",
        "Paula\u2028x",
        "Paula \u202eecilA",
        "Pau\u200bla",
        "Paula\ud800",
        "Act now!",
        "Paula\u3164",
        "\u2800\u2800",
        "ﾠ",
        "one two three four five six seven eight nine ten eleven",
    ],
)
def test_message_in_place_of_a_name_is_refused_and_not_shown(name: str) -> None:
    fault = fault_in(name)
    assert fault is not None
    assert fault.endswith(".")
    assert shown_name(name) != name


@pytest.mark.parametrize("name", ["...", "", "  ", "\u0301"])
def test_name_without_a_letter_is_refused(name: str) -> None:
    assert fault_in(name) == "A name has at least one letter."


@pytest.mark.parametrize(
    "label",
    [
        "Check-up",
        "X-ray: 2nd floor (€ 40)",
        "Dr. Petra",
        "Kinder ❤️",
        "👨‍👩‍👧 Family visit",
        "洗牙",
        "Web: a.example",
        "24/7",
        "!",
    ],
)
def test_anything_visible_names_a_service(label: str) -> None:
    assert fault_in_label(label) is None


@pytest.mark.parametrize(
    "label",
    [
        *("", " ", "\u3164", "\u2800", "\u200d", "\u0301", "Check\nup", "Check\tup", "Check\u2028up", "Check\u202eup"),
        *("Check\u2066up", "Check\u200bup", "Check\x7fup", "Check\u034fup", "Check\ufeff", "Check\u00adup"),
    ],
)
def test_control_characters_and_nothing_visible_name_no_service(label: str) -> None:
    assert fault_in_label(label) is not None


@given(st.text(max_size=200))
def test_shown_name_of_any_stored_text_is_short_and_links_nothing(text: str) -> None:
    shown = shown_name(text)
    assert len(shown) <= MAX_SHOWN
    fault = fault_in(shown)
    assert fault is None or "letter" in fault


@given(st.from_regex(USUAL, fullmatch=True))
def test_usual_name_is_shown_as_the_rules_for_any_text_would(name: str) -> None:
    assert shown_name(name) == plain_names._made_plain(name)


@given(st.text(max_size=200))
def test_shown_name_is_shown_alike_again(text: str) -> None:
    assert shown_name(shown_name(text)) == shown_name(text)
