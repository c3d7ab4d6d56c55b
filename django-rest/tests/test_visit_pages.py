"""`/a/<reference>` and `/offer/<token>`: pages for whoever has the link, with forms that need no scripts."""

import re
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest
from clinic.appointments.models import Appointment
from clinic.common.limits import Limit
from clinic.outbox.push_subscriptions import offered_key
from clinic.portal.views import visit as visit_pages
from clinic.scheduling.models import Clinic
from clinic.waitlist.models import WaitlistEntry, WaitlistOffer
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from testkit.clinic.times import in_days
from testkit.clinic.world import World, row_of

from .test_permission_matrix import offer_to_paula

NINE, TEN = in_days(7)(9), in_days(7)(10)


@pytest.fixture
def visit(world: World) -> Appointment:
    return world.book(NINE)


def page_of(one: Appointment, query: str = "", **headers: str) -> Any:
    return Client().get(f"/a/{one.reference}{query}", headers=headers)


def press(one: Appointment, step: str, **more: str) -> Any:
    return Client().post(f"/a/{one.reference}", {"step": step, **more})


def test_page_shows_the_visit_and_names_its_link_nowhere_but_in_itself(visit: Appointment) -> None:
    page = page_of(visit)
    text = page.content.decode()
    assert page.status_code == 200
    assert "Confirmed" in text
    assert "09:00" in text
    assert visit.reference not in re.findall(r"<title>(.*?)</title>", text)[0]
    assert page.headers["Referrer-Policy"] == "strict-origin"
    assert "noindex" in page.headers["X-Robots-Tag"]
    assert "no-store" in page.headers["Cache-Control"]
    assert "og:" not in text
    assert "Paula" not in text


def test_page_speaks_german(visit: Appointment) -> None:
    text = page_of(visit, **{"Accept-Language": "de"}).content.decode()
    assert "Bestätigt" in text
    assert "Termin verschieben" in text


def test_page_speaks_the_language_of_the_clinic_where_the_browser_asks_for_none_of_ours(
    world: World, visit: Appointment
) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(language="de")
    reads_french = Client(headers={"Accept-Language": "fr"})
    for path in (
        f"/a/{visit.reference}",
        f"/offer/{offer_to_paula(world)}",
        "/book/riverside",
        "/status?clinic=riverside",
    ):
        page = reads_french.get(path)
        assert page.status_code == 200, path
        assert '<html lang="de"' in page.content.decode(), path
    refused = reads_french.post(f"/a/{visit.reference}", {"step": "arrive"}).content.decode()
    assert "können Sie sagen, dass Sie da sind" in unescape(refused)
    assert '<html lang="en"' in page_of(visit, **{"Accept-Language": "en"}).content.decode()


@pytest.mark.parametrize("path", ["/a/{}", "/a/{}/card", "/a/{}/visit.ics", "/offer/{}"])
def test_unknown_link_is_a_page_that_says_so(world: World, path: str) -> None:
    page = Client().get(path.format("x" * 22))
    assert page.status_code == 404
    assert "This link leads nowhere" in page.content.decode()
    assert page.headers["Referrer-Policy"] == "strict-origin"


def test_attendance_and_cancellation_by_forms(visit: Appointment) -> None:
    done = press(visit, "attend")
    assert (done.status_code, done.headers["Location"]) == (302, f"/a/{visit.reference}?done=attend")
    assert row_of(visit).attendance_confirmed_at is not None
    assert "You have said that you will come." in page_of(visit).content.decode()
    press(visit, "cancel", reason="ill")
    assert (row_of(visit).status, row_of(visit).cancel_reason) == ("cancelled", "ill")
    text = page_of(visit).content.decode()
    assert "Cancelled" in text
    assert 'id="cancel"' not in text


def test_open_times_are_shown_when_asked_for_and_move_the_visit(visit: Appointment) -> None:
    assert 'name="start"' not in page_of(visit).content.decode()
    text = page_of(visit, f"?move={NINE:%Y-%m-%d}").content.decode()
    starts = re.findall(r'name="start" value="([^"]+)"', text)
    assert NINE.isoformat() not in starts
    done = press(visit, "move", start=starts[0])
    assert done.headers["Location"].endswith("?done=move")
    assert row_of(visit).starts_at.isoformat() == starts[0]


def test_move_where_the_desk_decides_says_so(world: World, visit: Appointment) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(patient_moves="request")
    assert press(visit, "move", start=TEN.isoformat()).headers["Location"].endswith("?done=ask")
    text = page_of(visit, "?done=ask").content.decode()
    assert "You asked for" in text
    assert "The clinic is asked for the other time." in text


def test_refusal_is_a_sentence_on_the_page(world: World, visit: Appointment) -> None:
    world.book(TEN, patient=world.pete)
    refused = press(visit, "move", start=TEN.isoformat())
    assert refused.status_code == 409
    assert "This time has just been taken. Choose another one." in refused.content.decode()


