"""Pure: which phone numbers an SMS may be sent to, by their country and type."""

from collections.abc import Collection
from enum import StrEnum
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumberType

# The recipient or the sender pays for these, or no person reads them.
REFUSED_TYPES = frozenset(
    {PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST, PhoneNumberType.PAGER, PhoneNumberType.UAN}
)


class SmsRefusal(StrEnum):
    """Reasons of our own for not sending an SMS."""

    COUNTRY = "country"
    NUMBER_TYPE = "number_type"
    UNASSIGNED = "unassigned"
    PHONE_LIMIT = "phone_limit"
    CLINIC_LIMIT = "clinic_limit"


LIMITS = frozenset({SmsRefusal.PHONE_LIMIT, SmsRefusal.CLINIC_LIMIT})
REASONS = {
    SmsRefusal.COUNTRY: "Not sent: the clinic sends no SMS to numbers of this country.",
    SmsRefusal.NUMBER_TYPE: "Not sent: premium-rate, shared-cost, pager and company numbers get no SMS.",
    SmsRefusal.UNASSIGNED: "Not sent: this number belongs to no country.",
    SmsRefusal.PHONE_LIMIT: "Not sent: the clinic's daily limit of SMS to one number is reached.",
    SmsRefusal.CLINIC_LIMIT: "Not sent: the clinic's daily limit of SMS is reached.",
}


def refusal_of_number(phone: str, countries: Collection[str]) -> SmsRefusal | None:
    """`phone` in E.164; `countries` as ISO 3166 codes in capitals. None: an SMS may be sent to it."""
    country, number_type = _country_and_type(phone)
    if number_type in REFUSED_TYPES:
        return SmsRefusal.NUMBER_TYPE
    if country is None:
        return SmsRefusal.UNASSIGNED
    return None if country in countries else SmsRefusal.COUNTRY


def countries_in(text: str) -> frozenset[str]:
    """`DE, at` as {"AT", "DE"}."""
    return frozenset(part.strip().upper() for part in text.split(",") if part.strip())


@lru_cache(maxsize=4096)
def _country_and_type(phone: str) -> tuple[str | None, int]:
    """Several countries share +1, +7, +39, +44 and others: the number decides. No country: unassigned, or no number."""
    try:
        number = phonenumbers.parse(phone, None)
    except phonenumbers.NumberParseException:
        return None, PhoneNumberType.UNKNOWN
    return phonenumbers.region_code_for_number(number), phonenumbers.number_type(number)
