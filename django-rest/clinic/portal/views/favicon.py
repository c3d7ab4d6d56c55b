"""`/favicon.svg` and `/favicon.ico`."""

from pathlib import Path
from typing import ClassVar

from django.http import HttpRequest, HttpResponse
from django.views import View


class FaviconView(View):
    """Also where browsers look for it by themselves, on a page of JSON."""

    picture: ClassVar[bytes] = (Path(__file__).parents[1] / "favicon.svg").read_bytes()

    def get(self, request: HttpRequest) -> HttpResponse:
        headers = {"Cache-Control": "public, max-age=86400"}
        return HttpResponse(self.picture, content_type="image/svg+xml", headers=headers)
