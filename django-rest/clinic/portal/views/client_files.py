"""`/clients/js/<version>/…`: the client of our own pages, for front ends on other origins. A version never changes."""

import json
from functools import cache
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views import View

YEAR_SECONDS = 365 * 24 * 60 * 60


class ClientFileView(View):
    http_method_names = ("get", "head", "options")

    def get(self, request: HttpRequest, version: str, name: str) -> HttpResponse:
        if version != client_version() or name not in client_files():
            raise Http404
        response = HttpResponse(client_files()[name], content_type="text/javascript; charset=utf-8")
        response.headers["Cache-Control"] = f"public, max-age={YEAR_SECONDS}, immutable"
        return response


@cache
def client_version() -> str:
    return str(json.loads((_folder() / "package.json").read_text(encoding="utf-8"))["version"])


@cache
def client_files() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(_folder().glob("*.js"))}


def _folder() -> Path:
    folder: Path = settings.CLIENT_FOLDER
    return folder
