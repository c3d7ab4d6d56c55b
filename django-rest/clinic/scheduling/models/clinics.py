"""A clinic: its zone and its policy."""

import re
from typing import TypedDict

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.timezone import now  # noqa: TID251 - the migrations name it

from clinic.common.models import Versioned
from clinic.common.names import validate_label

FIVE_MINUTES = 5
MAX_REMINDERS = 5
MAX_COUNTRIES = 80
MAX_UNDO_SECONDS = 120
MAX_WALL_MESSAGES_LENGTH = 500
SHORTEST_LEAD_MINUTES = 45  # Half an hour before the start nobody is reminded any more.
MAX_LEAD_MINUTES = 14 * 24 * 60


def _minutes(default: int, *, least: int = 0, most: int = 24 * 60) -> "models.PositiveSmallIntegerField[int, int]":
    return models.PositiveSmallIntegerField(
        default=default, validators=[MinValueValidator(least), MaxValueValidator(most)]
    )


ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")


def origins_in(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def validate_origins(text: str) -> None:
    if any(ORIGIN.fullmatch(origin) is None for origin in origins_in(text)):
        raise ValidationError("An origin is https://www.example.org, without a path.", code="invalid")


class WaitlistMode(models.TextChoices):
    OFF = "off"
    OFFER = "offer"


class HourFormat(models.TextChoices):
    BY_REGION = "auto"
    TWELVE = "12"
    TWENTY_FOUR = "24"


class ReminderWays(models.TextChoices):
    """As `outbox.contact_routes.Ways`, in the words of a setting."""

    SMS_FIRST = "sms_first"
    MAIL_FIRST = "mail_first"
    MAIL = "mail"
    EVERY = "every"


class PatientMoves(models.TextChoices):
    OFF = "off"
    REQUEST = "request"
    DIRECT = "direct"


def reminder_minutes_in(text: str) -> list[int]:
    """The longest first."""
    return sorted((int(part) for part in text.split(",") if part.strip()), reverse=True)


def _most(default: int, *, help_text: str, most: int = 1000) -> "models.PositiveSmallIntegerField[int, int]":
    return models.PositiveSmallIntegerField(
        default=default,
        db_default=default,
        validators=[MinValueValidator(1), MaxValueValidator(most)],
        help_text=help_text,
    )


class Clinic(Versioned):
    """One practice: its zone and its policy. Every other row belongs to one."""

    name = models.CharField(max_length=120, validators=[validate_label])
    slug = models.SlugField(max_length=60, unique=True)
    phone = models.CharField(
        max_length=40,
        blank=True,
        default="",
        db_default="",
        validators=[RegexValidator(r"^\+?[\d(][\d\s()/.-]*$", "a phone number: +44 20 7946 0123")],
        help_text="where patients call, as it is to be read: at the end of mails",
    )
    email = models.EmailField(
        blank=True, default="", db_default="", help_text="where answers to mails and calendar invitations go"
    )
    address = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text="on one line: at the end of mails, in calendars",
    )
    timezone = models.CharField(max_length=64, default="UTC", help_text="IANA name")
    phone_region = models.CharField(max_length=2, default="US", help_text="ISO 3166 country, for local phone numbers")
    slot_minutes = _minutes(30, least=5, most=480)
    hold_minutes = _minutes(5, least=1, most=60)
    horizon_days = models.PositiveSmallIntegerField(default=90, help_text="how far ahead patients book")
    notice_minutes = _minutes(60, most=14 * 24 * 60)
    cancellation_notice_minutes = _minutes(24 * 60, most=14 * 24 * 60)
    no_show_after_minutes = _minutes(15, least=5, most=240)
    auto_no_show = models.BooleanField(
        default=True,
        db_default=True,
        help_text="whether patients who are not checked in are marked as missed, "
        "`no_show_after_minutes` after the start",
    )
    no_show_message = models.BooleanField(
        default=True, db_default=True, help_text="whether patients are told that they missed a visit, one hour later"
    )
    call_by_sms = models.BooleanField(
        default=False,
        db_default=False,
        help_text="whether patients who are called in get an SMS, beside the app and web push",
    )
    patient_moves = models.CharField(
        max_length=7,
        choices=PatientMoves.choices,
        default=PatientMoves.DIRECT,
        db_default=PatientMoves.DIRECT,
        help_text="whether patients move their visits themselves, ask the desk to, or call",
    )
    undo_seconds = models.PositiveSmallIntegerField(
        default=10,
        db_default=10,
        validators=[MaxValueValidator(MAX_UNDO_SECONDS)],
        help_text="how long a step can be undone, and its messages wait; 0: not at all",
    )
    auto_confirm = models.BooleanField(default=False)
    waitlist_mode = models.CharField(
        max_length=5,
        choices=WaitlistMode.choices,
        default=WaitlistMode.OFFER,
        db_default=WaitlistMode.OFFER,
        help_text="whether freed time is offered to the waitlist",
    )
    offer_minutes = models.PositiveSmallIntegerField(
        default=30,
        db_default=30,
        validators=[MinValueValidator(5), MaxValueValidator(24 * 60)],
        help_text="how long a freed time is kept for whom it is offered to",
    )
    language = models.CharField(
        max_length=7,
        choices=settings.LANGUAGES,
        default="en",
        db_default="en",
        help_text="of messages to patients who have not chosen one, and to the clinic",
    )
    hour_format = models.CharField(
        max_length=4,
        choices=HourFormat.choices,
        default=HourFormat.BY_REGION,
        db_default=HourFormat.BY_REGION,
        help_text="14:30 or 2:30 PM; auto: 2:30 PM in the United States. German says 14:30 always",
    )
    reminder_ways = models.CharField(
        max_length=10,
        choices=ReminderWays.choices,
        default=ReminderWays.SMS_FIRST,
        db_default=ReminderWays.SMS_FIRST,
        help_text="how patients are reminded: by one way, and by the other where the first is not known or not wanted; "
        "by mail alone; or by both",
    )
    reminder_minutes = models.CharField(
        max_length=60,
        blank=True,
        default="1440,180",
        db_default="1440,180",
        validators=[RegexValidator(r"^(\d{2,5}(, ?\d{2,5})*)?$", "minutes, by commas: 1440, 180")],
        help_text="how long before the start patients are reminded, by commas; empty: not at all",
    )
    quiet_from = models.TimeField(null=True, blank=True, help_text="from when on what can wait is not sent")
    quiet_until = models.TimeField(null=True, blank=True, help_text="when it is sent")
    mail_new_requests = models.BooleanField(
        default=True, db_default=True, help_text="whether owner and staff get an e-mail for each new request"
    )
    guests_verify_phone = models.BooleanField(
        default=False,
        db_default=False,
        help_text="whether guests give back a code sent to their phone, unless they have an earlier visit's reference",
    )
    embed_origins = models.CharField(
        max_length=1000,
        blank=True,
        default="",
        db_default="",
        validators=[validate_origins],
        help_text="web sites that may show the booking page within theirs, as https://www.example.org, by commas",
    )
    wall_messages = models.CharField(
        max_length=MAX_WALL_MESSAGES_LENGTH,
        blank=True,
        default="",
        db_default="",
        help_text="what walls in waiting rooms say to everybody, a message a line",
    )
    # Against one visitor who takes a clinic's whole day.
    max_pending_per_phone = _most(3, help_text="undecided requests of one phone number")
    max_holds_per_user = _most(5, help_text="open holds of one account")
    max_holds_per_address = _most(20, help_text="open holds of patients and guests from one network address")
    # Against bills for SMS that somebody else causes.
    sms_countries = models.CharField(
        max_length=MAX_COUNTRIES * 3,
        blank=True,
        default="",
        db_default="",
        validators=[RegexValidator(r"^([A-Za-z]{2}(, ?[A-Za-z]{2})*)?$", "country codes, by commas: DE, AT")],
        help_text="countries whose numbers get SMS, ISO 3166, by commas; empty: the country of `phone_region`",
    )
    max_sms_per_phone = _most(10, help_text="SMS to one number in one day; more goes by mail")
    max_sms_per_day = _most(2000, most=30_000, help_text="SMS of the clinic in one day; more goes by mail")
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        db_table = "clinic"

    def __str__(self) -> str:
        return self.name

    @property
    def contact(self) -> str:
        """How it is reached, a line each; empty where nothing is known."""
        return "\n".join(line for line in (self.address, self.phone, self.email) if line)


class Clock(TypedDict):
    """Arguments by which `outbox.wording` says times as a clinic reads them."""

    region: str
    hour_format: str


def clock_of(clinic: Clinic) -> Clock:
    return {"region": clinic.phone_region, "hour_format": clinic.hour_format}
