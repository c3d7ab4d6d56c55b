"""Practitioners and the services that they offer."""

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from clinic.common.models import Versioned
from clinic.common.names import validate_label
from clinic.scheduling.models.clinics import Clinic


class Practitioner(Versioned):
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="practitioners")
    user = models.OneToOneField(
        "accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="practitioner"
    )
    name = models.CharField(max_length=120, validators=[validate_label])
    specialisation = models.CharField(max_length=120, blank=True, validators=[validate_label])
    active = models.BooleanField(default=True)

    class Meta:
        db_table = "practitioner"
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class Service(Versioned):
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="services")
    name = models.CharField(max_length=120, validators=[validate_label])
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
    """A practitioner who offers a service."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE)
    practitioner = models.ForeignKey(Practitioner, on_delete=models.CASCADE)

    class Meta:
        db_table = "service_practitioners"
        constraints = [models.UniqueConstraint(fields=["service", "practitioner"], name="service_practitioner_once")]

    def __str__(self) -> str:
        return f"{self.service_id}: {self.practitioner_id}"
