from django.db import models
from django.db.models import Case, F, Q, Value, When

from clinic.accounts.models import User
from clinic.appointments.lifecycle import ACTIVE_STATUSES, Status
from clinic.appointments.recurrence import Frequency
from clinic.common.statements import RememberingManager
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic, Practitioner, Service

ACTIVE = sorted(status.value for status in ACTIVE_STATUSES)
FREQUENCY_CHOICES = [(frequency.value, frequency.value) for frequency in Frequency]
STATUS_CHOICES = [(status.value, status.value.replace("_", " ")) for status in Status]


class Source(models.TextChoices):
    DESK = "desk"
    PATIENT = "patient"
    GUEST = "guest"
    WAITLIST = "waitlist"
    SERIES = "series"
    DEMO = "demo"


class Series(models.Model):
    """Appointments by a rule: the same wall time on every date of it.

    It tells how its appointments were last agreed; each of them may have been moved or cancelled since.
    """

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="series")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="series")
    practitioner = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="series")
    service = models.ForeignKey(Service, null=True, blank=True, on_delete=models.PROTECT, related_name="series")
    frequency = models.CharField(max_length=8, choices=FREQUENCY_CHOICES)
    count = models.PositiveSmallIntegerField(null=True, blank=True)
    until = models.DateField(null=True, blank=True, help_text="the last date, included")
    weekdays = models.JSONField(default=list, blank=True, help_text="0 = Monday; empty: the first date's")
    first_date = models.DateField()
    start_local = models.TimeField(help_text="the clinic's wall time on every date")
    notes = models.TextField(blank=True, default="", max_length=4000)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "series"
        ordering = ["id"]
        verbose_name_plural = "series"
        constraints = [
            models.CheckConstraint(
                condition=Q(count__isnull=False, until__isnull=True) | Q(count__isnull=True, until__isnull=False),
                name="series_count_or_until",
            ),
        ]

    def __str__(self) -> str:
        return f"series {self.pk}"


class Appointment(models.Model):
    """Time of one practitioner for one patient.

    `blocked_from` and `blocked_until` add the service's buffers. Status and times change through services alone;
    whoever else writes them is still held by the claimed cells and seen by the feed.
    """

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="appointments")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="appointments")
    practitioner = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="appointments")
    service = models.ForeignKey(Service, null=True, blank=True, on_delete=models.PROTECT, related_name="appointments")
    series = models.ForeignKey(
        "Series", null=True, blank=True, editable=False, on_delete=models.PROTECT, related_name="appointments"
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    blocked_from = models.DateTimeField()
    blocked_until = models.DateTimeField()
    local_date = models.DateField(help_text="the clinic's date of starts_at")
    utc_offset_minutes = models.SmallIntegerField(
        null=True,
        editable=False,
        help_text="the clinic's offset from UTC at starts_at, by the zone rules at the time of booking; empty: unknown",
    )
    status = models.CharField(max_length=12, choices=STATUS_CHOICES)
    attendance_confirmed_at = models.DateTimeField(null=True, blank=True)
    checked_in_at = models.DateTimeField(null=True, blank=True)
    notes = models.TextField(blank=True, default="", max_length=4000)
    cancel_reason = models.CharField(max_length=500, blank=True, default="")
    source = models.CharField(max_length=12, choices=Source.choices)
    reference = models.CharField(  # noqa: DJ001 - unique: many rows may have none, but not the same
        max_length=32,
        null=True,
        unique=True,
        editable=False,
        db_collation="utf8mb4_bin",
        help_text="by which a guest sees and cancels it",
    )
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    # One value for what is active, so that an index finds the next appointments in order, past any number of old ones.
    is_active = models.GeneratedField(
        expression=Case(When(status__in=ACTIVE, then=Value(1)), default=Value(0)),
        output_field=models.SmallIntegerField(),
        db_persist=True,
    )

    objects = RememberingManager["Appointment"]()

    class Meta:
        db_table = "appointment"
        ordering = ["starts_at", "id"]
        indexes = [
            models.Index(fields=["clinic", "local_date", "status"], name="appointment_clinic_date"),
            models.Index(fields=["clinic", "status", "starts_at"], name="appointment_clinic_status"),
            models.Index(fields=["clinic", "starts_at"], name="appointment_clinic_start"),
            models.Index(fields=["practitioner", "starts_at"], name="appointment_practitioner_start"),
            models.Index(fields=["patient", "starts_at"], name="appointment_patient_start"),
            models.Index(fields=["clinic", "is_active", "starts_at", "id", "status"], name="appointment_clinic_active"),
            models.Index(fields=["practitioner", "is_active", "starts_at"], name="appointment_pract_active"),
            models.Index(fields=["practitioner", "local_date", "status"], name="appointment_pract_date"),
            # The newest booking of each practitioner, for the fair choice.
            models.Index(fields=["practitioner", "created_at"], name="appointment_pract_created"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_at__lt=F("ends_at"), blocked_from__lte=F("starts_at"))
                & Q(blocked_until__gte=F("ends_at")),
                name="appointment_times_in_order",
            ),
            models.CheckConstraint(
                condition=Q(status__in=[status.value for status in Status]), name="appointment_status_known"
            ),
        ]

    def __str__(self) -> str:
        return f"appointment {self.pk}"


class ActorKind(models.TextChoices):
    USER = "user"
    GUEST = "guest"
    PATIENT_SMS = "patient_sms"
    SYSTEM = "system"
    WAITLIST = "waitlist"
    ADMIN = "admin"


class Channel(models.TextChoices):
    API = "api"
    ADMIN = "admin"
    PORTAL = "portal"
    SMS = "sms"
    WORKER = "worker"
    COMMAND = "command"


class AppointmentEvent(models.Model):
    """One line of an appointment's history. Append-only; `snapshot` is the row after the change, so that the
    history of a deleted appointment can still be told."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    # No constraint: the history outlives its appointment.
    appointment = models.ForeignKey(
        Appointment, on_delete=models.DO_NOTHING, db_constraint=False, related_name="events"
    )
    action = models.CharField(max_length=20)
    from_status = models.CharField(max_length=12, blank=True, default="")
    to_status = models.CharField(max_length=12, blank=True, default="")
    from_starts_at = models.DateTimeField(null=True)
    to_starts_at = models.DateTimeField(null=True)
    actor = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    actor_name = models.CharField(max_length=120, blank=True, default="")
    actor_kind = models.CharField(max_length=12, choices=ActorKind.choices)
    channel = models.CharField(max_length=12, choices=Channel.choices)
    reason = models.CharField(max_length=500, blank=True, default="")
    at = models.DateTimeField()
    snapshot = models.JSONField()

    objects = RememberingManager["AppointmentEvent"]()

    class Meta:
        db_table = "appointment_event"
        ordering = ["at", "id"]
        indexes = [models.Index(fields=["clinic", "at"], name="appointment_event_clinic_at")]

    def __str__(self) -> str:
        return f"{self.action} {self.appointment_id}"
