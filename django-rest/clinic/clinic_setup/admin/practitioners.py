"""Practitioners, what they offer and when they work. One page, saved as a whole by two services."""

import calendar
from datetime import date
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleTimeWidget,
    UnfoldBooleanSwitchWidget,
)

from clinic.accounts.models import Role, User
from clinic.accounts.own_clinic import (
    InlineOfOwnClinic,
    OfOwnClinicAdmin,
    OwnClinicFilter,
    VersionedForm,
    acting_for,
    check_by,
    is_at_desk,
    is_owner,
    user_of,
)
from clinic.appointments.actor import UserActor
from clinic.appointments.models import ActorKind, Channel
from clinic.clinic_setup.serializers.schedules import (
    BLOCK_FIELDS,
    EXCEPTION_FIELDS,
    FORM_NAMES,
    ExceptionHoursInput,
    WorkingBlockInput,
)
from clinic.clinic_setup.services.practitioners import Fate, create_practitioner, edit_practitioner
from clinic.clinic_setup.services.schedules import (
    NewAvailability,
    create_exception,
    delete_exception,
    edit_exception,
    replace_availability,
)
from clinic.common import clock
from clinic.common.admin import DatesFilter
from clinic.common.errors import StaleVersion
from clinic.common.instants import local_date_of, zone_of
from clinic.common.versions import Expected
from clinic.scheduling.models import (
    MAX_EVERY_WEEKS,
    Clinic,
    Practitioner,
    ScheduleException,
    Service,
    WorkingBlock,
)
from clinic.scheduling.queries.schedules import availability_of
from clinic.scheduling.working_hours import Block, first_clash

OWN_FIELDS = ("name", "specialisation", "user", "active")
OWNERS_QUESTIONS = ("offers", "appointments_ahead", "move_to")
TIME_WIDGETS = {name: UnfoldAdminSingleTimeWidget(format="%H:%M") for name in FORM_NAMES.values()}
TIME_LABELS = {"start_local": "From", "end_local": "To"}
FATES = [
    ("", "Ask me, if there are any"),
    ("keep", "Keep them"),
    ("cancel", "Cancel them"),
    ("move", "Move them to another practitioner"),
]


def today_of(clinic: Clinic) -> date:
    return local_date_of(clock.now(), zone_of(clinic.timezone))


def _force(what: str) -> forms.BooleanField:
    return forms.BooleanField(required=False, label=what, widget=UnfoldBooleanSwitchWidget)


