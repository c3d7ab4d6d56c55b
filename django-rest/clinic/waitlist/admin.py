from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from clinic.accounts.own_clinic import InlineOfOwnClinic, LogAdmin, OwnClinicFilter
from clinic.appointments.admin.appointments import actor_of
from clinic.common import clock
from clinic.common.admin import ChoicesFilter, DatesFilter
from clinic.common.errors import ChairsideError
from clinic.people.admin.patients import FoundByPhone
from clinic.waitlist.models import WaitlistEntry, WaitlistOffer
from clinic.waitlist.services.entries import leave_waitlist


class OfferInline(InlineOfOwnClinic):
    """Without the token: who has it may answer."""

    model = WaitlistOffer
    verbose_name_plural = "what was offered"
    fields = readonly_fields = ("starts_at", "practitioner", "service", "state", "expires_at", "answered_at")
    ordering = ("-id",)
    hide_title = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[WaitlistOffer]:
        return super().get_queryset(request).select_related("practitioner", "service")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(WaitlistEntry)
class WaitlistEntryAdmin(FoundByPhone, LogAdmin):
    """In the order in which they are asked."""

    phone_prefix = "patient__"

    list_display = (
        "patient",
        "practitioner",
        "service",
        "first_date",
        "last_date",
        "part_of_day",
        "priority",
        "auto_accept",
        "state",
        "clinic",
    )
    list_filter = (
        ("state", ChoicesFilter),
        ("first_date", DatesFilter),
        ("practitioner", OwnClinicFilter),
        ("service", OwnClinicFilter),
        ("clinic", OwnClinicFilter),
    )
    list_select_related = ("patient", "practitioner", "service", "clinic")
    search_fields = ("patient__name", "patient__phone", "patient__email")
    fields = (
        "patient",
        ("practitioner", "service"),
        ("first_date", "last_date", "part_of_day"),
        ("priority", "auto_accept"),
        "state",
    )
    inlines = (OfferInline,)
    actions = ("withdraw",)

    @admin.action(description="Take off the waitlist")
    def withdraw(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for entry in queryset:
            try:
                leave_waitlist(actor=actor_of(request), entry_id=entry.pk, now=clock.now())
            except ChairsideError as refusal:
                self.message_user(request, f"{entry.patient}: {refusal.detail}", messages.ERROR)
            else:
                self.message_user(request, f"{entry.patient} is off the waitlist.", messages.SUCCESS)
