"""README and documentation agree with the repository."""

import os
import re
from functools import cache
from pathlib import Path

import pytest
from shared_config import VERSION

from tools.own_hosts import IN_STYLES, foreign_loads

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
MADE = {".git", ".cache", ".venv", "node_modules", "var", "__pycache__", "staticfiles", ".hypothesis"}
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *(ROOT / name / "ARCHITECTURE.md" for name in ("django-rest", "fastapi-sse")),
    *sorted(DOCS.rglob("*.md")),
]
FILE_NAME = re.compile(r"`([\w./-]*\w\.(?:css|html|in|js|json|lock|md|py|template|toml|ts|txt|yaml|yml))`")
# Written by `make docs` and `make run`.
MADE_FILES = {"var/docs/index.html", "var/seed/credentials.json"}


@cache
def files() -> list[str]:
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in MADE]
        found += [f"/{(Path(folder) / name).relative_to(ROOT)}" for name in names]
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    named = set(FILE_NAME.findall(page.read_text())) - MADE_FILES
    assert [name for name in sorted(named) if not any(path.endswith(f"/{name}") for path in files())] == []


def test_every_figure_that_a_page_names_exists() -> None:
    """`chairside_stream_x` is made of a prefix and `x`."""
    places = ("django-rest/clinic/health/metrics.py", "django-rest/clinic/common/request_metrics.py")
    own = set(re.findall(r'"(chairside_[a-z_]+)"', "".join((ROOT / place).read_text() for place in places)))
    stream = re.findall(r'"([a-z_]+)"', (ROOT / "fastapi-sse/clinic_stream/metrics.py").read_text())
    known = own | {f"chairside_stream_{name}" for name in stream}
    named = {name for page in PAGES for name in re.findall(r"`(chairside_[a-z_]+)`", page.read_text())}
    assert len(named) > 10
    assert {name.removesuffix("_total") for name in named} <= known


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


def test_every_page_is_in_the_navigation() -> None:
    navigation = set(re.findall(r"[\w/-]+\.md", (ROOT / "mkdocs.yml").read_text()))
    assert navigation == {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")}


def test_links_of_readme_lead_to_pages_and_headings() -> None:
    for target, anchor in re.findall(r"\]\(([^)#:]+)#?([^)]*)\)", (ROOT / "README.md").read_text()):
        page = ROOT / target
        assert page.exists(), target
        headings = re.findall(r"^#+ (.+)$", page.read_text(), re.M) if anchor else []
        slugs = {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}
        assert not anchor or anchor in slugs, (target, anchor)


def test_changelog_begins_with_the_unreleased_and_the_present_version() -> None:
    headings = re.findall(r"^## (\S+)(?: \(\d{4}-\d\d-\d\d\))?$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert headings[:2] == ["Unreleased", VERSION]
    assert len(headings) == len(set(headings))


def test_every_app_has_its_line() -> None:
    text = (ROOT / "django-rest" / "ARCHITECTURE.md").read_text()
    apps = {path.parent.name for path in (ROOT / "django-rest" / "clinic").glob("*/__init__.py")}
    assert set(re.findall(r"^\| `(\w+)` \| [A-Z].*\. \|$", text, re.M)) == apps


def test_public_workflow_runs_the_commands_of_continuous_integration() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    images = re.findall(r"[a-z]+:[\d.]+", re.findall(r"DB_IMAGES:-(.*?)\}", script)[0])
    own = [line.replace("$image", "") for line in re.findall(r"^ *run (.+)$", script, re.M)]
    public = [line.replace("${{ matrix.image }}", "") for line in re.findall(r"^ *- run: (.+)$", workflow, re.M)]
    assert len(own) == 4
    assert public == own
    assert re.findall(r"image: \[(.*)\]", workflow) == [", ".join(f'"{image}"' for image in images)]


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ('<script src="https://cdn.example/x.js">', 1),
        ('<link rel="stylesheet" href="//fonts.example/css">', 1),
        ('<img src="HTTP://pictures.example/a.png">', 1),
        ('<script src="assets/x.js"></script><img src="a.png">', 0),
        ('<a href="https://elsewhere.example">a link</a>', 0),
    ],
)
def test_only_what_loads_from_another_host_is_foreign(page: str, found: int) -> None:
    assert len(foreign_loads(page)) == found


def test_every_diagram_is_shown_and_says_what_it_shows() -> None:
    shown = "\n".join(page.read_text() for page in PAGES)
    for diagram in sorted((DOCS / "images" / "diagrams").glob("*.svg")):
        assert f"images/diagrams/{diagram.name}" in shown
        assert re.search(r"<title>\w.*</title>\s*<desc>\w.*</desc>", diagram.read_text())


def test_style_sheets_load_nothing_from_another_host() -> None:
    assert IN_STYLES.findall("a{b:url( '//fonts.example/x')} @import 'https://cdn.example/y.css';") == [
        "//fonts.example/x",
        "https://cdn.example/y.css",
    ]
    assert IN_STYLES.findall("a{b:url(data:image/svg+xml;x)} c{d:url(../x.png)} /* https://example */") == []
