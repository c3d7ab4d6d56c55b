"""Times and phones in the templates of patients, the waitlist and messages."""

from datetime import date, datetime, timedelta

import phonenumbers
from django import template
from django.utils import dateformat
from django.utils.formats import date_format
from django.utils.translation import get_language

from clinic.common.clock import now as clock_now
from clinic.common.instants import zone_of
from clinic.outbox.wording import say_when, uses_twelve_hours
from clinic.scheduling.models import Clinic, clock_of

register = template.Library()
# Further away, another year may be meant.
NAMES_ITS_YEAR = timedelta(days=300)


@register.filter
def moment(instant: datetime | None, clinic: Clinic) -> str:
    """`Fri 20 Nov, 09:30`, on the clinic's clock."""
    if instant is None:
        return ""
    language = (get_language() or "en").partition("-")[0]
    if abs(clock_now() - instant) > NAMES_ITS_YEAR:
        local = instant.astimezone(zone_of(clinic.timezone))
        return f"{day(local.date())}, {clock(instant, clinic)}"
    return say_when(instant, zone_of(clinic.timezone), language, **clock_of(clinic))


@register.filter
def clock(instant: datetime, clinic: Clinic) -> str:
    """`09:30`, or `9:30 AM`."""
    zone = zone_of(clinic.timezone)
    letters = "g:i A" if uses_twelve_hours(zone=zone, **clock_of(clinic)) else "H:i"
    return dateformat.format(instant.astimezone(zone), letters)


@register.filter
def long_day(instant: datetime, clinic: Clinic) -> str:
    """`Friday 20 November 2026`, the clinic's date."""
    return weekday(instant.astimezone(zone_of(clinic.timezone)).date())


@register.filter
def weekday(value: date) -> str:
    """`Friday 20 November 2026`."""
    return dateformat.format(value, "l, j. F Y" if get_language() == "de" else "l j F Y")


@register.filter
def day(value: date | None) -> str:
    return "" if value is None else date_format(value, "SHORT_DATE_FORMAT" if get_language() == "de" else "j M Y")


@register.filter
def phone(number: str) -> str:
    """E.164, with the blanks with which it is read."""
    try:
        return phonenumbers.format_number(
            phonenumbers.parse(number, None), phonenumbers.PhoneNumberFormat.INTERNATIONAL
        )
    except phonenumbers.NumberParseException:
        return number
