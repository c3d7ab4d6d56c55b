from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Value, When


class DeliveryChannel(models.TextChoices):
    SMS = "sms"
    EMAIL = "email"
    IN_APP = "in_app"
    PUSH = "push"


class MessageKind(models.TextChoices):
    """The purpose of a message, whatever its words are."""

    CHANGE = "change"  # To the patient: what has become of a visit.
    REMINDER = "reminder"
    DAY = "day"  # To the patient, on the day itself: running late, next, please come in.
    OFFER = "offer"  # A time that the waitlist offers.
    REPLY = "reply"  # The desk's own words, to who wrote an SMS.
    CLINIC = "clinic"  # To the clinic's people: what has become of a visit.
    DESK = "desk"  # To the desk, about messages: not delivered, not understood, a limit reached.
    ACCOUNT = "account"  # Codes, links and invitations.


# News of a visit: no longer true once the visit changes.
ABOUT_VISIT = (MessageKind.CHANGE, MessageKind.REMINDER, MessageKind.DAY)


class MessageState(models.TextChoices):
    QUEUED = "queued"
    HELD = "held"  # It was due when a backup was restored: an operator releases or drops it.
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"  # The provider says that it can never be delivered.
    DEAD = "dead"  # Tried too often, or its time has passed.
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class VisitVersion:
    """An appointment as a message tells it; without a version where that is not known."""

    appointment_id: int
    version: int | None


