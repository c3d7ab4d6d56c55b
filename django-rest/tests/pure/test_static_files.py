"""Static files: libraries, names with a hash, and the import map that leads there."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from clinic.common.static_files import ImmutableStaticFilesStorage, LibraryFinder, library_files
from clinic.portal import import_map
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.http import HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware  # type: ignore[import-untyped]

PORTAL = Path(__file__).resolve().parents[2] / "clinic/portal/static/portal"
CLIENT = PORTAL.parent / "client"
IMPORT = re.compile(r"""(?:[}\s*]from\s*|\bimport\s*)["']([^"'\s>]+)["']""")


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> ImmutableStaticFilesStorage:
    """The pages' own files and the libraries, as `collectstatic` leaves them."""
    storage = ImmutableStaticFilesStorage(location=tmp_path_factory.mktemp("static"), base_url="/static/")
    collected = {}
    for finder in get_finders():
        for path, source in finder.list([]):
            name = f"{getattr(source, 'prefix', None)}/{path}" if getattr(source, "prefix", None) else path
            if name.startswith(("portal/", "client/", "libraries/")):
                with source.open(path) as file:
                    storage.save(name, file)
                collected[name] = (storage, name)
    assert [name for name, _, outcome in storage.post_process(collected) if isinstance(outcome, Exception)] == []
    return storage


@pytest.fixture
def imports(storage: ImmutableStaticFilesStorage, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    monkeypatch.setattr(import_map, "staticfiles_storage", storage)
    import_map.import_map.cache_clear()
    yield json.loads(import_map.import_map())["imports"]
    import_map.import_map.cache_clear()
    import_map.script_source.cache_clear()


def test_every_library_file_is_installed() -> None:
    finder = LibraryFinder()
    assert [name for name in library_files() if finder.find(f"libraries/{name}") is None] == []


def test_files_beyond_the_list_are_not_served() -> None:
    finder = LibraryFinder()
    for name in ("libraries/lit/package.json", "libraries/../package.json", "lit/index.js", "libraries/"):
        assert finder.find(name) is None


def test_names_without_collected_files_are_plain(tmp_path: Path) -> None:
    assert ImmutableStaticFilesStorage(location=tmp_path, base_url="/static/").url("portal/board.js") == (
        "/static/portal/board.js"
    )


def test_every_import_leads_to_a_file_with_a_hash(
    storage: ImmutableStaticFilesStorage, imports: dict[str, str]
) -> None:
    client = [file for file in CLIENT.glob("*.js") if file.name != "react.js"]
    for file in [
        *PORTAL.rglob("*.js"),
        *client,
        *(settings.BROWSER_LIBRARIES_FOLDER / name for name in library_files()),
    ]:
        if file.suffix != ".js":
            continue
        base = str(file.relative_to(PORTAL.parent)) if file.is_relative_to(PORTAL.parent) else ""
        base = base or f"libraries/{file.relative_to(settings.BROWSER_LIBRARIES_FOLDER)}"
        for wanted in IMPORT.findall(file.read_text()):
            if wanted.startswith("https:"):
                continue  # In a comment, for pages elsewhere.
            address = wanted
            if wanted.startswith("."):
                address = "/static/" + str((Path("/") / base).parent.joinpath(wanted).resolve()).lstrip("/")
            assert re.search(r"\.[0-9a-f]{12}\.js$", imports[address]), f"{base} imports {wanted}"
            assert storage.exists(imports[address].removeprefix("/static/"))


def test_files_with_a_hash_are_kept_for_ever(
    storage: ImmutableStaticFilesStorage, imports: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whitenoise.middleware.staticfiles_storage", storage)
    served = WhiteNoiseMiddleware(lambda request: HttpResponse())
    assert served.immutable_file_test("", imports["lit"])
    assert not served.immutable_file_test("", "/static/libraries/lit/index.js")
