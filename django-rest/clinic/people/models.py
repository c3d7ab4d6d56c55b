from django.conf import settings
from django.db import models
from django.utils import timezone

from clinic.accounts.models import User, phone_extension_field
from clinic.accounts.phones import Phone
from clinic.common.models import Versioned
from clinic.common.names import validate_person_name
from clinic.scheduling.models import Clinic

# Patients and phone codes began in `clinic.appointments`. Their label stays: migrations, content types, permissions and
# the admin's addresses are named by it, and installations have them stored.
APP_LABEL = "appointments"

# Of a patient: the fields of what they want to be told.
PREFERENCES = ("language", "wants_sms", "wants_email", "wants_reminders")

MAX_ALERT_LENGTH = 500


class Patient(Versioned):
    """A person who is treated. Guests have no user; families share a phone, so it is not unique."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="patients")
    user = models.OneToOneField(User, null=True, blank=True, on_delete=models.PROTECT, related_name="patient")
    name = models.CharField(max_length=120, validators=[validate_person_name])
    email = models.EmailField(blank=True, default="")
    phone = models.CharField(max_length=20, blank=True, default="", help_text="E.164")
    phone_extension = phone_extension_field()
    birth_date = models.DateField(null=True, blank=True)
    alert = models.CharField(
        max_length=MAX_ALERT_LENGTH,
        blank=True,
        default="",
        db_default="",
        help_text="shown first, to the clinic alone: an allergy, a need for help",
    )
    language = models.CharField(
        max_length=7,
        blank=True,
        default="",
        db_default="",
        choices=settings.LANGUAGES,
        help_text="of what they are told; empty: the clinic's",
    )
    wants_sms = models.BooleanField(default=True, db_default=True)
    wants_email = models.BooleanField(default=True, db_default=True)
    wants_reminders = models.BooleanField(default=True, db_default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)  # noqa: TID251 - the migrations name it

    class Meta:
        app_label = APP_LABEL
        db_table = "patient"
        ordering = ["name", "id"]
        indexes = [
            models.Index(fields=["clinic", "phone"], name="patient_clinic_phone"),
            # In the order of a list, with all that a search looks into: found without touching the rows.
            models.Index(fields=["clinic", "name", "id", "email", "phone"], name="patient_clinic_found"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def whole_phone(self) -> Phone:
        return Phone(self.phone, self.phone_extension)


class FamilyMember(models.Model):
    """A record that an account books for, beside its own. The record stays its person's."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="family")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="family_of")
    created_at = models.DateTimeField()

    class Meta:
        db_table = "family_member"
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["user", "patient"], name="family_member_once")]

    def __str__(self) -> str:
        return f"family member {self.pk}"


class DistinctPatients(models.Model):
    """Two records of which the desk has said that they are two people. `patient` has the lower id."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    # No constraint and no reverse relation: the row means nothing once one of the two is gone.
    patient = models.ForeignKey(Patient, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    other = models.ForeignKey(Patient, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    actor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        db_table = "distinct_patients"
        constraints = [models.UniqueConstraint(fields=["patient", "other"], name="distinct_patients_once")]

    def __str__(self) -> str:
        return f"{self.patient_id} and {self.other_id}"


class PhoneCode(models.Model):
    """Six digits sent to a phone. Who names them has the phone; the newest of a number alone holds."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    phone = models.CharField(max_length=20, help_text="E.164")
    code_hash = models.CharField(max_length=64)
    wrong_tries = models.PositiveSmallIntegerField(default=0)
    address = models.CharField(max_length=45, help_text="who asked for it")
    created_at = models.DateTimeField(db_index=True)
    expires_at = models.DateTimeField()

    class Meta:
        app_label = APP_LABEL
        db_table = "phone_code"
        indexes = [
            models.Index(fields=["clinic", "phone", "created_at"], name="phone_code_phone"),
            models.Index(fields=["address", "created_at"], name="phone_code_address"),
        ]

    def __str__(self) -> str:
        return f"phone code {self.pk}"


class PatientAction(models.TextChoices):
    LINK = "link"
    UNLINK = "unlink"
    MERGE = "merge"
    JOIN_FAMILY = "join_family", "Join family"
    LEAVE_FAMILY = "leave_family", "Leave family"


class PatientEvent(models.Model):
    """One line of the history of a patient's record: whose account it became, what became part of it. Append-only.

    A merge is in the histories of both records; `other_patient_id` is the other one. `snapshot` is the record before.
    """

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    # No constraint: the history outlives its record. No reverse relation: it never moves to another record.
    patient = models.ForeignKey(Patient, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    action = models.CharField(max_length=12, choices=PatientAction.choices)
    other_patient_id = models.BigIntegerField(null=True)
    account = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    actor = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    actor_name = models.CharField(max_length=120)
    at = models.DateTimeField()
    snapshot = models.JSONField()

    class Meta:
        db_table = "patient_event"
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.action} {self.patient_id}"
