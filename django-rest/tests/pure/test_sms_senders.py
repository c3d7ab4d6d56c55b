"""Senders of SMS, as the provider writes them, and the numbers that records may have."""

import pytest
from clinic.messaging.senders import is_plain_sms, number_of, numbers_of


@pytest.mark.parametrize(
    ("sender", "stored"),
    [
        ("+491701111111", "+491701111111"),
        ("whatsapp:+491701111111", "+491701111111"),
        ("WhatsApp: +49 170 1111111", "+491701111111"),
        ("rcs:+491701111111", "+491701111111"),
        # Mexico: the 1 of mobile numbers is gone since 2019, and networks still write it.
        ("+5215512345678", "+525512345678"),
        ("+525512345678", "+525512345678"),
        ("+525512345678", "+5215512345678"),
        ("whatsapp:+5215512345678", "+525512345678"),
        # Argentina: a 9 in international writing.
        ("+5491123456789", "+541123456789"),
        ("+541123456789", "+5491123456789"),
        # Brazil: WhatsApp leaves the ninth digit away.
        ("whatsapp:+551187654321", "+5511987654321"),
        ("+5511987654321", "+551187654321"),
    ],
)
def test_sender_has_the_stored_number(sender: str, stored: str) -> None:
    assert stored in numbers_of(sender)


@pytest.mark.parametrize(
    ("sender", "other"),
    [
        ("+5215512345678", "+15512345678"),
        ("+15512345678", "+525512345678"),
        ("+551133334444", "+5511933334444"),
        ("+491701111111", "+491701111112"),
        ("+1701111111", "+491701111111"),
    ],
)
def test_similar_number_is_another_sender(sender: str, other: str) -> None:
    assert other not in numbers_of(sender)


@pytest.mark.parametrize("sender", ["RIVERSIDE", "83300", "", "whatsapp:", "+", "+999", "+" + "1" * 60])
def test_sender_without_a_number_is_as_it_was_written(sender: str) -> None:
    assert numbers_of(sender) == [number_of(sender)]


def test_other_channels_are_not_sms() -> None:
    assert is_plain_sms("+491701111111")
    assert not is_plain_sms("whatsapp:+491701111111")
