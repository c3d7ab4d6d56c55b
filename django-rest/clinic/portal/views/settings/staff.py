from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from clinic.accounts import photos
from clinic.accounts.models import Role, User, photo_path
from clinic.accounts.queries import get_staff_for, staff_visible_to
from clinic.appointments.actor import UserActor
from clinic.appointments.models import Channel
from clinic.appointments.queries import upcoming_appointments
from clinic.clinic_setup.conflicts import PlannedChange
from clinic.clinic_setup.services.practitioners import Fate, create_practitioner, edit_practitioner
from clinic.common import clock
from clinic.common.errors import ChairsideError
from clinic.common.versions import Expected
from clinic.people.services.staff import create_staff, deactivate_staff, edit_staff, send_link_again
from clinic.portal.settings.refusals import sentence_of
from clinic.portal.settings.staff import ROLE_NAMES, MemberForm, PhotoForm, PractitionerForm, initials
from clinic.portal.views.settings.base import RowPage, SettingsPage
from clinic.portal.views.settings.deciding import DecidingPage
from clinic.scheduling.models import Practitioner
from clinic.scheduling.queries.practitioners import get_practitioner_for_owner, practitioners_listed_for


class StaffPage(SettingsPage):
    topic = "staff"
    template_name = "portal/settings/staff.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        people = [
            {
                "user": user,
                "initials": initials(user.name),
                "role": ROLE_NAMES[Role(user.role)],
                "photo": photo_path(user),
                "is_invited": not user.has_usable_password(),
                "practitioner": getattr(user, "practitioner", None),
            }
            for user in sorted(staff_visible_to(self.user), key=lambda one: not one.is_active)
        ]
        records = practitioners_listed_for(self.user, self.clinic, active="all").prefetch_related("services")
        practitioners = [
            {
                "record": record,
                "initials": initials(record.name),
                "photo": photo_path(record.user),
                "services": [service.name for service in record.services.all() if service.active],
            }
            for record in sorted(records, key=lambda one: not one.active)
        ]
        return super().get_context_data(people=people, practitioners=practitioners, **kwargs)


class InvitePage(RowPage):
    topic = "staff"
    template_name = "portal/settings/member.html"

    def make_form(self, *data: Any) -> MemberForm:
        return MemberForm(*data, clinic=self.clinic)

    def save(self, form: Any, expected: Expected) -> str:
        create_staff(owner=self.user, fields=form.fields_to_save(is_new=True))
        return reverse("settings-staff")

    def saved_sentence(self, form: Any) -> str:
        return str(_("%(name)s is invited. The mail goes to %(email)s.") % form.cleaned_data)


class MemberPage(RowPage):
    topic = "staff"
    template_name = "portal/settings/member.html"

    @property
    def member(self) -> User:
        return get_staff_for(self.user, self.kwargs["user_id"])

    def make_form(self, *data: Any) -> MemberForm:
        return MemberForm(*data, clinic=self.clinic, row=self.member)

    def values_now(self) -> tuple[Mapping[str, Any], int]:
        member = self.member
        return MemberForm.values_of(member), member.version

    def save(self, form: Any, expected: Expected) -> str:
        changes = form.fields_to_save(is_new=False)
        edit_staff(owner=self.user, user_id=self.member.pk, changes=changes, expected=expected)
        return reverse("settings-member", args=[self.kwargs["user_id"]])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        member = self.member
        return super().get_context_data(
            member=member,
            photo=photo_path(member),
            initials=initials(member.name),
            photo_form=kwargs.pop("photo_form", None) or PhotoForm(label_suffix=""),
            is_invited=not member.has_usable_password(),
            is_oneself=member.pk == self.user.pk,
            own_record=getattr(member, "practitioner", None),
            **kwargs,
        )

    def url(self) -> str:
        return reverse("settings-member", args=[self.kwargs["user_id"]])


