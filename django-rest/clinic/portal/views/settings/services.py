from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from clinic.appointments.queries import upcoming_appointments
from clinic.appointments.services.briefs import list_of
from clinic.clinic_setup.services.offered_services import create_service, edit_service
from clinic.common import clock
from clinic.common.errors import HasAppointments
from clinic.common.versions import Expected
from clinic.portal.settings.services import ServiceForm, say_service
from clinic.portal.views.settings.base import RowPage
from clinic.portal.views.settings.deciding import DecidingPage, ids_of
from clinic.scheduling.models import Service
from clinic.scheduling.queries.practitioners import get_service_for_owner, services_listed_for


class ServicesPage(RowPage):
    topic = "services"
    template_name = "portal/settings/services.html"
    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        services = services_listed_for(self.user, self.clinic, active="all").prefetch_related("practitioners")
        rows = [
            {
                "service": service,
                "said": say_service(service),
                "offered_by": [one.name for one in service.practitioners.all() if one.active],
            }
            for service in sorted(services, key=lambda one: (not one.active, one.name))
        ]
        return self.render(rows=rows)


class NewServicePage(RowPage):
    topic = "services"
    template_name = "portal/settings/service.html"

    def make_form(self, *data: Any) -> ServiceForm:
        return ServiceForm(*data, clinic=self.clinic)

    def save(self, form: Any, expected: Expected) -> str:
        create_service(owner=self.user, fields=form.fields_to_save(is_new=True))
        return reverse("settings-services")

    def saved_sentence(self, form: Any) -> str:
        return _("%(name)s is offered now.") % {"name": form.cleaned_data["name"]}


class ServicePage(RowPage, DecidingPage):
    topic = "services"
    template_name = "portal/settings/service.html"

    @property
    def row(self) -> Service:
        return get_service_for_owner(self.user, self.kwargs["service_id"])

    def make_form(self, *data: Any) -> ServiceForm:
        return ServiceForm(*data, clinic=self.clinic, row=self.row)

    def values_now(self) -> tuple[Mapping[str, Any], int]:
        return ServiceForm.values_of(self.row), self.row.version

    def save(self, form: Any, expected: Expected) -> str:
        changes = form.fields_to_save(is_new=False)
        edit_service(owner=self.user, service_id=self.kwargs["service_id"], changes=changes, expected=expected)
        return reverse("settings-services")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = self.row
        booked = booked_with(row).count() if row.active else 0
        return super().get_context_data(row=row, booked=booked, **kwargs)


class ServiceActivePage(ServicePage):
    """Offer it no more, or again. What is booked stays, unless the owner decides otherwise."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        row = self.row
        if request.POST.get("active") == "1":
            edit_service(owner=self.user, service_id=row.pk, changes={"active": True})
            return self.leave(self._url(), _("%(name)s is offered again.") % {"name": row.name})
        conflicts = self.settle(self._deactivate, None, url=self._url, reason=row.name)
        if conflicts is not None:
            return self.render(form=self.make_form(), conflicts=conflicts)
        return self.leave(self._url(), _("%(name)s is offered no more.") % {"name": row.name})

    def _deactivate(self, force: bool) -> list[int]:
        row = self.row
        booked = list(booked_with(row))
        if booked and not force:
            raise HasAppointments(extra=list_of(booked, self.clinic))
        edit_service(owner=self.user, service_id=row.pk, changes={"active": False})
        return ids_of(booked)

    def _url(self) -> str:
        return reverse("settings-service", args=[self.kwargs["service_id"]])


def booked_with(service: Service) -> Any:
    return upcoming_appointments(service.clinic, None, now=clock.now()).filter(service=service)
