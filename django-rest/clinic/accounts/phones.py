"""Phone numbers as they are stored: E.164, and an extension beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import phonenumbers

from clinic.common.errors import Ambiguous, InvalidRequest, NotAPhone, PhoneHasExtension

MAX_EXTENSION_LENGTH = 20


@dataclass(frozen=True, slots=True)
class Phone:
    """`number` is E.164; both are empty where none is known."""

    number: str
    extension: str = ""


NO_PHONE = Phone("")


def read_phone(text: str, *, region: str | None = None) -> Phone:
    """`+442079460958` and `12` for `020 7946 0958 ext. 12` in region GB. Raises NotAPhone."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise NotAPhone from None
    # Not a number that can be dialled in its own town alone: it is stored with its country code.
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise NotAPhone
    return Phone(
        phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), (number.extension or "").strip()
    )


def normalise_phone(text: str, *, region: str | None = None) -> str:
    """A number without an extension, to look up or to send a code to. Raises NotAPhone, PhoneHasExtension."""
    phone = read_phone(text, region=region)
    if phone.extension:
        raise PhoneHasExtension
    return phone.number


def phone_given(fields: Mapping[str, Any], *, known: Phone = NO_PHONE, region: str | None = None) -> Phone | None:
    """The phone that `phone` and `phone_extension` of a request name; None if it has neither.

    The extension stands in either of them. Without one, a known number keeps its own. Raises NotAPhone,
    InvalidRequest, Ambiguous.
    """
    if fields.keys().isdisjoint({"phone", "phone_extension"}):
        return None
    text = fields.get("phone", known.number)
    phone = read_phone(text, region=region) if text else NO_PHONE
    extension = fields.get("phone_extension")
    if extension and phone.extension not in ("", extension):
        raise Ambiguous("`phone` and `phone_extension` name two extensions.", attr="phone_extension")
    if extension is None and phone.number == known.number:
        extension = phone.extension or known.extension
    extension = extension or phone.extension
    if extension and not phone.number:
        raise InvalidRequest("An extension goes with a phone number.", attr="phone_extension")
    return Phone(phone.number, extension)


def phone_changes(fields: Mapping[str, Any], *, known: Phone, region: str | None, none: str | None) -> dict[str, Any]:
    """The columns that change with a request. `none`: how the row keeps that there is no number. Raises NotAPhone,
    InvalidRequest, Ambiguous."""
    phone = phone_given(fields, known=known, region=region)
    return {} if phone is None else {"phone": phone.number or none, "phone_extension": phone.extension}
