from typing import Any

from django.conf import settings
from django.db import models


class Channel(models.TextChoices):
    SMS = "sms"
    EMAIL = "email"
    IN_APP = "in_app"


class State(models.TextChoices):
    QUEUED = "queued"
    HELD = "held"  # It was due when a backup was restored: an operator releases or drops it.
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"  # The provider says that it can never be delivered.
    DEAD = "dead"  # Tried too often, or its time has passed.
    CANCELLED = "cancelled"


class Message(models.Model):
    """Something to be told to somebody: the queue and the log in one.

    Written in the transaction of what it tells, sent by the worker. One of channel `in_app` that is delivered is a
    notification: its user sees it in their list and on their stream. `due_at` is when a worker may take it next: its
    `send_at` at first, then the end of a lease or of a pause; empty once nothing more is to be done.
    """

    clinic = models.ForeignKey(
        "scheduling.Clinic", null=True, on_delete=models.PROTECT, related_name="+", help_text="none: an administrator's"
    )
    channel = models.CharField(max_length=8, choices=Channel.choices)
    template = models.CharField(max_length=40)
    recipient = models.CharField(max_length=254, help_text="an e-mail address, or a phone in E.164")
    fallback_recipient = models.EmailField(
        blank=True, default="", db_default="", help_text="of an SMS: who gets a mail if the phone wants no SMS"
    )
    instead = models.JSONField(null=True, help_text="of an SMS: the words of that mail, as Words holds them")
    user = models.ForeignKey("accounts.User", null=True, on_delete=models.SET_NULL, related_name="+")
    # No constraint: the log outlives its appointment.
    appointment = models.ForeignKey(
        "appointments.Appointment",
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="messages",
    )
    # The same thing is never queued twice. Of empty ones there may be many, which an empty string could not.
    unique_key = models.CharField(  # noqa: DJ001
        max_length=120, null=True, unique=True, db_collation="utf8mb4_bin"
    )
    subject = models.CharField(max_length=200, blank=True, default="")
    body = models.TextField(blank=True, default="")
    language = models.CharField(max_length=7, default="en", db_default="en", help_text="of its words")
    attachment = models.JSONField(null=True, help_text="of a mail: what Attachment holds")
    secret = models.BooleanField(default=False, help_text="holds a code or token: the body is blanked when done")
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    failures = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="attempts that came to an end; the others' workers were killed"
    )
    perhaps_sent = models.BooleanField(
        default=False, db_default=False, help_text="an attempt without a clear answer: never called cancelled"
    )
    withdrawn = models.BooleanField(
        default=False, db_default=False, help_text="while a worker had it: if it has not gone out by now, it does not"
    )
    provider_id = models.CharField(max_length=64, blank=True, default="", db_index=True)
    error = models.CharField(max_length=500, blank=True, default="")
    sms_day = models.DateField(
        null=True, help_text="of an SMS: the clinic's day in which it was counted, or refused by a limit"
    )
    refusal = models.CharField(
        max_length=12, blank=True, default="", db_default="", help_text="of an SMS: our own reason against it"
    )
    created_at = models.DateTimeField()
    send_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, db_index=True)
    expires_at = models.DateTimeField(null=True, help_text="not worth sending after this")
    sent_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True, help_text="a notification's: when its user had seen it")
    reported_at = models.DateTimeField(null=True, help_text="when the clinic was told that it cannot be delivered")

    # What its words are made of, until they are; not kept.
    context: dict[str, Any]
    # Of an SMS that a worker has taken; not kept.
    is_unwanted: bool

    class Meta:
        db_table = "message"
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["clinic", "created_at"], name="message_clinic_created"),
            models.Index(fields=["clinic", "state", "created_at"], name="message_clinic_state"),
            models.Index(fields=["user", "channel", "sent_at"], name="message_user_sent"),
            models.Index(fields=["user", "channel", "read_at"], name="message_user_read"),
            models.Index(fields=["appointment", "state"], name="message_appointment"),
        ]
        constraints = [
            # A notification begins when it is delivered: lists are in this order.
            models.CheckConstraint(
                condition=~models.Q(channel=Channel.IN_APP, state=State.DELIVERED) | models.Q(sent_at__isnull=False),
                name="message_shown_since",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.template} {self.pk}"


class MessageTemplate(models.Model):
    """A clinic's own words for one kind of message, with `{names}` for what is told. Written by `set_wording` alone."""

    clinic = models.ForeignKey("scheduling.Clinic", on_delete=models.CASCADE, related_name="+")
    template = models.CharField(max_length=40)
    channel = models.CharField(max_length=8, choices=Channel.choices)
    language = models.CharField(max_length=7, choices=settings.LANGUAGES)
    subject = models.CharField(
        max_length=200, blank=True, default="", help_text="of a mail, and what a notification is called"
    )
    body = models.TextField()
    version = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "message_template"
        verbose_name = "wording"
        ordering = ["template", "channel", "language"]
        constraints = [
            models.UniqueConstraint(fields=["clinic", "template", "channel", "language"], name="message_template_once")
        ]

    def __str__(self) -> str:
        return f"{self.template}, {self.channel}, {self.language}"


class OptOut(models.Model):
    """A phone whose owner wants no SMS: they said STOP, or the provider says that they did."""

    channel = models.CharField(max_length=8, choices=Channel.choices)
    recipient = models.CharField(max_length=254)
    source = models.CharField(max_length=20, help_text="how it came to be known")
    at = models.DateTimeField()

    class Meta:
        db_table = "opt_out"
        ordering = ["-at", "-id"]
        constraints = [models.UniqueConstraint(fields=["channel", "recipient"], name="opt_out_once")]

    def __str__(self) -> str:
        return f"{self.recipient} wants no {self.channel}"


class DeliveryCount(models.Model):
    """How many attempts of the workers have ended so, since the beginning: for the metrics."""

    channel = models.CharField(max_length=8, choices=Channel.choices)
    end = models.CharField(
        max_length=10, help_text="the state it led to; later: tried again; lost: not kept; limited: refused by a limit"
    )
    count = models.PositiveBigIntegerField()

    class Meta:
        db_table = "delivery_count"
        ordering = ["channel", "end"]
        constraints = [models.UniqueConstraint(fields=["channel", "end"], name="delivery_count_once")]

    def __str__(self) -> str:
        return f"{self.channel} {self.end}: {self.count}"
