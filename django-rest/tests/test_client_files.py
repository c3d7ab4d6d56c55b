"""The published client: by its version, for front ends on listed origins."""

import hashlib
import json
import re
from pathlib import Path

import pytest
from clinic.portal.views.client_files import client_files, client_version
from django.conf import settings
from django.test import Client
from pytest_django.fixtures import Settings

ORIGIN = "https://front-end.example"
ROOT = Path(settings.CLIENT_FOLDER).parents[1]
FOLDER = ROOT / "clients" / "js"


@pytest.mark.parametrize("name", client_files())
def test_listed_origin_gets_each_module_for_ever(client: Client, settings: Settings, name: str) -> None:
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]
    answer = client.get(f"/clients/js/{client_version()}/{name}", headers={"Origin": ORIGIN})
    assert (answer.status_code, answer.content) == (200, client_files()[name])
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "origin" in answer.headers["Vary"].lower()
    other = client.get(f"/clients/js/{client_version()}/{name}", headers={"Origin": "https://elsewhere.example"})
    assert "Access-Control-Allow-Origin" not in other.headers


@pytest.mark.parametrize("path", ["0.0.1/chairside.js", "{}/package.json", "{}/rest.d.ts", "{}/..%2Fpackage.json"])
def test_other_versions_and_files_are_not_there(client: Client, path: str) -> None:
    assert client.get(f"/clients/js/{path.format(client_version())}").status_code == 404


def test_published_version_keeps_its_modules() -> None:
    """Browsers keep a version for a year. Raise `version` in package.json, and note its digest in versions.json."""
    digest = hashlib.sha256(b"".join(client_files().values())).hexdigest()
    assert json.loads((FOLDER / "versions.json").read_text())[client_version()] == digest


def test_package_holds_what_it_exports() -> None:
    package = json.loads((FOLDER / "package.json").read_text())
    for export in package["exports"].values():
        assert [name for name in export.values() if not (FOLDER / name).is_file()] == []
    for module in client_files():
        assert (FOLDER / module).with_suffix(".d.ts").is_file()


def test_documentation_names_the_version_that_is_served() -> None:
    places = [
        ROOT / "docs/api/front-end.md",
        ROOT / "docs/api/examples/front-end.html",
        FOLDER / "README.md",
        FOLDER / "chairside.js",
    ]
    for place in places:
        named = re.findall(r"clients/js/(\d+\.\d+\.\d+)/", place.read_text())
        assert set(named) == {client_version()}, place


def test_example_of_the_documentation_is_twenty_lines_and_the_one_that_is_tested() -> None:
    example = (ROOT / "docs/api/examples/front-end.html").read_text()
    assert example.strip() in (ROOT / "docs/api/front-end.md").read_text()
    script = example.partition('<script type="module">\n')[2].partition("</script>")[0]
    assert len(script.splitlines()) <= 20
