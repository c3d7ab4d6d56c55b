from django.contrib import admin

from clinic.accounts.own_clinic import (
    LogAdmin,
    OwnClinicFilter,
)
from clinic.appointments.models import Series


@admin.register(Series)
class SeriesAdmin(LogAdmin):
    list_display = ("patient", "practitioner", "service", "frequency", "first_date", "start_local", "clinic")
    list_filter = (
        "frequency",
        ("practitioner", OwnClinicFilter),
        ("service", OwnClinicFilter),
        ("clinic", OwnClinicFilter),
    )
    list_select_related = ("patient", "practitioner", "service", "clinic")
    search_fields = ("patient__name", "patient__phone", "practitioner__name")
    ordering = ("-id",)
