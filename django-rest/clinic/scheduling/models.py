from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.timezone import now  # noqa: TID251 - the migrations name it

from clinic.common.models import Versioned
from clinic.common.statements import RememberingManager

FIVE_MINUTES = 5
MAX_EVERY_WEEKS = 8
MOST_REMINDERS = 5
MAX_COUNTRIES = 80
SHORTEST_LEAD_MINUTES = 45  # Half an hour before the start nobody is reminded any more.
LONGEST_LEAD_MINUTES = 14 * 24 * 60


def _minutes(default: int, *, least: int = 0, most: int = 24 * 60) -> "models.PositiveSmallIntegerField[int, int]":
    return models.PositiveSmallIntegerField(
        default=default, validators=[MinValueValidator(least), MaxValueValidator(most)]
    )


class WaitlistMode(models.TextChoices):
    OFF = "off"
    OFFER = "offer"


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

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    phone = models.CharField(
        max_length=40,
        blank=True,
        default="",
        db_default="",
        validators=[RegexValidator(r"^\+?[\d(][\d\s()/.-]*$", "a phone number: +44 20 7946 0123")],
        help_text="where patients call, as it is to be read: at the end of mails",
    )
    email = models.EmailField(blank=True, default="", db_default="", help_text="where answers to mails go")
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

    objects = RememberingManager["Clinic"]()

    class Meta:
        db_table = "clinic"

    def __str__(self) -> str:
        return self.name

    @property
    def contact(self) -> str:
        """How it is reached, a line each; empty where nothing is known."""
        return "\n".join(line for line in (self.address, self.phone, self.email) if line)


class Practitioner(Versioned):
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="practitioners")
    user = models.OneToOneField(
        "accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="practitioner"
    )
    name = models.CharField(max_length=120)
    specialisation = models.CharField(max_length=120, blank=True)
    active = models.BooleanField(default=True)

    objects = RememberingManager["Practitioner"]()

    class Meta:
        db_table = "practitioner"
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class Service(Versioned):
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="services")
    name = models.CharField(max_length=120)
    duration_minutes = models.PositiveSmallIntegerField()
    buffer_before_minutes = models.PositiveSmallIntegerField(default=0)
    buffer_after_minutes = models.PositiveSmallIntegerField(default=0)
    color = models.CharField(
        max_length=7, default="#2563eb", validators=[RegexValidator(r"^#[0-9a-fA-F]{6}$", "a colour is #rrggbb")]
    )
    practitioners = models.ManyToManyField(
        Practitioner, through="ServicePractitioner", related_name="services", blank=True
    )
    active = models.BooleanField(default=True)

    objects = RememberingManager["Service"]()

    class Meta:
        db_table = "service"
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(duration_minutes__gte=5, duration_minutes__lte=480, buffer_before_minutes__lte=240)
                & Q(buffer_after_minutes__lte=240),
                name="service_minutes_in_range",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ServicePractitioner(models.Model):
    """Who offers what."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE)
    practitioner = models.ForeignKey(Practitioner, on_delete=models.CASCADE)

    class Meta:
        db_table = "service_practitioners"
        constraints = [models.UniqueConstraint(fields=["service", "practitioner"], name="service_practitioner_once")]

    def __str__(self) -> str:
        return f"{self.service_id}: {self.practitioner_id}"


class WorkingBlock(models.Model):
    """Hours of one weekday in the clinic's wall time. An end that is not after the start lies on the next day."""

    practitioner = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="working_blocks")
    weekday = models.PositiveSmallIntegerField(help_text="0 = Monday", validators=[MaxValueValidator(6)])
    start_local = models.TimeField()
    end_local = models.TimeField()
    valid_from = models.DateField(null=True, blank=True)
    valid_until = models.DateField(null=True, blank=True)
    every_weeks = models.PositiveSmallIntegerField(
        default=1,
        db_default=1,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_EVERY_WEEKS)],
        help_text="2: every other week, counted from the week of the first date",
    )

    objects = RememberingManager["WorkingBlock"]()

    class Meta:
        db_table = "working_block"
        ordering = ["weekday", "start_local", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(weekday__lte=6), name="working_block_weekday"),
            models.CheckConstraint(
                condition=Q(end_local="00:00") | ~Q(start_local=F("end_local")), name="working_block_not_empty"
            ),
            models.CheckConstraint(
                condition=Q(every_weeks=1) | Q(every_weeks__range=(2, MAX_EVERY_WEEKS), valid_from__isnull=False),
                name="working_block_weeks_counted",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.weekday} {self.start_local:%H:%M}-{self.end_local:%H:%M}"


class ScheduleException(Versioned):
    """Days on which the weekly hours do not hold: closed, closed for a time of each day (an absence), or other hours.
    The whole clinic's without a practitioner."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="schedule_exceptions")
    practitioner = models.ForeignKey(
        Practitioner, null=True, blank=True, on_delete=models.PROTECT, related_name="schedule_exceptions"
    )
    start_date = models.DateField()
    end_date = models.DateField(help_text="the last day, included")
    closed = models.BooleanField(default=True)
    start_local = models.TimeField(null=True, blank=True)
    end_local = models.TimeField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)

    objects = RememberingManager["ScheduleException"]()

    class Meta:
        db_table = "schedule_exception"
        ordering = ["start_date", "id"]
        indexes = [models.Index(fields=["clinic", "end_date"], name="schedule_exception_clinic")]
        constraints = [
            models.CheckConstraint(condition=Q(start_date__lte=F("end_date")), name="schedule_exception_dates"),
            models.CheckConstraint(
                condition=Q(closed=True, start_local__isnull=True, end_local__isnull=True)
                | Q(start_local__isnull=False, end_local__isnull=False),
                name="schedule_exception_hours_or_closed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.start_date} to {self.end_date}"


class Hold(models.Model):
    """A claim on time that expires. It blocks its interval until it is booked, released or past `expires_at`."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="holds")
    practitioner = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="holds")
    service = models.ForeignKey(Service, null=True, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    token = models.CharField(max_length=43, unique=True, db_collation="utf8mb4_bin")
    # Empty for what the clinic itself keeps for somebody: that counts against no visitor's limit.
    address_hash = models.CharField(max_length=64, default="", db_default="", editable=False)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    blocked_from = models.DateTimeField()
    blocked_until = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    created_at = models.DateTimeField()

    objects = RememberingManager["Hold"]()

    class Meta:
        db_table = "hold"
        indexes = [models.Index(fields=["practitioner", "expires_at"], name="hold_practitioner_expiry")]

    def __str__(self) -> str:
        return f"hold {self.pk}"


class ClaimedCell(models.Model):
    """Five minutes of a practitioner that an active appointment or a live hold blocks.

    Written by triggers on those two tables alone. The primary key is what makes an overlap impossible,
    whoever writes: a second claim of a cell is error 1062.
    """

    pk = models.CompositePrimaryKey("practitioner_id", "starts_at")
    practitioner = models.ForeignKey(Practitioner, on_delete=models.DO_NOTHING, db_index=False, related_name="+")
    starts_at = models.DateTimeField()
    appointment_id = models.BigIntegerField(null=True)
    hold_id = models.BigIntegerField(null=True)

    objects = RememberingManager["ClaimedCell"]()

    class Meta:
        db_table = "claimed_cell"
        indexes = [models.Index(fields=["starts_at"], name="claimed_cell_starts_at")]

    def __str__(self) -> str:
        return f"{self.practitioner_id} {self.starts_at:%Y-%m-%d %H:%M}"
