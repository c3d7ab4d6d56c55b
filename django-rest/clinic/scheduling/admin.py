"""Holds in the admin, to be looked at. The clinic's set-up is in `clinic_setup.admin`."""

from django.contrib import admin

from clinic.accounts.own_clinic import (
    LogAdmin,
    OwnClinicFilter,
)
from clinic.scheduling.models import Hold


@admin.register(Hold)
class HoldAdmin(LogAdmin):
    list_display = ("practitioner", "service", "starts_at", "ends_at", "expires_at", "user", "clinic")
    list_filter = (("practitioner", OwnClinicFilter), ("clinic", OwnClinicFilter))
    list_select_related = ("practitioner", "service", "user", "clinic")
    search_fields = ("practitioner__name", "user__name", "user__email")
    # Without the token: who has it books the time.
    fields = ("practitioner", "service", "user", "starts_at", "ends_at", "expires_at", "created_at")
