"""Forms and addresses of pages as no browser of ours sends them: a page answers, and never fails."""

from collections.abc import Callable
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.people.models import Patient
from clinic.portal.form_values import date_in, instant_in, number_in
from clinic.waitlist.models import WaitlistEntry
from django.test import Client

from testkit.clinic.times import in_days
from testkit.clinic.world import World

NUMBERS = ["9" * 5000, "9" * 19, "²", "٣", "-1", "1.5", "\0", "x"]
DAYS = ["9999-12-31", "9998-12-31", "0001-01-01", "2026-13-45", "\0", "9" * 5000]
INSTANTS = [
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-12:00",
    "2026-13-45T10:00:00+00:00",
    "2026-12-10T10:00",
    "2026-12-10T10:00:00+00:00\0",
    "x",
]


def signed_in(user: User) -> Client:
    page = Client()
    page.force_login(user)
    return page


def forms_of(world: World) -> dict[str, tuple[Client, str, Callable[[str, str], dict[str, str]]]]:
    """By name: who sends what where, with a number and an instant in it."""
    visit, paula = world.book(in_days(7)(9)), Patient.objects.get(user=world.paula)
    entry = WaitlistEntry.objects.create(
        clinic=world.clinic,
        patient=paula,
        first_date=in_days(1)(9).date(),
        last_date=in_days(9)(9).date(),
        created_at=visit.created_at,
        updated_at=visit.created_at,
    )
    guest, patient, desk, owner = Client(), signed_in(world.paula), signed_in(world.sam), signed_in(world.olga)
    start = in_days(7)(11).isoformat()
    undo = f"/patients/{paula.pk}/visits/{visit.pk}/undo"
    return {
        "move by link": (guest, f"/a/{visit.reference}", lambda n, at: {"step": "move", "start": at, "with": n}),
        "move by link, with": (
            guest,
            f"/a/{visit.reference}",
            lambda n, at: {"step": "move", "start": start, "with": n},
        ),
        "undo by link": (guest, f"/a/{visit.reference}", lambda n, at: {"step": "undo", "version": n}),
        "book as a guest": (guest, "/book/riverside", lambda n, at: {"service": n, "practitioner": n, "start": at}),
        "own move": (patient, f"/me/visits/{visit.pk}/move", lambda n, at: {"start": at, "with": n, "version": n}),
        "own move, with": (patient, f"/me/visits/{visit.pk}/move", lambda n, at: {"start": start, "with": n}),
        "own booking": (patient, "/me/book", lambda n, at: {"start": at, "with": n, "hold": n}),
        "own promise": (patient, f"/me/visits/{visit.pk}/promise", lambda n, at: {"version": n}),
        "own cancellation": (patient, f"/me/visits/{visit.pk}/cancel", lambda n, at: {"version": n}),
        "move at the desk": (
            desk,
            f"/patients/{paula.pk}/visits/{visit.pk}/move",
            lambda n, at: {"to": f"{n}@{at}", "version": n},
        ),
        "undo at the desk": (desk, undo, lambda n, at: {"version": n}),
        "merge": (desk, f"/patients/{paula.pk}/merge", lambda n, at: {"into": n}),
        "two people": (desk, f"/patients/{paula.pk}/distinct", lambda n, at: {"other": n}),
        "offer": (desk, f"/waitlist/{entry.pk}/offer", lambda n, at: {"to": f"{n}@{at}"}),
        "offer, whose": (desk, f"/waitlist/{entry.pk}/offer", lambda n, at: {"to": f"{n}@{start}"}),
        "wait": (desk, "/waitlist/add", lambda n, at: {"patient": n}),
        "hours": (owner, "/settings/hours/clinic", lambda n, at: {"for": n, "more": "1", "form-TOTAL_FORMS": n}),
        "policy": (owner, "/settings/policy", lambda n, at: {"version": n}),
        "undo in the settings": (owner, f"/settings/undo/{visit.pk}", lambda n, at: {"version": n}),
    }


