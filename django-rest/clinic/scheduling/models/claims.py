"""Claimed time: holds and cells."""

from django.db import models

from clinic.scheduling.models.clinics import Clinic
from clinic.scheduling.models.practitioners import Practitioner, Service


class Hold(models.Model):
    """A claim on time that expires. It blocks its interval until it is booked, released or past `expires_at`."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="holds")
    practitioner = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="holds")
    service = models.ForeignKey(Service, null=True, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    token = models.CharField(max_length=43, unique=True, db_collation="utf8mb4_bin")
    # Empty for what the clinic itself keeps for somebody: that counts against no visitor's limit.
    address_hash = models.CharField(max_length=64, default="", db_default="", editable=False)
    kept_for_undo = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="time that the clinic freed, until this can no longer be undone; the desk may book it",
    )
    renewed = models.BooleanField(default=False, db_default=False, editable=False)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    blocked_from = models.DateTimeField()
    blocked_until = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "hold"
        indexes = [models.Index(fields=["practitioner", "expires_at"], name="hold_practitioner_expiry")]

    def __str__(self) -> str:
        return f"hold {self.pk}"

    @property
    def is_renewable(self) -> bool:
        """Whether its holder can make it last longer: a visitor's, once."""
        return self.address_hash != "" and not self.renewed


class CellKind(models.TextChoices):
    """The kind of owner of a cell."""

    PRACTITIONER = "practitioner"
    PATIENT = "patient"


class ClaimedCell(models.Model):
    """Five minutes of a practitioner or of a patient that an active appointment or a live hold claims.

    Written by triggers on those two tables alone. The primary key is what makes an overlap impossible,
    whoever writes: a second claim of a cell is error 1062. A practitioner's time includes the buffers. A hold claims no
    patient's time, nor does an appointment that may overlap.
    """

    pk = models.CompositePrimaryKey("kind", "owner_id", "starts_at")
    kind = models.CharField(max_length=12, choices=CellKind.choices, db_collation="utf8mb4_bin")
    owner_id = models.BigIntegerField(help_text="of the practitioner or patient, without a foreign key")
    starts_at = models.DateTimeField()
    appointment_id = models.BigIntegerField(null=True)
    hold_id = models.BigIntegerField(null=True)

    class Meta:
        db_table = "claimed_cell"
        indexes = [models.Index(fields=["starts_at"], name="claimed_cell_starts_at")]

    def __str__(self) -> str:
        return f"{self.kind} {self.owner_id} {self.starts_at:%Y-%m-%d %H:%M}"