class Message(models.Model):
    """Something to be told to somebody: the queue and the log in one.

    Written in the transaction of what it tells, sent by the worker. One of channel `in_app` that is delivered is a
    notification: its user sees it in their list and on their stream. `due_at` is when a worker may take it next: its
    `send_at` at first, then the end of a lease or of a pause; empty once nothing more is to be done.
    """

    clinic = models.ForeignKey(
        "scheduling.Clinic", null=True, on_delete=models.PROTECT, related_name="+", help_text="none: an administrator's"
    )
    channel = models.CharField(max_length=8, choices=DeliveryChannel.choices)
    template = models.CharField(max_length=40, help_text="its words")
    kind = models.CharField(
        max_length=8,
        choices=MessageKind.choices,
        blank=True,
        default="",
        db_default="",
        help_text="empty: of an earlier version, and not known",
    )
    cause = models.CharField(
        max_length=24,
        blank=True,
        default="",
        db_default="",
        help_text="the news of a visit, as `catalogue.News` names it; empty where the kind says enough",
    )
    recipient = models.CharField(
        max_length=254, help_text="an e-mail address, a phone in E.164, or the id of a push subscription"
    )
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
    appointment_version = models.PositiveIntegerField(
        null=True, help_text="of the appointment as it is told; empty: not known"
    )
    # No constraint, as above.
    offer = models.ForeignKey(
        "waitlist.WaitlistOffer", null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="messages"
    )
    # No constraint, as above.
    received = models.ForeignKey(
        "messaging.InboundMessage",
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="replies",
        help_text="of a reply: the SMS that it answers",
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
    state = models.CharField(max_length=10, choices=MessageState.choices, default=MessageState.QUEUED)
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
    step = models.CharField(
        max_length=22,
        blank=True,
        default="",
        db_default="",
        db_index=True,
        db_collation="utf8mb4_bin",
        help_text="the change of appointments that it tells of, as in their history",
    )
    withdrawn_by = models.CharField(
        max_length=22,
        blank=True,
        default="",
        db_default="",
        db_index=True,
        db_collation="utf8mb4_bin",
        help_text="the step that made it untrue: undone, it is sent after all",
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
    # When it was written, if a person has to see to it: it could not be delivered and the clinic was not told, or an
    # operator has to release it. Empty of nearly all, so that an index finds the few.
    unsettled_since = models.GeneratedField(
        expression=Case(
            When(state="held", then=F("created_at")),
            When(
                state__in=("dead", "failed"),
                reported_at__isnull=True,
                channel__in=("sms", "email"),
                then=F("created_at"),
            ),
            default=Value(None),
        ),
        output_field=models.DateTimeField(null=True),
        db_persist=False,
    )

    # Values for its words until these are rendered; not kept.
    context: dict[str, Any]
    # Of an SMS that a worker has taken; not kept.
    is_unwanted: bool
    # Of one about several appointments, until it is written: the others than `appointment`, as MessageVisit keeps them.
    further_visits: Sequence[VisitVersion] = ()

    class Meta:
        db_table = "message"
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["clinic", "created_at"], name="message_clinic_created"),
            # Each order of a list: see `messaging/lists.py`.
            models.Index(fields=["clinic", "channel", "state", "created_at"], name="message_clinic_found"),
            models.Index(fields=["clinic", "recipient", "created_at"], name="message_clinic_recipient"),
            models.Index(fields=["user", "channel", "sent_at"], name="message_user_sent"),
            models.Index(fields=["user", "channel", "read_at"], name="message_user_read"),
            models.Index(fields=["appointment", "state"], name="message_appointment"),
            models.Index(fields=["unsettled_since"], name="message_unsettled"),
        ]
        constraints = [
            # A notification begins when it is delivered: lists are in this order.
            models.CheckConstraint(
                condition=~models.Q(channel=DeliveryChannel.IN_APP, state=MessageState.DELIVERED)
                | models.Q(sent_at__isnull=False),
                name="message_shown_since",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.template} {self.pk}"

    @property
    def visit(self) -> VisitVersion | None:
        return None if self.appointment_id is None else VisitVersion(self.appointment_id, self.appointment_version)


class MessageVisit(models.Model):
    """A further appointment of a message about several: the first stands in the message itself."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="visits")
    # No constraint: the log outlives its appointment.
    appointment = models.ForeignKey(
        "appointments.Appointment", on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    version = models.PositiveIntegerField(null=True, help_text="as `appointment_version` of the message")

    class Meta:
        db_table = "message_visit"
        constraints = [models.UniqueConstraint(fields=["message", "appointment"], name="message_visit_once")]

    def __str__(self) -> str:
        return f"{self.message_id}: {self.appointment_id}"


class MessageTemplate(models.Model):
    """A clinic's own words for one kind of message, with `{names}` for what is told. Written by `set_wording` alone."""

    clinic = models.ForeignKey("scheduling.Clinic", on_delete=models.CASCADE, related_name="+")
    template = models.CharField(max_length=40)
    channel = models.CharField(max_length=8, choices=DeliveryChannel.choices)
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


class PushSubscription(models.Model):
    """A browser that wants web push: of an account, or of a visit whose reference its reader has."""

    user = models.ForeignKey("accounts.User", null=True, on_delete=models.CASCADE, related_name="+")
    # No constraint: an appointment may be deleted before it.
    appointment = models.ForeignKey(
        "appointments.Appointment", null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    # Ends with the sign-in of the browser that asked; empty: of none.
    sign_in = models.CharField(max_length=32, blank=True, default="", db_default="", db_index=True)
    endpoint = models.CharField(max_length=1000)
    # Of whose it is and the endpoint.
    unique_hash = models.CharField(max_length=64, unique=True, db_collation="ascii_bin")
    p256dh = models.CharField(max_length=100, help_text="the browser's public key, base64url")
    auth = models.CharField(max_length=40, help_text="base64url")
    device = models.CharField(max_length=60, blank=True, default="", db_default="")
    created_at = models.DateTimeField()

    class Meta:
        db_table = "push_subscription"
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"push subscription {self.pk}"


class OptOut(models.Model):
    """A phone whose owner wants no SMS: they said STOP, or the provider says that they did."""

    channel = models.CharField(max_length=8, choices=DeliveryChannel.choices)
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

    channel = models.CharField(max_length=8, choices=DeliveryChannel.choices)
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