def _as_the_api_says(cleaned: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    api_names = {form_name: name for name, form_name in FORM_NAMES.items()}
    given = {api_names.get(name, name): cleaned.get(name) for name in fields}
    return {name: value for name, value in given.items() if value is not None}


class PractitionerForm(VersionedForm):
    of_clinic: ClassVar[Clinic | None]

    offers = forms.ModelMultipleChoiceField(
        Service.objects.filter(active=True), required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )
    appointments_ahead = forms.ChoiceField(
        choices=FATES, required=False, widget=UnfoldAdminSelectWidget, help_text="when somebody is active no more"
    )
    move_to = forms.ModelChoiceField(
        Practitioner.objects.filter(active=True), required=False, widget=UnfoldAdminSelectWidget
    )
    force = _force("Keep appointments that new hours leave outside of them")
    # Version that the page showed: hours changed meanwhile are not overwritten.
    seen_hours = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Practitioner
        fields = ("clinic", *OWN_FIELDS)
        labels = {"user": "Account"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._limit_choices()
        if self.instance.pk is not None:
            # As offered to choose from: else a page saved as it stood would take away what is not active now.
            self.initial["offers"] = list(self.instance.services.filter(active=True).values_list("pk", flat=True))
            hours = availability_of(self.instance, today=today_of(self.instance.clinic))
            self.initial["seen_hours"] = hours.version

    def _limit_choices(self) -> None:
        choices: dict[str, Any] = {
            "offers": Service.objects.filter(active=True),
            "move_to": Practitioner.objects.filter(active=True).exclude(pk=self.instance.pk),
            "user": User.objects.filter(role=Role.PRACTITIONER),
        }
        for name, rows in choices.items():
            field: Any = self.fields.get(name)
            if field is not None:  # Not there for who may only look at it.
                field.queryset = rows if self.of_clinic is None else rows.filter(clinic=self.of_clinic)

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("appointments_ahead") == "move" and not cleaned.get("move_to"):
            self.add_error("move_to", "To whom?")
        if self.instance.pk is not None and cleaned.get("seen_hours") != self.initial["seen_hours"]:
            # The service looks again, under its lock. Here it is told before every row is said to be gone.
            self.add_error(None, StaleVersion.detail)
        return cleaned


class WorkingBlockForm(forms.ModelForm[WorkingBlock]):
    weekday = forms.TypedChoiceField(
        choices=list(enumerate(calendar.day_abbr)), coerce=int, widget=UnfoldAdminSelectWidget
    )

    every_weeks = forms.IntegerField(
        min_value=1,
        max_value=MAX_EVERY_WEEKS,
        initial=1,
        required=False,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="2: every other week, from the week of the first date",
    )

    class Meta:
        model = WorkingBlock
        fields = BLOCK_FIELDS
        widgets = TIME_WIDGETS
        labels = TIME_LABELS

    def clean_every_weeks(self) -> int:
        return self.cleaned_data.get("every_weeks") or 1

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            check_by(WorkingBlockInput(data=_as_the_api_says(cleaned, BLOCK_FIELDS)), self, FORM_NAMES)
        return cleaned


def _rows_to_keep(formset: Any, fields: tuple[str, ...]) -> list[dict[str, Any]]:
    """Every row of the page but the removed and the untouched empty ones."""
    return [
        {name: form.cleaned_data.get(name) for name in fields}
        for form in formset.forms
        if form.cleaned_data and not form.cleaned_data.get("DELETE") and (form.instance.pk or form.has_changed())
    ]


class WorkingBlockFormSet(BaseInlineFormSet[Any, Any, Any]):
    def clean(self) -> None:
        super().clean()
        if any(self.errors):
            return
        clash = first_clash([Block(**row) for row in _rows_to_keep(self, BLOCK_FIELDS)])
        if clash is not None:
            one, other = (f"{block.start_local:%H:%M}–{block.end_local:%H:%M}" for block in clash)
            raise ValidationError(f"{calendar.day_name[clash[0].weekday]}: {one} and {other} overlap.")


class ScheduleInline(InlineOfOwnClinic):
    """A practitioner who is no longer active keeps their hours."""

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        is_active = not isinstance(obj, Practitioner) or obj.active
        return super().has_change_permission(request, obj) and is_active


class WorkingBlockInline(ScheduleInline):
    model = WorkingBlock
    form = WorkingBlockForm
    formset = WorkingBlockFormSet
    verbose_name = "block of hours"
    verbose_name_plural = "weekly hours"
    hide_title = True


class ExceptionForm(forms.ModelForm[ScheduleException]):
    class Meta:
        model = ScheduleException
        fields = EXCEPTION_FIELDS
        widgets = TIME_WIDGETS
        labels = TIME_LABELS

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            check_by(ExceptionHoursInput(data=_as_the_api_says(cleaned, EXCEPTION_FIELDS)), self, FORM_NAMES)
        return cleaned


class ExceptionFormSet(BaseInlineFormSet[Any, Any, Any]):
    """Those that end today or later: what is over stays as it was."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        practitioner = kwargs.get("instance")
        if practitioner is not None and practitioner.pk is not None:
            kwargs["queryset"] = kwargs["queryset"].filter(end_date__gte=today_of(practitioner.clinic))
        super().__init__(*args, **kwargs)


class ExceptionInline(ScheduleInline):
    model = ScheduleException
    form = ExceptionForm
    formset = ExceptionFormSet
    verbose_name = "exception"
    verbose_name_plural = "days off and other hours, from today on"
    hide_title = True


@admin.register(Practitioner)
class PractitionerAdmin(OfOwnClinicAdmin):
    """The owner changes who they are, the desk as well when they work."""

    form = PractitionerForm
    list_display = ("name", "specialisation", "user", "active", "clinic")
    list_filter = ("active", ("services", OwnClinicFilter), ("clinic", OwnClinicFilter))
    list_select_related = ("clinic", "user")
    search_fields = ("name", "specialisation", "user__email")
    inlines = (WorkingBlockInline, ExceptionInline)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_at_desk(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_owner(request)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        who = (None, {"fields": (*self._clinic_field(request), "name", "specialisation", "user", "offers")})
        if obj is None:
            return (who,)
        hours = (None, {"fields": ("force", "seen_hours", "seen_version")})
        if not is_owner(request):
            return ((None, {"fields": OWN_FIELDS}), hours)
        leaving = ("Leaving", {"fields": ("active", ("appointments_ahead", "move_to"))})
        return (who, leaving, hours)

    def _clinic_field(self, request: HttpRequest) -> tuple[str, ...]:
        return ("clinic",) if user_of(request).is_superuser else ()

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        readonly = super().get_readonly_fields(request, obj)
        return readonly if is_owner(request) else [*readonly, *OWN_FIELDS, *OWNERS_QUESTIONS]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        changes = {name: form.cleaned_data[name] for name in OWN_FIELDS if name in form.changed_data}
        if "user" in changes:
            changes["user"] = changes["user"].pk if changes["user"] else None
        if "offers" in form.changed_data:
            changes["services"] = [service.pk for service in form.cleaned_data["offers"]]
        if not change:
            obj.clinic = form.cleaned_data.get("clinic") or user_of(request).clinic
            obj.pk = create_practitioner(owner=acting_for(request, obj.clinic), fields=changes).pk
        elif changes:
            actor = UserActor(acting_for(request, obj.clinic), Channel.ADMIN, ActorKind.ADMIN)
            edit_practitioner(
                actor=actor,
                practitioner_id=obj.pk,
                changes=changes,
                now=clock.now(),
                fate=_fate_of(form.cleaned_data),
                expected=form.expected,
            )

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        blocks, exceptions = formsets
        for formset in formsets:  # What Django's own log of the admin tells.
            formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []
        if not any(formset.has_changed() for formset in formsets):
            return
        stranded = replace_availability(
            user=acting_for(request, form.instance.clinic),
            practitioner_id=form.instance.pk,
            new=NewAvailability(
                _rows_to_keep(blocks, BLOCK_FIELDS),
                [_hours_of(row) for row in _rows_to_keep(exceptions, EXCEPTION_FIELDS)],
            ),
            now=clock.now(),
            force=bool(form.cleaned_data.get("force")),
            expected=Expected(form.cleaned_data.get("seen_hours") or None),
        )
        if stranded:
            self.message_user(request, f"{len(stranded)} appointments are outside of the hours now.", messages.WARNING)


def _fate_of(cleaned: dict[str, Any]) -> Fate | None:
    kind = cleaned.get("appointments_ahead")
    if not kind:
        return None
    return Fate(kind, move_to=cleaned["move_to"].pk if cleaned.get("move_to") else None)


def _hours_of(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "reason": row["reason"] or ""}


class ScheduleExceptionForm(VersionedForm, ExceptionForm):
    force = _force("Although appointments are left outside of the hours")

    class Meta(ExceptionForm.Meta):
        fields = ("clinic", "practitioner", *EXCEPTION_FIELDS)  # type: ignore[assignment]


@admin.register(ScheduleException)
class ScheduleExceptionAdmin(OfOwnClinicAdmin):
    """Holidays of the whole clinic, and everybody's own."""

    form = ScheduleExceptionForm
    list_display = ("start_date", "end_date", "whose", "closed", "start_local", "end_local", "reason", "clinic")
    list_filter = (
        ("start_date", DatesFilter),
        "closed",
        ("practitioner", OwnClinicFilter),
        ("clinic", OwnClinicFilter),
    )
    list_select_related = ("practitioner", "clinic")
    search_fields = ("reason", "practitioner__name")
    ordering = ("-start_date", "-id")
    actions = None
    fields = ("clinic", "practitioner", *EXCEPTION_FIELDS, "force")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_at_desk(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_at_desk(request)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        readonly = super().get_readonly_fields(request, obj)
        return readonly if obj is None else [*readonly, "practitioner"]

    @admin.display(description="whose", ordering="practitioner__name")
    def whose(self, exception: ScheduleException) -> str:
        return exception.practitioner.name if exception.practitioner else "the whole clinic’s"

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        hours = {name: form.cleaned_data[name] for name in EXCEPTION_FIELDS}
        now, force = clock.now(), form.cleaned_data["force"]
        if change:
            user = acting_for(request, obj.clinic)
            _, stranded = edit_exception(
                user=user, exception_id=obj.pk, fields=hours, now=now, force=force, expected=form.expected
            )
        else:
            obj.clinic = form.cleaned_data.get("clinic") or user_of(request).clinic
            made, stranded = create_exception(
                user=acting_for(request, obj.clinic),
                practitioner_id=obj.practitioner_id,
                fields=hours,
                now=now,
                force=force,
            )
            obj.pk = made.pk
        if stranded:
            self.message_user(request, f"{len(stranded)} appointments are outside of the hours now.", messages.WARNING)

    def delete_model(self, request: HttpRequest, obj: ScheduleException) -> None:
        delete_exception(user=acting_for(request, obj.clinic), exception_id=obj.pk, now=clock.now())
