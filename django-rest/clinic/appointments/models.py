from django.db import models
from django.db.models import Case, F, Func, Q, Value, When
from django.db.models.functions import Cast

from clinic.accounts.models import User
from clinic.appointments.calendar_uids import new_calendar_uid
from clinic.appointments.lifecycle import ACTIVE_STATUSES, Status
from clinic.appointments.recurrence import Frequency
from clinic.appointments.references import new_reference, reference_by_the_database
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic, Practitioner, Service

ACTIVE = sorted(status.value for status in ACTIVE_STATUSES)
FREQUENCY_CHOICES = [(frequency.value, frequency.value) for frequency in Frequency]
# Numbers of statuses, as they stand in rows: never changed, only added to.
LIST_GROUPS = {
    Status.PENDING: 0,
    Status.CONFIRMED: 1,
    Status.CHECKED_IN: 2,
    Status.COMPLETED: 3,
    Status.NO_SHOW: 4,
    Status.CANCELLED: 5,
    Status.REJECTED: 6,
}
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
    former = models.JSONField(null=True, editable=False, help_text="values before the newest step, to undo it")
    last_step = models.CharField(max_length=22, blank=True, default="", db_default="", editable=False)
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
    arrived_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="by the patient: I am here")
    called_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="please come in")
    requested_start = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="to which the patient asks the desk to move it"
    )
    room = models.CharField(max_length=60, blank=True, default="", db_default="", help_text="into which it is called")
    notes = models.TextField(blank=True, default="", max_length=4000)
    request_note = models.CharField(
        max_length=1000,
        blank=True,
        default="",
        db_default="",
        help_text="the patient's own words at booking, which both sides see",
    )
    cancel_reason = models.CharField(max_length=500, blank=True, default="")
    deleted_at = models.DateTimeField(
        null=True, editable=False, help_text="by the clinic, which no longer sees it; its patient sees it as cancelled"
    )
    source = models.CharField(max_length=12, choices=Source.choices)
    reference = models.CharField(
        max_length=32,
        unique=True,
        editable=False,
        default=new_reference,
        db_default=reference_by_the_database(),
        db_collation="utf8mb4_bin",
        help_text="in the address by which it is seen, moved and cancelled without signing in",
    )
    calendar_uid = models.CharField(
        max_length=255,
        unique=True,
        editable=False,
        default=new_calendar_uid,
        db_default=Func(function="UUID"),
        db_collation="utf8mb4_bin",
        help_text="by which calendars know it, for good",
    )
    allow_overlap = models.BooleanField(
        default=False, db_default=False, help_text="the desk lets it overlap other visits of the same patient"
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

    # The status as a number, for the indexes of lists; empty for what the clinic has deleted.
    list_group = models.GeneratedField(
        expression=Case(
            When(deleted_at__isnull=False, then=Value(None)),
            *(When(status=status.value, then=Value(number)) for status, number in LIST_GROUPS.items()),
        ),
        output_field=models.SmallIntegerField(null=True),
        db_persist=True,
    )

    class Meta:
        db_table = "appointment"
        ordering = ["starts_at", "id"]
        indexes = [
            # Each order of a list, of all visits and of one practitioner's: see `lists.py`.
            *(
                models.Index(fields=[lead, "list_group", column], name=f"appointment_{short}_by_{end}")
                for lead, short in (("clinic", "clinic"), ("practitioner", "pract"))
                for column, end in (("starts_at", "start"), ("created_at", "creation"), ("updated_at", "change"))
            ),
            # Those that lists, counts and statistics read alone hold `deleted_at` too.
            models.Index(fields=["clinic", "local_date", "status", "deleted_at"], name="appointment_clinic_date"),
            models.Index(fields=["clinic", "status", "starts_at", "deleted_at"], name="appointment_clinic_status"),
            models.Index(fields=["clinic", "starts_at"], name="appointment_clinic_start"),
            models.Index(fields=["practitioner", "starts_at"], name="appointment_practitioner_start"),
            models.Index(fields=["patient", "starts_at"], name="appointment_patient_start"),
            models.Index(
                fields=["clinic", "is_active", "starts_at", "id", "status", "deleted_at"],
                name="appointment_clinic_active",
            ),
            models.Index(fields=["practitioner", "is_active", "starts_at"], name="appointment_pract_active"),
            models.Index(fields=["practitioner", "local_date", "status", "deleted_at"], name="appointment_pract_date"),
            # The patients of a practitioner.
            models.Index(fields=["practitioner", "patient"], name="appointment_pract_patient"),
            # Moves that patients ask for, however far ahead: of most visits it is empty.
            models.Index(fields=["clinic", "requested_start"], name="appointment_clinic_asked"),
            # The newest booking of each practitioner, for the fair choice.
            models.Index(fields=["practitioner", "created_at"], name="appointment_pract_created"),
            # Of all clinics: what the worker finds due.
            models.Index(fields=["status", "starts_at"], name="appointment_status_start"),
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
            models.CheckConstraint(
                condition=Q(deleted_at__isnull=True) | Q(status=Status.CANCELLED),
                name="appointment_deleted_is_cancelled",
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


def _number_in_snapshot(name: str) -> "models.GeneratedField":
    found = Func(F("snapshot"), Value(f"$.{name}"), function="JSON_EXTRACT")
    return models.GeneratedField(
        expression=Cast(found, models.BigIntegerField()), output_field=models.BigIntegerField(), db_persist=True
    )


class AppointmentEvent(models.Model):
    """One line of an appointment's history. Append-only; `snapshot` is the row after the change, so that the
    history of a deleted appointment can still be told, and `former` holds the values before it of the changed columns.
    """

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
    # Of the snapshot, so that an index finds what is asked for by patient or practitioner.
    patient_id = _number_in_snapshot("patient_id")
    practitioner_id = _number_in_snapshot("practitioner_id")
    former = models.JSONField(null=True)
    step = models.CharField(
        max_length=22,
        blank=True,
        default="",
        db_default="",
        db_index=True,
        db_collation="utf8mb4_bin",
        help_text="the same for all that was changed in one step, of several appointments too",
    )

    class Meta:
        db_table = "appointment_event"
        ordering = ["at", "id"]
        indexes = [
            models.Index(fields=["clinic", "at"], name="appointment_event_clinic_at"),
            models.Index(fields=["clinic", "action", "at"], name="appointment_event_clinic_act"),
            models.Index(fields=["practitioner_id", "action", "at"], name="appointment_event_pract_act"),
            models.Index(fields=["patient_id", "at"], name="appointment_event_patient"),
            models.Index(fields=["practitioner_id", "at"], name="appointment_event_pract"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.appointment_id}"