def test_form_with_unreadable_values_never_fails(world: World) -> None:
    pairs = [(number, INSTANTS[n % len(INSTANTS)]) for n, number in enumerate(NUMBERS)]
    for name, (client, path, form) in forms_of(world).items():
        for number, instant in pairs:
            answer: Any = client.post(path, form(number, instant))
            assert answer.status_code < 500, (name, number[:20], instant)


BODIES = {
    "another charset": ("step=cancel".encode("utf-16"), "application/x-www-form-urlencoded; charset=utf-16"),
    "a charset that there is not": (b"step=cancel", "application/x-www-form-urlencoded; charset=none"),
    "another charset of parts": (b"--x--", "multipart/form-data; boundary=x; charset=utf-16"),
    "no boundary": (b"step=cancel", "multipart/form-data"),
    "never closed": (
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb',
        "multipart/form-data; boundary=x",
    ),
    "a thousand fields": ("&".join(f"a{n}=1" for n in range(1500)).encode(), "application/x-www-form-urlencoded"),
    "no text": (b"step=%ff%fe&answer=%ff", "application/x-www-form-urlencoded"),
    "JSON": (b'{"step": "cancel"}', "application/json"),
}


@pytest.mark.parametrize(("body", "kind"), BODIES.values(), ids=BODIES.keys())
def test_body_that_is_no_form_never_fails(world: World, body: bytes, kind: str) -> None:
    visit = world.book(in_days(7)(9))
    for path in (f"/a/{visit.reference}", "/book/riverside", "/status?clinic=riverside", "/sign-in", "/nowhere"):
        for client in (Client(headers={"Accept": "text/html"}), Client(enforce_csrf_checks=True)):
            answer: Any = client.generic("POST", path, body, content_type=kind)
            assert answer.status_code in (200, 400, 403, 404), path
    visit.refresh_from_db()
    assert visit.status == "confirmed"


def test_address_with_unreadable_days_and_numbers_never_fails(world: World) -> None:
    visit, paula = world.book(in_days(7)(9)), Patient.objects.get(user=world.paula)
    guest, patient, desk, owner = Client(), signed_in(world.paula), signed_in(world.sam), signed_in(world.olga)
    pages = [
        (guest, f"/a/{visit.reference}", ("move",)),
        (guest, "/book/riverside", ("date", "start", "service", "practitioner")),
        (patient, f"/me/visits/{visit.pk}/move", ("date",)),
        (patient, "/me/book", ("date", "service", "patient")),
        (patient, "/me/waitlist/add", ("service", "practitioner")),
        (desk, f"/patients/{paula.pk}/visits/{visit.pk}/move", ("date",)),
        (desk, f"/patients/{paula.pk}/merge", ("into",)),
        (desk, "/messages", ("patient", "before")),
        (desk, "/waitlist/add", ("patient",)),
        (owner, "/settings/closures", ("who", "year", "start", "end")),
        (owner, "/reports", ("from", "to")),
        (desk, "/calendar", ("date", "who")),
    ]
    for client, path, names in pages:
        for name in names:
            for value in [*DAYS, *NUMBERS, *INSTANTS]:
                answer: Any = client.get(path, {name: value})
                assert answer.status_code < 500, (path, name, value[:20])


@pytest.mark.parametrize("text", [*NUMBERS, "0", "", "+1", "1_000", " 1"])
def test_text_that_is_no_number(text: str) -> None:
    assert number_in(text) is None


@pytest.mark.parametrize("text", [*DAYS[2:], "9999-12-31", "", "2026-12"])
def test_text_that_is_no_day(text: str) -> None:
    assert date_in(text) is None


@pytest.mark.parametrize("text", [*INSTANTS, "", "2026-12-10"])
def test_text_that_is_no_instant(text: str) -> None:
    assert instant_in(text) is None


def test_readable_values_are_read() -> None:
    start = in_days(1)(9)
    assert number_in("17") == 17
    assert date_in(start.date().isoformat()) == start.date()
    assert instant_in(start.isoformat()) == start
