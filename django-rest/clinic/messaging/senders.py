"""Pure: the number behind the sender of an SMS.

Some networks and WhatsApp write mobile numbers of three countries in another way than people do: Mexico with a 1
(`+521…`), Argentina with or without a 9, Brazil without its ninth digit. All forms are one national number.
"""

import re

import phonenumbers

CHANNEL_PREFIX = re.compile(r"^\s*(?:whatsapp|sms|mms|rcs)\s*:\s*", re.IGNORECASE)
MEXICO = 52


def is_plain_sms(sender: str) -> bool:
    """False for WhatsApp and other channels, where the provider does not answer STOP and START by itself."""
    return CHANNEL_PREFIX.match(sender) is None


def number_of(sender: str) -> str:
    """Without the prefix of a channel: E.164, or whatever else the provider writes there."""
    bare = CHANNEL_PREFIX.sub("", sender).strip()
    parsed = _parsed(bare)
    return bare if parsed is None else _e164(*parsed)


def numbers_of(sender: str) -> list[str]:
    """Every way of writing the sender's number that a record may have, the usual one first."""
    parsed = _parsed(number_of(sender))
    if parsed is None:
        return [number_of(sender)]
    country, national = parsed
    return list(
        dict.fromkeys([_e164(country, national), *(_e164(country, form) for form in _forms(country, national))])
    )


def _parsed(number: str) -> tuple[int, str] | None:
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return None
    return parsed.country_code or 0, _usual(parsed.country_code or 0, phonenumbers.national_significant_number(parsed))


def _e164(country: int, national: str) -> str:
    return f"+{country}{national}"


def _usual(country: int, national: str) -> str:
    if country == MEXICO and len(national) == 11 and national[0] == "1":
        return national[1:]
    return national


def _forms(country: int, national: str) -> list[str]:
    match country, len(national):
        case 52, 10:
            return [f"1{national}"]
        case 54, 10:
            return [f"9{national}"]
        case 54, 11 if national[0] == "9":
            return [national[1:]]
        case 55, 10 if national[2] in "6789":
            return [f"{national[:2]}9{national[2:]}"]
        case 55, 11 if national[2] == "9":
            return [national[:2] + national[3:]]
    return []
