"""The manifest, the service worker, and the page that is shown without a network."""

import json
import re
from urllib.parse import urlsplit

from clinic.portal.views.app import ICONS
from django.contrib.staticfiles import finders
from django.test import Client
from PIL import Image

from testkit.clinic.world import PASSWORD, World


def kept_by(worker: str) -> list[str]:
    found = re.search(r"const KEPT = (\[.*?\]);", worker)
    assert found is not None
    kept: list[str] = json.loads(found[1])
    return kept


def test_manifest_leads_to_the_visits_in_the_readers_language(world: World) -> None:
    answer = Client(headers={"Accept-Language": "de"}).get("/manifest.webmanifest")
    manifest = answer.json()
    assert answer.headers["Content-Type"] == "application/manifest+json"
    assert (manifest["start_url"], manifest["scope"], manifest["lang"]) == ("/me", "/", "de")
    assert manifest["name"] == "Chairside"  # Two clinics share this site.
    assert {"any", "maskable"} == {icon["purpose"] for icon in manifest["icons"]}


def test_icons_have_the_sizes_that_the_manifest_names() -> None:
    for file, sizes, kind, _ in ICONS:
        path = finders.find(file)
        assert isinstance(path, str)
        if kind == "image/png":
            with Image.open(path) as image:
                assert "x".join(map(str, image.size)) == sizes


def test_service_worker_keeps_files_and_the_offline_page_alone(world: World) -> None:
    page = Client()
    page.post("/sign-in", {"username": world.paula.email, "password": PASSWORD})
    answer = page.get("/service-worker.js")
    worker = answer.content.decode()
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert "no-cache" in answer.headers["Cache-Control"]
    kept = kept_by(worker)
    assert all(urlsplit(path).path == path and path.startswith(("/static/", "/words/", "/offline")) for path in kept)
    assert world.paula.name not in worker
    assert worker == Client().get("/service-worker.js").content.decode()


def test_all_that_the_offline_page_needs_is_kept(world: World) -> None:
    kept = set(kept_by(Client().get("/service-worker.js").content.decode()))
    page = Client().get("/offline").content.decode()
    needed = set(re.findall(r'(?:src|href)="(/[^"]+)"', page))
    assert needed <= kept


def test_offline_page_names_nobody(world: World) -> None:
    page = Client()
    page.post("/sign-in", {"username": world.paula.email, "password": PASSWORD})
    text = page.get("/offline").content.decode()
    assert world.paula.name not in text
    assert world.clinic.name not in text
    policy = page.get("/offline").headers["Content-Security-Policy"]
    assert "worker-src 'self'" in policy
    assert "manifest-src 'self'" in policy
