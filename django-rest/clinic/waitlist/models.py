from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q

from clinic.appointments.models import Appointment
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic, Practitioner, Service
from clinic.waitlist.matching import PartOfDay

HIGHEST_PRIORITY = 9
PART_OF_DAY_CHOICES = [(part.value, part.value) for part in PartOfDay]


class EntryState(models.TextChoices):
    WAITING = "waiting"
    OFFERED = "offered"
    BOOKED = "booked"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"  # Its last date has passed.


class WaitlistEntry(models.Model):
    """A wish for a time that becomes free. Without a practitioner: with any who offers the service."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="waitlist")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="waitlist")
    practitioner = models.ForeignKey(
        Practitioner, null=True, blank=True, on_delete=models.PROTECT, related_name="waitlist"
    )
    service = models.ForeignKey(Service, null=True, blank=True, on_delete=models.PROTECT, related_name="waitlist")
    first_date = models.DateField()
    last_date = models.DateField(help_text="included")
    part_of_day = models.CharField(max_length=9, choices=PART_OF_DAY_CHOICES, default=PartOfDay.ANY)
    priority = models.PositiveSmallIntegerField(
        default=0, validators=[MaxValueValidator(HIGHEST_PRIORITY)], help_text="the higher is asked first"
    )
    auto_accept = models.BooleanField(default=False, help_text="booked at once, without an offer")
    state = models.CharField(max_length=9, choices=EntryState.choices, default=EntryState.WAITING)
    # No constraint: what was booked may be deleted.
    appointment = models.ForeignKey(
        Appointment, null=True, blank=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "waitlist_entry"
        ordering = ["-priority", "created_at", "id"]
        verbose_name_plural = "waitlist entries"
        indexes = [
            models.Index(fields=["clinic", "state", "last_date"], name="waitlist_entry_clinic_state"),
            # In the order in which they are asked, of the clinic and of a practitioner.
            *(
                models.Index(fields=[lead, "state", "-priority", "created_at"], name=f"waitlist_entry_{short}_order")
                for lead, short in (("clinic", "clinic"), ("practitioner", "pract"))
            ),
            # Of all clinics: those that lapse.
            models.Index(fields=["state", "last_date"], name="waitlist_entry_state_last"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(first_date__lte=F("last_date")), name="waitlist_entry_dates"),
        ]

    def __str__(self) -> str:
        return f"waitlist entry {self.pk}"


class OfferState(models.TextChoices):
    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class WaitlistOffer(models.Model):
    """A freed time that is kept for an entry until it is answered or `expires_at`. Who has the token may answer."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    entry = models.ForeignKey(WaitlistEntry, on_delete=models.PROTECT, related_name="offers")
    practitioner = models.ForeignKey(Practitioner, on_delete=models.PROTECT, related_name="+")
    service = models.ForeignKey(Service, null=True, on_delete=models.PROTECT, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    blocked_from = models.DateTimeField()
    blocked_until = models.DateTimeField()
    # No constraint: the hold goes when the offer is answered, or when the next claim removes expired ones.
    hold = models.ForeignKey(
        "scheduling.Hold", on_delete=models.DO_NOTHING, db_constraint=False, related_name="waitlist_offers"
    )
    token = models.CharField(max_length=43, unique=True, db_collation="utf8mb4_bin")
    state = models.CharField(max_length=9, choices=OfferState.choices, default=OfferState.OPEN)
    appointment = models.ForeignKey(
        Appointment, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    told_at = models.DateTimeField(null=True, help_text="not before: until then the step that freed it can be undone")
    expires_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "waitlist_offer"
        ordering = ["id"]
        indexes = [
            models.Index(fields=["state", "expires_at"], name="waitlist_offer_state_expiry"),
            models.Index(fields=["entry", "state"], name="waitlist_offer_entry_state"),
        ]

    def __str__(self) -> str:
        return f"offer {self.pk}"
