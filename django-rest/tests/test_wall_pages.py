"""The owner's page of walls, and `/wall/<token>` for whoever has a wall's address."""

import re
from html import unescape
from typing import Any

import pytest
from clinic.accounts.models import WallDevice
from clinic.accounts.wall_devices import create_device
from clinic.common.public_links import mask_links
from clinic.portal.settings.walls import messages_in, qr_path
from clinic.portal.views import wall as wall_pages
from clinic.scheduling.models import Clinic
from django.test import Client
from django.utils import timezone

from testkit.clinic.pages import at_a_page, errors_of, form_of
from testkit.clinic.world import World

WALLS, NEW = "/settings/walls", "/settings/walls/new"


@pytest.fixture
def owner(world: World) -> Client:
    return at_a_page(world.olga)


def hang(world: World, kind: str = "waiting_room", **more: Any) -> tuple[WallDevice, str]:
    return create_device(owner=world.olga, name="Hall", kind=kind, now=timezone.now(), **more)


def test_new_wall_shows_its_address_and_qr_code_once(world: World, owner: Client) -> None:
    made = owner.post(NEW, form_of(owner, NEW, name="Hall"))
    text = made.content.decode()
    [address] = set(re.findall(r'value="(http://testserver/wall/[\w-]+)"', text))
    path, side = qr_path(address)
    assert path in text
    assert f'viewBox="0 0 {side} {side}"' in text
    assert "no-store" in made.headers["Cache-Control"]
    assert Client().get(address).status_code == 200
    listed = owner.get(WALLS).content.decode()
    assert "Hall" in listed
    assert "/wall/" not in listed


def test_form_that_is_sent_again_makes_no_second_wall(world: World, owner: Client) -> None:
    form = form_of(owner, NEW, name="Hall")
    owner.post(NEW, form)
    assert "There is a wall of this name." in errors_of(owner.post(NEW, form))
    assert WallDevice.objects.count() == 1


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ({"kind": "team"}, ("team", True)),
        ({"kind": "team", "shows_names": "False"}, ("team", True)),
        ({"kind": "waiting_room", "shows_names": "False"}, ("waiting_room", False)),
    ],
)
def test_kind_and_names_are_as_chosen(
    world: World, owner: Client, typed: dict[str, str], kept: tuple[str, bool]
) -> None:
    owner.post(NEW, form_of(owner, NEW, name="Hall", **typed))
    device = WallDevice.objects.get()
    assert (device.kind, device.shows_names) == kept


def test_wall_without_a_name_is_refused(world: World, owner: Client) -> None:
    refused = owner.post(NEW, form_of(owner, NEW, name=" "))
    assert "name" in refused.context["form"].errors
    assert not WallDevice.objects.exists()


def test_revoked_wall_is_dark_and_listed_no_more(world: World, owner: Client) -> None:
    device, token = hang(world)
    page = owner.post(f"{WALLS}/{device.pk}/revoke", follow=True)
    assert "The wall is revoked." in page.content.decode()
    assert "Hall" not in re.sub(r"(?s)<form.*", "", page.content.decode())
    dark = Client().get(f"/wall/{token}")
    assert dark.status_code == 404
    assert "This wall is switched off" in dark.content.decode()
    assert world.clinic.name not in dark.content.decode()
    assert Client().get(f"/wall/{token}/facts").status_code == 404


def test_messages_are_edited_and_reach_the_wall(world: World, owner: Client) -> None:
    _device, token = hang(world)
    owner.post(WALLS, form_of(owner, WALLS, wall_messages=" Flu jabs: ask us. \r\n\r\nClosed on Friday."))
    assert Clinic.objects.get(pk=world.clinic.pk).wall_messages == "Flu jabs: ask us.\nClosed on Friday."
    facts = Client().get(f"/wall/{token}/facts").json()
    assert facts["messages"] == ["Flu jabs: ask us.", "Closed on Friday."]
    _device, of_team = hang(world, "team")
    assert Client().get(f"/wall/{of_team}/facts").json()["messages"] == []


def test_messages_are_for_people_of_the_clinic_in_the_api(world: World) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(wall_messages="Closed on Friday.")
    assert world.client(world.sam).get("/api/v1/clinic").json()["wall_messages"] == "Closed on Friday."
    assert "wall_messages" not in world.client(world.paula).get("/api/v1/clinic").json()


def test_facts_are_news_of_the_wall_and_say_that_it_is_on(world: World) -> None:
    device, token = hang(world)
    facts = Client().get(f"/wall/{token}/facts")
    assert set(facts.json()) == {"messages", "now", "version"}
    assert "no-store" in facts.headers["Cache-Control"]
    device.refresh_from_db()
    assert device.seen_at is not None


def test_version_changes_with_the_page_and_with_what_the_wall_shows(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _device, token = hang(world)
    first = Client().get(f"/wall/{token}/facts").json()["version"]
    assert Client().get(f"/wall/{token}").context["wall"]["version"] == first
    WallDevice.objects.update(shows_names=False)
    second = Client().get(f"/wall/{token}/facts").json()["version"]
    monkeypatch.setattr(wall_pages, "page_version", lambda language: "a newer one")
    third = Client().get(f"/wall/{token}/facts").json()["version"]
    assert len({first, second, third}) == 3


@pytest.mark.parametrize("kind", ["team", "waiting_room"])
def test_page_names_its_token_in_no_title_and_gives_it_to_no_other_site(world: World, kind: str) -> None:
    _device, token = hang(world, kind)
    world.book_now()
    page = Client().get(f"/wall/{token}")
    text = page.content.decode()
    assert token not in re.findall(r"<title>(.*?)</title>", text)[0]
    assert not re.search(r"""(?:href|src)="[^"]*""" + token, text)
    assert page.headers["Referrer-Policy"] == "strict-origin"
    assert "noindex" in page.headers["X-Robots-Tag"]
    assert "no-store" in page.headers["Cache-Control"]
    # Patients come by the stream alone.
    assert "Paula" not in text


def test_wall_speaks_the_language_of_the_clinic_whatever_its_browser_asks_for(world: World) -> None:
    _device, token = hang(world)
    english = Client().get(f"/wall/{token}/facts").json()["version"]
    Clinic.objects.filter(pk=world.clinic.pk).update(language="de")
    page = Client().get(f"/wall/{token}", headers={"Accept-Language": "en"})
    text = unescape(page.content.decode())
    assert page.headers["Content-Language"] == "de"
    assert '<html lang="de"' in text
    assert "Wartezimmer" in text
    assert "Bitte kommen Sie herein" in text
    # An open wall loads itself again.
    assert Client().get(f"/wall/{token}/facts", headers={"Accept-Language": "en"}).json()["version"] != english


def test_address_that_is_no_wall_speaks_the_language_of_the_browser(world: World) -> None:
    assert "ausgeschaltet" in Client().get("/wall/no", headers={"Accept-Language": "de"}).content.decode()


def test_address_of_a_wall_is_masked_in_texts() -> None:
    assert mask_links("see https://clinic.example/wall/" + "x" * 43) == "see https://clinic.example/wall/…"


def test_lines_without_words_are_no_messages() -> None:
    assert messages_in(" one \r\n\n \n two  words") == ["one", "two words"]
