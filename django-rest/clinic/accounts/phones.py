"""Phone numbers as they are stored: E.164."""

import phonenumbers

from clinic.common.errors import InvalidRequest


def normalise_phone(text: str, *, region: str | None = None) -> str:
    """`+442079460958` for `020 7946 0958` in region GB. Raises InvalidRequest with attr `phone`."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise InvalidRequest(
            "This is not a phone number. Write it with its country code, as +1 212 555 0123.", attr="phone"
        )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