@pytest.mark.parametrize("given", [{"step": "explode"}, {"step": "move"}, {"step": "move", "start": "soon"}, {}])
def test_nonsense_is_refused_on_the_page(visit: Appointment, given: dict[str, str]) -> None:
    refused = Client().post(f"/a/{visit.reference}", given)
    assert refused.status_code == 400
    assert row_of(visit).version == visit.version


def test_calendar_file_is_the_visit(visit: Appointment) -> None:
    file = Client().get(f"/a/{visit.reference}/visit.ics")
    assert file.headers["Content-Type"] == "text/calendar; charset=utf-8"
    text = file.content.decode()
    assert f"UID:{visit.calendar_uid}" in text
    assert "METHOD:PUBLISH" in text
    assert visit.reference not in text


def test_page_costs_a_fixed_number_of_statements(visit: Appointment, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(6):
        page_of(visit)


def test_visit_ahead_offers_web_push_and_is_kept_for_the_page_without_a_network(
    visit: Appointment, settings: Settings
) -> None:
    text = page_of(visit).content.decode()
    assert f'data-key="{offered_key()}"' in text
    assert 'data-when="' in text
    settings.SHARED = settings.SHARED.model_copy(update={"vapid_secret": None})
    assert 'id="push"' not in page_of(visit).content.decode()


def test_visit_that_is_over_is_neither_pushed_nor_kept(visit: Appointment) -> None:
    press(visit, "cancel")
    text = page_of(visit).content.decode()
    assert 'id="push"' not in text
    assert 'data-when="' not in text


def test_many_tries_are_stopped(visit: Appointment, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SHARED = settings.SHARED.model_copy(update={"enable_rate_limits": True})
    monkeypatch.setattr(visit_pages, "VISIT_LINKS", Limit("visit-link", 1, timedelta(minutes=1)))
    assert page_of(visit).status_code == 200
    refused = page_of(visit)
    assert (refused.status_code, int(refused.headers["Retry-After"]) > 0) == (429, True)
    assert "Too many tries" in page_of(visit).content.decode()


class TestOffers:
    @pytest.fixture
    def offer(self, world: World) -> WaitlistOffer:
        return WaitlistOffer.objects.get(token=offer_to_paula(world))

    def answer(self, offer: WaitlistOffer, answer: str) -> Any:
        return Client().post(f"/offer/{offer.token}", {"answer": answer})

    def test_yes_books_the_time_and_leads_to_the_visit(self, offer: WaitlistOffer) -> None:
        assert "A time has become free for you" in Client().get(f"/offer/{offer.token}").content.decode()
        assert self.answer(offer, "yes").status_code == 302
        offer.refresh_from_db()
        assert offer.appointment_id is not None
        booked = Appointment.objects.get(pk=offer.appointment_id)
        assert (offer.state, booked.status) == ("accepted", "confirmed")
        assert f"/a/{booked.reference}" in Client().get(f"/offer/{offer.token}").content.decode()

    def test_no_leaves_it_to_others(self, offer: WaitlistOffer) -> None:
        self.answer(offer, "no")
        assert WaitlistEntry.objects.get(pk=offer.entry_id).state == "waiting"
        assert "You left this time to others" in Client().get(f"/offer/{offer.token}").content.decode()

    @pytest.mark.parametrize("said", ["", "maybe", "YES"])
    def test_answer_that_is_neither_yes_nor_no_leaves_the_offer_open(self, offer: WaitlistOffer, said: str) -> None:
        assert self.answer(offer, said).status_code == 400
        offer.refresh_from_db()
        assert offer.state == "open"

    def test_accepted_offer_does_not_lead_to_a_visit_whose_link_was_revoked(
        self, world: World, offer: WaitlistOffer
    ) -> None:
        self.answer(offer, "yes")
        offer.refresh_from_db()
        world.client(world.sam).post(f"/api/v1/appointments/{offer.appointment_id}/revoke-link")
        text = Client().get(f"/offer/{offer.token}").content.decode()
        assert "It is yours" in text
        assert "/a/" not in text

    def test_late_answer_is_a_sentence(self, offer: WaitlistOffer) -> None:
        WaitlistOffer.objects.filter(pk=offer.pk).update(expires_at=timezone.now())
        refused = self.answer(offer, "yes")
        assert refused.status_code == 409
        assert "This time is not kept any more" in refused.content.decode()


def test_route_leads_to_the_clinics_address(world: World, visit: Appointment) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(address="Uferweg 1, 10115 Berlin")
    assert quote("Uferweg 1, 10115 Berlin") in page_of(visit).content.decode()


def test_times_to_move_to_are_for_the_length_that_the_visit_has(world: World, visit: Appointment) -> None:
    longer = {"start": NINE.isoformat(), "duration_minutes": 90, "version": visit.version}
    moved = world.client(world.sam).post(f"/api/v1/appointments/{visit.pk}/reschedule", longer)
    assert moved.status_code == 200, moved.json()
    setup = page_of(visit).context["move_setup"]
    assert (setup["minutes"], setup["own"]["minutes"]) == (90, 90)
    account = Client()
    account.force_login(world.paula)
    assert account.get(f"/me/visits/{visit.pk}/move").context["setup"]["own"]["minutes"] == 90
