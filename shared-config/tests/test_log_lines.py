from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared_config.log_lines import CONTROL, address_hash, exception_lines, loggable

REFERENCE = "xK3_v9QpL-0aZbYcWd2e1f"
DAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    "secret",
    [
        REFERENCE,
        "aBcDeFgHiJkLmNoPqRsTuV",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1c2VyX2lkIjoxMjM0NTY3ODkwfQ.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg",
        "+491701234567",
        "+49 170 1234567",
        "0170/1234567",
        "(unknown) 491701234567",
        "rosa@example.org",
    ],
)
@pytest.mark.parametrize(
    "context", ["{}", "Not Found: /a/{}/x", "'{}'", "ticket={}&x=1", "Duplicate entry '{}' for key 'x'"]
)
def test_secrets_and_contact_data_are_hidden(secret: str, context: str) -> None:
    secret = secret.removeprefix("(unknown) ")
    hidden = loggable(context.format(secret))
    assert "…" in hidden
    assert not any(part in hidden for part in secret.replace("/", " ").split() if len(part) > 5)


def test_queries_are_hidden() -> None:
    assert loggable("GET /api/v1/sse/appointments?ticket=abc&mode=delta HTTP/1.1") == (
        "GET /api/v1/sse/appointments?… HTTP/1.1"
    )


@pytest.mark.parametrize(
    "message",
    [
        "GET api/v1/appointments/<int:pk> 200 12.3ms user=14 from=0a1b2c3d4e5f",
        "appointment 4711: no mark_no_show: transition_not_allowed",
        "loaded clinic 3 at 0123456789abcdef.3.42",
        "2026-11-20 09:00:00 to 2026-11-21",
        "All 12 accounts that signed in within a day came from one address.",
    ],
)
def test_ordinary_messages_stay_as_they_are(message: str) -> None:
    assert loggable(message) == message


@given(st.text())
def test_any_text_becomes_one_line(text: str) -> None:
    assert not CONTROL.search(loggable(text))


def test_forged_lines_are_escaped() -> None:
    assert loggable("GET /x\n2026 INFO forged\r\x1b[2J\u2028") == "GET /x\\n2026 INFO forged\\r\\x1b[2J\\u2028"


def test_traceback_names_errors_and_places_without_values() -> None:
    try:
        try:
            raise KeyError("+491701234567\nforged")
        except KeyError as error:
            raise ValueError(REFERENCE) from error
    except ValueError as error:
        lines = list(exception_lines(error))
    assert all(line.startswith("  ") and not CONTROL.search(line) for line in lines)
    text = "\n".join(lines)
    assert text.index("builtins.KeyError: ") < text.index("builtins.ValueError: …")
    assert "test_log_lines.py" in text
    assert "+4917" not in text.replace('raise KeyError("+491701234567', "")


def test_hash_of_an_address_holds_for_a_day_and_a_key() -> None:
    first = address_hash("2001:db8:1:2::3", key=b"a", day=DAY)
    assert first == address_hash("2001:db8:1:2:ffff::", key=b"a", day=DAY)
    others = {
        address_hash("2001:db8:1:3::3", key=b"a", day=DAY),
        address_hash("2001:db8:1:2::3", key=b"b", day=DAY),
        address_hash("2001:db8:1:2::3", key=b"a", day=date(2026, 11, 21)),
    }
    assert len(others | {first}) == 4
