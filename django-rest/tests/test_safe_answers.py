"""Headers that keep answers out of caches, and foreign scripts out of pages."""

from typing import Any

import pytest
from clinic.accounts.models import User
from django.test import Client

from testkit.clinic.times import At
from testkit.clinic.world import PASSWORD, World

OPEN_PAGES = ["/sign-in", "/password", "/password/forgotten", "/admin/login/", "/api/docs", "/api/redoc"]
ADMIN_PAGES = ["/admin/", "/admin/appointments/appointment/", "/admin/appointments/patient/add/"]


def owner(world: World) -> Client:
    User.objects.filter(pk=world.olga.pk).update(is_staff=True)
    client = Client()
    client.force_login(User.objects.get(pk=world.olga.pk))
    return client


def directives_of(response: Any) -> dict[str, list[str]]:
    parts = (part.split() for part in response.headers["Content-Security-Policy"].split(";"))
    return {name: sources for name, *sources in parts}


def test_tokens_and_personal_data_are_stored_nowhere(world: World, tomorrow_at: At) -> None:
    booked = world.book(tomorrow_at(9))
    client = world.client(world.sam)
    answers = [
        client.post("/api/token", {"username": world.sam.email, "password": PASSWORD}),
        client.post("/api/token", {"username": world.sam.email, "password": "wrong"}),
        client.post("/api/v1/auth/stream-ticket"),
        client.get("/api/v1/users/me"),
        client.get("/api/v1/appointments"),
        client.get(f"/api/v1/appointments/{booked.pk}"),
        client.get("/api/v1/appointments/export.csv"),
        client.get("/api/v1/patients?search=Paula"),
        client.get("/api/v1/patients/0"),
        owner(world).get("/board"),
        owner(world).post("/board/token"),
        *(owner(world).get(page) for page in ADMIN_PAGES),
    ]
    assert [answer.status_code for answer in answers] == [200, 401, 200, 200, 200, 200, 200, 200, 404] + [200] * 5
    for answer in answers:
        assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("page", ["/board", *OPEN_PAGES, *ADMIN_PAGES])
def test_every_page_has_the_base_policy(world: World, page: str) -> None:
    client = Client() if page in OPEN_PAGES else owner(world)
    response = client.get(page)
    assert response.status_code == 200
    directives = directives_of(response)
    assert directives["default-src"] == ["'none'"]
    assert directives["base-uri"] == ["'none'"]
    assert directives["frame-ancestors"] == ["'none'"]
    assert "'unsafe-inline'" not in directives["script-src"]
    may_compile = page.startswith("/admin")
    assert ("'unsafe-eval'" in directives["script-src"]) == may_compile
    assert not any("http:" in source or "https:" in source for source in directives["script-src"])
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_document_pages_load_nothing_from_another_host(world: World) -> None:
    for page in ("/api/docs", "/api/redoc"):
        assert b"//" not in Client().get(page).content.replace(b"http://testserver", b"")


@pytest.mark.parametrize("path", ["/api/v1/users/me", "/sign-in", "/admin/login/"])
def test_browser_is_told_to_stay_with_https_where_it_came_by_it(world: World, path: str) -> None:
    assert "Strict-Transport-Security" not in Client().get(path).headers
    assert "max-age=31536000" in Client().get(path, secure=True).headers["Strict-Transport-Security"]
