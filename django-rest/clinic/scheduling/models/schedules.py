"""Working hours, exceptions to them, absences and delays."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from clinic.common.models import Versioned
from clinic.scheduling.models.clinics import Clinic
from clinic.scheduling.models.practitioners import Practitioner

MAX_EVERY_WEEKS = 8


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


class AbsenceState(models.TextChoices):
    REQUESTED = "requested"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class Absence(Versioned):
    """Time off that a practitioner asks for. Approved, it becomes a schedule exception; without times, whole days."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="absences")
    practitioner = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="absences")
    start_date = models.DateField()
    end_date = models.DateField(help_text="the last day, included")
    start_local = models.TimeField(null=True, blank=True)
    end_local = models.TimeField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=9, choices=AbsenceState.choices, default=AbsenceState.REQUESTED)
    requested_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    answer = models.CharField(max_length=200, blank=True, help_text="of the desk, for the practitioner to read")
    exception = models.ForeignKey(ScheduleException, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        db_table = "absence"
        ordering = ["start_date", "id"]
        indexes = [models.Index(fields=["clinic", "state", "start_date"], name="absence_clinic_state")]
        constraints = [
            models.CheckConstraint(condition=Q(start_date__lte=F("end_date")), name="absence_dates"),
            models.CheckConstraint(
                condition=Q(start_local__isnull=True, end_local__isnull=True)
                | Q(start_local__isnull=False, end_local__isnull=False),
                name="absence_times_together",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.start_date} to {self.end_date}"


class Delay(models.Model):
    """How late a practitioner runs on one day of the clinic. No visit moves."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="delays")
    practitioner = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="delays")
    local_date = models.DateField()
    minutes = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "delay"
        ordering = ["local_date", "id"]
        indexes = [models.Index(fields=["clinic", "local_date"], name="delay_clinic_date")]
        constraints = [
            models.UniqueConstraint(fields=["practitioner", "local_date"], name="delay_once_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.minutes} min on {self.local_date}"
