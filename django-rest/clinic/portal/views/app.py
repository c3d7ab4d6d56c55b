"""The installable app: its manifest, its service worker, and the page without a network."""

import hashlib
from functools import cache

from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views import View
from django.views.generic import TemplateView

from clinic.portal.import_map import import_map
from clinic.portal.pages import Page
from clinic.portal.views.language import words_address
from clinic.scheduling.queries.clinics import clinics_to_choose

THEME, BACKGROUND = "#0f766e", "#f2f6f5"
ICONS = (
    ("portal/icon.svg", "any", "image/svg+xml", "any"),
    ("portal/app/icon-192.png", "192x192", "image/png", "any"),
    ("portal/app/icon-512.png", "512x512", "image/png", "any"),
    ("portal/app/icon-maskable-512.png", "512x512", "image/png", "maskable"),
)
OFFLINE_FILES = (
    "portal/theme.js",
    "portal/tokens.css",
    "portal/components.css",
    "portal/patient.css",
    "portal/icon.svg",
    "portal/app/offline.js",
    "portal/app/visit.js",
    "portal/translate.js",
)


class ManifestView(View):
    """Of the one clinic of this site, or of the product where there are several."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest) -> HttpResponse:
        clinics = list(clinics_to_choose()[:2])
        name = clinics[0].name if len(clinics) == 1 else "Chairside"
        icons = [
            {"src": staticfiles_storage.url(file), "sizes": sizes, "type": kind, "purpose": purpose}
            for file, sizes, kind, purpose in ICONS
        ]
        manifest = {
            "id": "/me",
            "name": name,
            "short_name": name[:12].strip(),
            "description": _("Your visits: see, book and move them."),
            "lang": translation.get_language(),
            "start_url": reverse("me"),
            "scope": "/",
            "display": "standalone",
            "theme_color": THEME,
            "background_color": BACKGROUND,
            "icons": icons,
        }
        headers = {"Cache-Control": "no-cache"}
        return JsonResponse(manifest, content_type="application/manifest+json", headers=headers)


class ServiceWorkerView(View):
    """A script at the root, so that it serves every page. It has a version of all that it keeps."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(
            _service_worker(translation.get_language() or "en"),
            content_type="text/javascript; charset=utf-8",
            headers={"Cache-Control": "no-cache"},
        )


class OfflinePage(Page, TemplateView):
    """Shown by the service worker where there is no network; the last known visit comes from the browser alone."""

    http_method_names = ["get", "head", "options"]
    template_name = "portal/offline.html"


@cache
def _service_worker(language: str) -> str:
    with translation.override(language):
        kept = [
            reverse("offline"),
            words_address(language),
            *(staticfiles_storage.url(file) for file in OFFLINE_FILES),
        ]
        icon = staticfiles_storage.url("portal/app/icon-192.png")
        words = {"title": "Chairside", "body": _("There is news about your visit. Open it to read on.")}
        text = "\n".join([*kept, icon, *words.values(), import_map(), settings.VERSION, language])
        context = {
            "version": hashlib.sha256(text.encode()).hexdigest()[:12],
            "kept": kept,
            "offline": reverse("offline"),
            "icon": icon,
            **words,
        }
        return render_to_string("portal/service_worker.js", context)
