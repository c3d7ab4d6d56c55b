"""The documents and the code say the same."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from clinic.common.errors import ChairsideError
from config import urls as _urls  # noqa: F401 - brings in every error there is
from django.core.management import call_command
from drf_spectacular.generators import SchemaGenerator
from pydantic_core import PydanticUndefined
from shared_config import DjangoSettings, StreamSettings

from .test_permission_matrix import PAGES, Route, every_route

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
ERRORS = DOCS / "api" / "errors.md"
SETTINGS_PAGE = DOCS / "operate" / "settings.md"
ENV_EXAMPLE = (ROOT / "shared-config" / "env.example").read_text()
FIELDS = {**DjangoSettings.model_fields, **StreamSettings.model_fields}
SETTINGS = {name.upper() for name in FIELDS}


def table_rows(page: Path) -> list[list[str]]:
    """Cells of every table of the page."""
    lines = re.findall(r"^\|.*\|$", page.read_text(), re.M)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def prose() -> str:
    """README, CONTRIBUTING and every page of the documentation."""
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
    return "\n".join(page.read_text() for page in pages)


# Settings


def documented_settings() -> list[tuple[str, str]]:
    return [(cells[0].strip("`"), cells[1]) for cells in table_rows(SETTINGS_PAGE) if cells[0].startswith("`")]


def test_every_setting_is_a_row_of_the_settings_page() -> None:
    names = [name for name, _ in documented_settings()]
    assert len(names) == len(set(names))
    assert set(names) == SETTINGS


def test_every_setting_is_a_line_in_the_example() -> None:
    """Set, or shown commented out."""
    names = re.findall(r"^(?:# )?([A-Z_]+)=", ENV_EXAMPLE, re.M)
    assert len(names) == len(set(names))
    assert set(names) == {name.upper() for name, field in FIELDS.items() if not field.deprecated}


def as_written(default: Any) -> str:
    if default is None or default is PydanticUndefined:
        return ""
    if isinstance(default, bool):
        return str(default).lower()
    return ",".join(default) if isinstance(default, list) else str(default)


@pytest.mark.parametrize(("name", "default"), documented_settings())
def test_settings_page_names_the_default(name: str, default: str) -> None:
    assert default == as_written(FIELDS[name.lower()].default)


# Routes

# Files for browsers, figures for Prometheus, and the document itself.
DOCUMENTS: set[Route] = {
    ("GET", path)
    for path in (
        *("/api/schema", "/api/docs", "/api/redoc", "/clients/js/<version>/<name>"),
        *("/favicon.ico", "/favicon.svg", "/metrics"),
    )
}


@cache
def operations() -> dict[Route, dict[str, Any]]:
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]  # type: ignore[no-untyped-call]
    return {(method.upper(), path): found for path, methods in paths.items() for method, found in methods.items()}


def without_names(route: Route) -> Route:
    return route[0], re.sub(r"<[^>]*>|\{[^}]*\}", "{}", route[1])


def test_every_route_is_in_the_openapi_document() -> None:
    described = {without_names(route) for route in operations()}
    missing = []
    of_the_api = {route for route in every_route() if route[1] not in PAGES}
    for route in of_the_api - DOCUMENTS:
        method, path = without_names(route)
        # `/api/…` repeats `/api/v1/…`; the document shows one of the two.
        other = path.replace("/api/v1/", "/api/") if path.startswith("/api/v1/") else path.replace("/api/", "/api/v1/")
        if not {(method, path), (method, other)} & described:
            missing.append(route)
    assert missing == []


def test_the_openapi_document_describes_no_other_route() -> None:
    assert {without_names(route) for route in operations()} <= {without_names(route) for route in every_route()}
    assert len(operations()) > 40


# Migrations


@pytest.mark.django_db
def test_no_migration_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("makemigrations", check=True, dry_run=True)
    assert "No changes detected" in capsys.readouterr().out


# Errors


def every_error(of: type[ChairsideError] = ChairsideError) -> Iterator[type[ChairsideError]]:
    yield of
    for kind in of.__subclasses__():
        yield from every_error(kind)


def documented_codes() -> set[tuple[int, str]]:
    rows = [cells for cells in table_rows(ERRORS) if re.match(r"\d{3}", cells[0])]
    return {
        (int(status), code)
        for statuses, codes in rows
        for status in statuses.split(", ")
        for code in re.findall(r"`([a-z_]+)`", codes)
    }


@pytest.mark.parametrize(
    ("status", "code"), sorted({(error.status, error.code) for error in every_error() if error.__module__ != __name__})
)
def test_every_code_of_an_error_is_on_its_page(status: int, code: str) -> None:
    assert (status, code) in documented_codes()


# Commands


def test_every_command_in_the_documentation_exists() -> None:
    named = set(re.findall(r"manage\.py ([a-z_]+)", prose()))
    folders = (ROOT / "django-rest" / "clinic").glob("*/management/commands/*.py")
    own = {path.stem for path in folders if path.stem != "__init__"}
    assert named
    assert named <= {
        *own,
        "migrate",
        "check",
        "shell",
        "dbshell",
        "runserver",
        "createsuperuser",
        "collectstatic",
        "makemigrations",
    }


def test_every_target_of_make_in_the_documentation_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"`make ([a-z-]+)", prose())) | {"run", "test"} <= targets
