"""Visits by phone and code: what the page says, and that it says the same to everybody else."""

import re
from typing import Any

import pytest
from clinic.outbox.models import Message
from clinic.people.models import Patient
from django.test import Client

from testkit.clinic.pages import sent_code, text_of
from testkit.clinic.times import At
from testkit.clinic.world import World

PAGE = "/status?clinic=riverside"
PHONE = "+491701112233"


@pytest.fixture
def guest() -> Client:
    return Client(enforce_csrf_checks=True, headers={"Accept": "text/html"})


@pytest.fixture
def visit(world: World, tomorrow_at: At) -> Any:
    Patient.objects.filter(pk=world.paula.patient.pk).update(phone=PHONE)
    return world.book(tomorrow_at(9))


def test_visits_are_listed_with_their_links_after_the_code(world: World, visit: Any, guest: Client) -> None:
    asked = guest.post(PAGE, {"phone": PHONE, "send": "code"})
    assert "Type the code" in text_of(asked)
    shown = guest.post(PAGE, {"phone": PHONE, "code": sent_code(), "send": "visits"})
    assert world.paula.patient.name in text_of(shown)
    assert not shown.cookies.get("sessionid")


def test_unknown_number_is_answered_as_a_known_one(world: World, visit: Any, guest: Client) -> None:
    pages = []
    for phone in (PHONE, "+491709998877"):
        asked = guest.post(PAGE, {"phone": phone, "send": "code"})
        wrong = guest.post(PAGE, {"phone": phone, "code": "000000", "send": "visits"})
        pages.append(
            [re.sub(r'\+49\d+|csrf\S+ value=\S+|"now": "\S+', "", page.content.decode()) for page in (asked, wrong)]
        )
    assert pages[0] == pages[1]
    assert [message.recipient for message in Message.objects.filter(template="phone_code")] == [PHONE]


def test_codes_of_a_number_are_limited_in_a_plain_sentence(world: World, visit: Any, guest: Client) -> None:
    for _ in range(3):
        guest.post(PAGE, {"phone": PHONE, "send": "code"})
    refused = guest.post(PAGE, {"phone": PHONE, "send": "code"})
    assert "Too many tries in a short time" in text_of(refused)


def test_page_without_a_clinic_says_where_to_come_from(world: World, guest: Client) -> None:
    assert "Open this page from your clinic" in text_of(guest.get("/status"))
    assert guest.get("/status?clinic=nowhere").status_code == 404