class MemberStepPage(MemberPage):
    """One button of the person's page."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        member = self.member
        try:
            sentence = self.take(member)
        except ChairsideError as refusal:
            form = self.make_form()
            return self.render(form=form, refusal=sentence_of(refusal))
        return self.leave(self.url(), sentence % {"name": member.name, "email": member.shown_email})

    def take(self, member: User) -> str:
        raise NotImplementedError


class MemberLinkPage(MemberStepPage):
    def take(self, member: User) -> str:
        send_link_again(owner=self.user, user_id=member.pk)
        return _("A mail with a link is on its way to %(email)s.")


class MemberActivePage(MemberStepPage):
    def take(self, member: User) -> str:
        if self.request.POST.get("active") == "1":
            edit_staff(owner=self.user, user_id=member.pk, changes={"active": True})
            return _("%(name)s can sign in again.")
        deactivate_staff(owner=self.user, user_id=member.pk)
        return _("%(name)s cannot sign in any more.")


class MemberPhotoPage(MemberPage):
    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        member = self.member
        if request.POST.get("remove") == "1":
            photos.remove_photo(user=member)
            return self.leave(self.url(), _("The photo is removed."))
        form = PhotoForm(request.POST, request.FILES, label_suffix="")
        if form.is_valid():
            try:
                photos.store_photo(user=member, file=form.cleaned_data["photo"])
            except ChairsideError as refusal:
                form.add_error("photo", sentence_of(refusal))
            else:
                return self.leave(self.url(), _("The photo is saved."))
        return self.render(form=self.make_form(), photo_form=form)


class NewPractitionerPage(RowPage):
    topic = "staff"
    template_name = "portal/settings/practitioner.html"

    def make_form(self, *data: Any) -> PractitionerForm:
        return PractitionerForm(*data, clinic=self.clinic)

    def save(self, form: Any, expected: Expected) -> str:
        made = create_practitioner(owner=self.user, fields=form.fields_to_save(is_new=True))
        return reverse("settings-hours-of", args=[made.pk])

    def saved_sentence(self, form: Any) -> str:
        return _("%(name)s is added. Now their hours: without hours there is no time to book.") % {
            "name": form.cleaned_data["name"]
        }


class PractitionerPage(RowPage, DecidingPage):
    topic = "staff"
    template_name = "portal/settings/practitioner.html"

    @property
    def row(self) -> Practitioner:
        return get_practitioner_for_owner(self.user, self.kwargs["practitioner_id"])

    def make_form(self, *data: Any) -> PractitionerForm:
        return PractitionerForm(*data, clinic=self.clinic, row=self.row)

    def values_now(self) -> tuple[Mapping[str, Any], int]:
        row = self.row
        return PractitionerForm.values_of(row), row.version

    def edit(self, changes: dict[str, Any], *, expected: Expected = Expected(), fate: Fate | None = None) -> None:  # noqa: B008
        edit_practitioner(
            actor=UserActor(self.user, Channel.PORTAL),
            practitioner_id=self.kwargs["practitioner_id"],
            changes=changes,
            now=clock.now(),
            fate=fate,
            expected=expected,
        )

    def save(self, form: Any, expected: Expected) -> str:
        self.edit(form.fields_to_save(is_new=False), expected=expected)
        return self.url()

    def url(self) -> str:
        return reverse("settings-practitioner", args=[self.kwargs["practitioner_id"]])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = self.row
        booked = upcoming_appointments(self.clinic, [row.pk], now=clock.now()).count() if row.active else 0
        return super().get_context_data(row=row, booked=booked, photo=photo_path(row.user), **kwargs)


class PractitionerActivePage(PractitionerPage):
    """Leaves, or comes back. What becomes of the visits is decided first."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        row = self.row
        if request.POST.get("active") == "1":
            self.edit({"active": True})
            return self.leave(self.url(), _("%(name)s can be booked again.") % {"name": row.name})
        change = PlannedChange(leaving=frozenset({row.pk}))
        conflicts = self.settle(self._deactivate, change, url=self.url)
        if conflicts is not None:
            return self.render(form=self.make_form(), conflicts=conflicts)
        return self.leave(self.url(), _("%(name)s is not booked any more.") % {"name": row.name})

    def _deactivate(self, force: bool) -> None:
        self.edit({"active": False}, fate=Fate("keep") if force else None)
