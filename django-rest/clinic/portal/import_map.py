"""The import map of every page: names of libraries, and each module's address to its file with a hash."""

import base64
import hashlib
import json
from functools import cache

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import staticfiles_storage

from clinic.common.static_files import LIBRARIES, library_files

OWN = ("client/", "portal/")


@cache
def import_map() -> str:
    """JSON for `<script type="importmap">`; the same for every page of this process."""
    named = {name: staticfiles_storage.url(LIBRARIES + file) for name, file in settings.BROWSER_MODULES.items()}
    files = [LIBRARIES + file for file in library_files()] + _own_modules()
    hashed = {f"{settings.STATIC_URL}{file}": staticfiles_storage.url(file) for file in files if file.endswith(".js")}
    moved = {address: file for address, file in hashed.items() if address != file}
    return json.dumps({"imports": {**named, **moved}}, separators=(",", ":"))


@cache
def script_source() -> str:
    """The source expression that lets the import map, the only inline script, pass the content security policy."""
    digest = hashlib.sha256(import_map().encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _own_modules() -> list[str]:
    found = {path for finder in get_finders() for path, _ in finder.list([]) if path.startswith(OWN)}
    return sorted(path for path in found if path.endswith(".js"))
