from django.db import models

from clinic.messaging.replies import Intent

INTENT_CHOICES = [(intent.value, intent.value) for intent in Intent]


class InboundMessage(models.Model):
    """An SMS that came in, and what was answered: the log, and what keeps one from having its effect twice."""

    # Of whose appointment it is; empty where it is nobody's.
    clinic = models.ForeignKey("scheduling.Clinic", null=True, on_delete=models.PROTECT, related_name="+")
    provider_id = models.CharField(
        max_length=64, unique=True, db_collation="ascii_bin", help_text="Twilio's MessageSid"
    )
    sender = models.CharField(max_length=64, help_text="as the provider writes it: E.164, or a name")
    recipient = models.CharField(max_length=64)
    body = models.TextField(blank=True)
    intent = models.CharField(max_length=8, choices=INTENT_CHOICES, default=Intent.UNKNOWN.value)
    # No constraint: the log outlives its appointment.
    appointment = models.ForeignKey(
        "appointments.Appointment", null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    outcome = models.CharField(max_length=40, blank=True, default="", help_text="done, or why not: an error's code")
    answer = models.TextField(blank=True, default="")
    answer_refusal = models.CharField(
        max_length=12, blank=True, default="", db_default="", help_text="why the answer was not sent: a limit, or such"
    )
    received_at = models.DateTimeField()
    phone = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text="the sender's number as the clinic's records have it",
    )
    for_desk = models.BooleanField(default=False, db_default=False, help_text="a person has to read it")
    settled_at = models.DateTimeField(null=True, help_text="of one for the desk: when it was answered or put aside")
    settled_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    # An id, as outbox messages refer to this table already.
    settled_by_reply = models.BigIntegerField(null=True, help_text="the message that answered it; empty: put aside")

    class Meta:
        db_table = "inbound_message"
        ordering = ["-received_at", "-id"]
        indexes = [
            models.Index(fields=["clinic", "received_at"], name="inbound_clinic_received"),
            models.Index(fields=["sender", "received_at"], name="inbound_sender_received"),
            models.Index(fields=["clinic", "phone", "received_at"], name="inbound_clinic_phone"),
            models.Index(fields=["clinic", "for_desk", "settled_at"], name="inbound_clinic_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.intent} from {self.sender}"
