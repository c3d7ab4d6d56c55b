from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy
from django.views.generic import RedirectView

from clinic.clinic_setup.services.clinics import edit_clinic
from clinic.common import clock
from clinic.common.versions import Expected
from clinic.portal.settings.policy import AboutForm, ClinicRowForm, PolicyForm, RemindersForm
from clinic.portal.views.settings.base import RowPage
from clinic.scheduling.models import Clinic, origins_in


class FirstSettingsPage(RedirectView):
    pattern_name = "settings-clinic"


class ClinicRowPage(RowPage):
    form_class: ClassVar[type[ClinicRowForm]]

    def make_form(self, *data: Any) -> ClinicRowForm:
        return self.form_class(*data, clinic=Clinic.objects.get(pk=self.clinic.pk))

    def values_now(self) -> tuple[Mapping[str, Any], int]:
        row = Clinic.objects.get(pk=self.clinic.pk)
        return self.form_class.values_of(row), row.version

    def save(self, form: Any, expected: Expected) -> str:
        edit_clinic(
            owner=self.user,
            changes=form.clinic_changes,
            now=clock.now(),
            force=form.cleaned_data.get("force", False),
            expected=expected,
        )
        return reverse(f"settings-{self.topic}")


class AboutPage(ClinicRowPage):
    topic = "clinic"
    template_name = "portal/settings/clinic.html"
    form_class = AboutForm
    title: Promise = gettext_lazy("Clinic")
    needs_zone = False  # Here the owner sets another.

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.render(form=self.make_form())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        link = self.request.build_absolute_uri(reverse("book", args=[self.clinic.slug]))
        sites = ", ".join(origins_in(self.clinic.embed_origins))
        return super().get_context_data(title=self.title, booking_link=link, embed_sites=sites, **kwargs)


class PolicyPage(ClinicRowPage):
    topic = "policy"
    template_name = "portal/settings/policy.html"
    form_class = PolicyForm


class RemindersPage(ClinicRowPage):
    topic = "reminders"
    template_name = "portal/settings/reminders.html"
    form_class = RemindersForm
