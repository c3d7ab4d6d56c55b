"""What people write back, and what is understood."""

import pytest
from clinic.messaging.replies import Intent, Reply, read_reply
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize("text", ["CONFIRM", "confirm", " Confirm. ", "YES", "Yes!", "y", "ja", "OK", "Bestätigen"])
def test_somebody_comes(text: str) -> None:
    assert read_reply(text).intent is Intent.CONFIRM


@pytest.mark.parametrize("text", ["CANCEL", "cancel", "No", "NEIN", "absagen", "n", "Storno."])
def test_somebody_calls_off(text: str) -> None:
    assert read_reply(text) == Reply(Intent.CANCEL)


@pytest.mark.parametrize("text", ["CONFIRM 12", "confirm12", "Confirm #12", "yes: 12", "YES-12", "confirm  12 ."])
def test_somebody_names_the_appointment(text: str) -> None:
    assert read_reply(text) == Reply(Intent.CONFIRM, 12)


@pytest.mark.parametrize("text", ["STOP", "stop", "StopAll", "unsubscribe", "END", "quit", "Revoke", "OPTOUT"])
def test_somebody_wants_no_sms(text: str) -> None:
    assert read_reply(text) == Reply(Intent.STOP)


@pytest.mark.parametrize(
    ("text", "intent"), [("START", Intent.START), ("UNSTOP", Intent.START), ("YES", Intent.CONFIRM)]
)
def test_somebody_wants_them_again(text: str, intent: Intent) -> None:
    assert read_reply(text) == Reply(intent, opts_in=True)


def test_a_yes_to_an_appointment_is_no_wish_for_messages() -> None:
    assert not read_reply("YES 12").opts_in


@pytest.mark.parametrize("text", ["HELP", "info", "Hilfe"])
def test_somebody_asks_how(text: str) -> None:
    assert read_reply(text) == Reply(Intent.HELP)


@pytest.mark.parametrize(
    "text",
    ["", " ", "12", "please cancel", "confirm twelve", "confirm 1 2", "stop 12", "cancel 99999999999999999999", "👍"],
)
def test_anything_else_is_not_guessed_at(text: str) -> None:
    assert read_reply(text) == Reply(Intent.UNKNOWN)


@given(st.text(max_size=200))
def test_no_text_is_too_strange(text: str) -> None:
    assert isinstance(read_reply(text), Reply)
