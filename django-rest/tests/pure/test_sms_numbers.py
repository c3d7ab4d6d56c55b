import pytest
from clinic.outbox.sms_numbers import countries_in, refusal_of_number

GERMAN = frozenset({"DE"})


@pytest.mark.parametrize(
    ("phone", "countries", "refusal"),
    [
        ("+491701234567", {"DE"}, None),
        ("+49301234567", {"DE"}, None),
        ("+447400123456", {"DE"}, "country"),
        ("+447400123456", {"DE", "GB"}, None),
        # One calling code, several countries.
        ("+12125550123", {"US"}, None),
        ("+18765551234", {"US"}, "country"),
        ("+447624123456", {"GB"}, "country"),
        ("+447911123456", {"GB"}, "country"),
        ("+77011234567", {"RU"}, "country"),
        # Satellites.
        ("+88213123456", {"DE", "US"}, "country"),
        ("+19005551234", {"US"}, "number_type"),
        ("+499001234567", {"DE"}, "number_type"),
        ("+491805123456", {"DE"}, "number_type"),
        ("+4916412345", {"DE"}, "number_type"),
        ("+447640123456", {"GB"}, "number_type"),
        ("+447700900123", {"GB"}, "unassigned"),
        ("RIVERSIDE", {"DE"}, "unassigned"),
        ("83300", {"DE"}, "unassigned"),
        ("", {"DE"}, "unassigned"),
    ],
)
def test_number_gets_sms_by_country_and_type(phone: str, countries: set[str], refusal: str | None) -> None:
    assert refusal_of_number(phone, countries) == refusal


@pytest.mark.parametrize(("text", "countries"), [("", set()), ("DE", {"DE"}), ("de, AT,", {"AT", "DE"})])
def test_countries_are_read_from_text(text: str, countries: set[str]) -> None:
    assert countries_in(text) == countries
