"""Walls: created with an address that is shown once, revoked, and what waiting rooms read."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from clinic.accounts.models import DeviceKind
from clinic.accounts.wall_devices import create_device, devices_of, revoke_device
from clinic.common import clock
from clinic.common.errors import ChairsideError
from clinic.portal.settings.walls import KIND_NAMES, WallForm, WallMessagesForm, qr_path
from clinic.portal.views.settings.base import SettingsPage
from clinic.portal.views.settings.clinic import ClinicRowPage


class WallsPage(ClinicRowPage):
    topic = "walls"
    template_name = "portal/settings/walls.html"
    form_class = WallMessagesForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        walls = [{"device": one, "kind": KIND_NAMES[DeviceKind(one.kind)]} for one in devices_of(self.user)]
        return super().get_context_data(walls=walls, **kwargs)


class NewWallPage(SettingsPage):
    topic = "walls"
    template_name = "portal/settings/wall_new.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.render(form=WallForm(owner=self.user))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The answer itself shows the address: it is kept nowhere, so that no other page could."""
        form = WallForm(request.POST, owner=self.user)
        if not form.is_valid():
            return self.render(form=form)
        try:
            device, token = create_device(owner=self.user, now=clock.now(), **form.cleaned_data)
        except ChairsideError as refusal:
            form.add_refusal(refusal)
            return self.render(form=form)
        address = request.build_absolute_uri(reverse("wall", args=[token]))
        path, side = qr_path(address)
        return self.render(device=device, address=address, qr={"path": path, "side": side})


class WallRevokePage(SettingsPage):
    topic = "walls"
    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, device_id: int) -> HttpResponse:
        revoke_device(owner=self.user, device_id=device_id, now=clock.now())
        return self.leave(reverse("settings-walls"), _("The wall is revoked. It goes dark at once."))
