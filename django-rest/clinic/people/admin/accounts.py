"""Accounts. The owner's people are changed as over the API; nobody's password is typed by anybody else."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from clinic.accounts.models import CLINIC_ROLES, Role, User
from clinic.accounts.own_clinic import OfOwnClinicAdmin, OwnClinicFilter, VersionedForm, acting_for, is_owner, user_of
from clinic.accounts.passwords import RESET_HOLDS_FOR, send_password_link
from clinic.accounts.queries import staff_visible_to
from clinic.accounts.serializers import PHONE_LENGTH
from clinic.common import clock
from clinic.common.admin import ChoicesFilter
from clinic.people.services.staff import create_staff, edit_staff
from clinic.scheduling.models import Clinic, Practitioner

PROFILE = ("name", "email", "phone", "phone_extension", "role")


class PersonForm(VersionedForm):
    of_clinic: ClassVar[Clinic | None]

    email = forms.EmailField(max_length=254, widget=UnfoldAdminTextInputWidget, help_text="verified by a mail to it")
    role = forms.ChoiceField(
        choices=[(role.value, role.label) for role in Role if role in CLINIC_ROLES], widget=UnfoldAdminSelectWidget
    )
    phone = forms.CharField(required=False, max_length=PHONE_LENGTH, widget=UnfoldAdminTextInputWidget)
    practitioner = forms.ModelChoiceField(
        Practitioner.objects.all(),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="whose schedule is this person's own",
    )

    class Meta:
        model = User
        fields = ("clinic", *PROFILE, "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        practitioner: Any = self.fields["practitioner"]
        if self.of_clinic is not None:
            practitioner.queryset = Practitioner.objects.filter(clinic=self.of_clinic)
        if self.instance.pk is not None:
            phone = self.instance.shown_phone
            self.initial["email"] = self.instance.shown_email
            self.initial["phone"], self.initial["phone_extension"] = phone.number, phone.extension
            self.initial["practitioner"] = getattr(self.instance, "practitioner", None)


@admin.register(User)
class PersonAdmin(OfOwnClinicAdmin):
    """A superuser sees patients' accounts too, and those of other superusers."""

    form = PersonForm
    list_display = ("name", "shown_email", "email_verified", "phone_number", "role", "is_active", "invited", "clinic")
    list_filter = (("role", ChoicesFilter), "is_active", ("clinic", OwnClinicFilter))
    list_select_related = ("clinic",)
    search_fields = ("email", "name", "phone", "claims__value")
    ordering = ("name", "id")
    fields = ("clinic", *PROFILE, "practitioner", "is_active")
    actions = ("send_link",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        user = user_of(request)
        return super().get_queryset(request).prefetch_related("claims") if user.is_superuser else staff_visible_to(user)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_owner(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        works_at_clinic = not isinstance(obj, User) or obj.role in CLINIC_ROLES
        return is_owner(request) and works_at_clinic

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        fields = super().get_fields(request, obj)
        left_out = set() if obj is not None else {"is_active"}
        if not self.has_change_permission(request, obj):
            left_out = {"practitioner"}
        return [name for name in fields if name not in left_out]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        typed = form.cleaned_data
        fields = {name: typed[name] for name in PROFILE if not change or name in form.changed_data}
        if "practitioner" in form.changed_data:
            fields["practitioner"] = typed["practitioner"].pk if typed["practitioner"] else None
        if change:
            if "is_active" in form.changed_data:
                fields["active"] = typed["is_active"]
            owner = acting_for(request, obj.clinic)
            edit_staff(owner=owner, user_id=obj.pk, changes=fields, expected=form.expected)
        else:
            obj.clinic = typed.get("clinic") or user_of(request).clinic
            obj.pk = create_staff(owner=acting_for(request, obj.clinic), fields=fields).pk

    @admin.action(description="Send a link to choose a password")
    def send_link(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset.filter(is_active=True).select_related("clinic"):
            send_password_link(user=user, template="password_reset", holds_for=RESET_HOLDS_FOR, now=clock.now())
            self.message_user(request, f"A link is on its way to {user.shown_email}.", messages.SUCCESS)

    @admin.display(description="e-mail", ordering="email")
    def shown_email(self, user: User) -> str:
        return user.shown_email

    @admin.display(boolean=True, description="e-mail verified")
    def email_verified(self, user: User) -> bool:
        return user.email is not None

    @admin.display(description="phone", ordering="phone")
    def phone_number(self, user: User) -> str:
        return user.shown_phone.number

    @admin.display(boolean=True, description="has a password")
    def invited(self, user: User) -> bool:
        return user.has_usable_password()
