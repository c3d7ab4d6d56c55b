"""`/wall/<token>`: an unattended screen. The token is its only authority: no sign-in, and nothing to change."""

import hashlib
from functools import cache
from typing import Any

from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import get_template
from django.urls import reverse
from django.utils import translation
from django.utils.translation import get_language

from clinic.accounts.models import DeviceKind, WallDevice
from clinic.accounts.wall_devices import device_with_token, note_seen
from clinic.common import clock
from clinic.common.instants import say_instant, zone_of
from clinic.common.languages import choose_language
from clinic.portal.board import status_names
from clinic.portal.import_map import import_map
from clinic.portal.settings.walls import messages_in
from clinic.portal.views.language import words_version
from clinic.portal.views.visit import SecretLinkPage

TEMPLATE = "portal/wall.html"


class WallPage(SecretLinkPage):
    http_method_names = ["get", "head", "options"]
    template_name = TEMPLATE
    lost_template = "portal/wall_lost.html"

    @property
    def token(self) -> str:
        return str(self.kwargs["wall_token"])

    def get_device(self) -> WallDevice:
        """The wall's page, in the clinic's language: an unattended screen has no reader. Raises NotFound."""
        device = device_with_token(self.token)
        translation.activate(choose_language(clinic=device.clinic.language))
        return device

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        device = self.get_device()
        wall = {
            **facts_of(device),
            "kind": device.kind,
            "token": self.token,
            "tickets": "/api/v1/devices/ticket",
            "facts": reverse("wall-facts", args=[self.token]),
            "statuses": status_names(),
        }
        is_team = device.kind == DeviceKind.TEAM
        return super().get_context_data(clinic=device.clinic, wall=wall, is_team=is_team, **kwargs)


class WallFactsPage(WallPage):
    """Messages, time and version, which the stream does not tell: JSON, read once a minute."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        device = self.get_device()
        note_seen(device, now=clock.now())
        return JsonResponse(facts_of(device))


def facts_of(device: WallDevice) -> dict[str, Any]:
    shows = f"{page_version(get_language() or 'en')} {device.kind} {device.shows_names}"
    return {
        "messages": [] if device.kind == DeviceKind.TEAM else messages_in(device.clinic.wall_messages),
        "now": say_instant(clock.now(), zone_of(device.clinic.timezone)),
        # Another one: the page loads itself again.
        "version": hashlib.sha256(shows.encode()).hexdigest()[:16],
    }


@cache
def page_version(language: str) -> str:
    """Of all that the page is made of."""
    template: Any = get_template(TEMPLATE)
    parts = [
        import_map(),
        template.template.source,
        staticfiles_storage.url("portal/wall.css"),
        words_version(language),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
