"""Messages by change, reader and way."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from clinic.appointments.lifecycle import Status
from clinic.messaging.catalogue import (
    CATALOGUE,
    TRUE_OF,
    MessageAudience,
    MessageFacts,
    News,
    is_outdated,
    is_true_of,
    is_worth_telling,
    news_of,
)
from clinic.outbox.contact_routes import Reachable, Ways, ways_to

START = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
ASKED = MessageFacts(Status.PENDING, START, START + HOUR, practitioner_id=1)
AGREED = replace(ASKED, status=Status.CONFIRMED)
TEMPLATES = Path(__file__).parents[2] / "clinic/messaging/templates/messages"


def as_(status: Status) -> MessageFacts:
    return replace(AGREED, status=status)


@pytest.mark.parametrize(
    ("before", "after", "action", "by_patient", "news"),
    [
        (None, ASKED, "create", True, News.REQUESTED),
        (None, AGREED, "create", False, News.CONFIRMED),
        (None, AGREED, "create", True, News.BOOKED),
        (None, as_(Status.CHECKED_IN), "create", False, None),
        (ASKED, AGREED, "confirm", False, News.CONFIRMED),
        (ASKED, as_(Status.REJECTED), "reject", False, News.REJECTED),
        (ASKED, as_(Status.CANCELLED), "cancel", False, News.REQUEST_CANCELLED),
        (ASKED, as_(Status.CANCELLED), "cancel", True, News.REQUEST_WITHDRAWN),
        (ASKED, as_(Status.CANCELLED), "expire", False, News.EXPIRED),
        (AGREED, as_(Status.CANCELLED), "cancel", False, News.CANCELLED),
        (AGREED, as_(Status.CANCELLED), "cancel", True, News.WITHDRAWN),
        (AGREED, as_(Status.NO_SHOW), "no-show", False, News.MISSED),
        (AGREED, as_(Status.CHECKED_IN), "check-in", False, None),
        (as_(Status.CHECKED_IN), as_(Status.COMPLETED), "complete", False, None),
        (as_(Status.NO_SHOW), as_(Status.CHECKED_IN), "reopen", False, None),
        (AGREED, replace(AGREED, starts_at=START - HOUR), "move", False, News.MOVED),
        (AGREED, replace(AGREED, ends_at=START + 2 * HOUR), "move", False, News.MOVED),
        (ASKED, replace(ASKED, practitioner_id=2), "move", False, News.REQUEST_MOVED),
        (ASKED, ASKED, "edit", False, None),
        (AGREED, AGREED, "edit", False, None),
        (AGREED, AGREED, "attend", True, None),
        (AGREED, AGREED, "ask-move", True, News.MOVE_ASKED),
        (AGREED, AGREED, "keep-time", False, News.TIME_KEPT),
        (ASKED, ASKED, "keep-time", False, News.TIME_KEPT),
        (AGREED, AGREED, "call", False, None),
        (AGREED, None, "delete", False, News.CANCELLED),
        (ASKED, None, "delete", False, News.REQUEST_CANCELLED),
        (as_(Status.CANCELLED), None, "delete", False, None),
        (as_(Status.COMPLETED), None, "delete", False, None),
    ],
)
def test_each_change_is_some_news_or_none(
    before: MessageFacts | None, after: MessageFacts | None, action: str, by_patient: bool, news: News | None
) -> None:
    assert news_of(before, after, action=action, by_patient=by_patient) == news


def test_of_all_news_it_is_known_what_it_is_true_of() -> None:
    assert set(TRUE_OF) == set(News)


@pytest.mark.parametrize(
    ("cause", "true_of"),
    [
        ("requested", {Status.PENDING}),
        ("confirmed", {Status.CONFIRMED}),
        ("booked", {Status.CONFIRMED}),
        ("moved", {Status.CONFIRMED}),
        ("request_moved", {Status.PENDING}),
        ("request_cancelled", {Status.CANCELLED, None}),
        ("cancelled", {Status.CANCELLED, None}),
        ("missed", {Status.NO_SHOW}),
        ("", {*Status, None}),
        ("of a later version", {*Status, None}),
    ],
)
def test_news_is_true_of_what_an_appointment_became_by_it(cause: str, true_of: set[Status | None]) -> None:
    assert {status for status in (*Status, None) if is_true_of(cause, status)} == true_of


def test_a_note_or_a_promise_makes_nothing_untrue_and_every_other_change_does() -> None:
    assert not is_outdated(None, AGREED)
    assert not is_outdated(AGREED, AGREED)
    assert all(
        is_outdated(AGREED, after) for after in (None, as_(Status.CANCELLED), replace(AGREED, starts_at=START + HOUR))
    )


def test_visit_that_has_begun_is_told_only_as_missed() -> None:
    still_told = {
        (news, telling.to)
        for news, row in CATALOGUE.items()
        for telling in row
        if is_worth_telling(telling, START, now=START + HOUR)
    }
    assert still_told == {
        (News.MISSED, MessageAudience.PATIENT),
        (News.MISSED, MessageAudience.CLINIC),
        (News.EXPIRED, MessageAudience.PATIENT),
    }


def test_everything_that_is_told_has_its_words() -> None:
    for row in CATALOGUE.values():
        for telling in row:
            channels = ["in_app"] if telling.in_app else []
            if telling.ways is not None:
                channels += ["email"] if telling.ways is Ways.MAIL else ["email", "sms"]
            for template in filter(None, (telling.template, telling.several)):
                assert all((TEMPLATES / f"{template}.{channel}.txt").exists() for channel in channels), template


PHONE, MAIL = "+491701234567", "paula@riverside.example"


@pytest.mark.parametrize(
    ("ways", "phone", "email", "told"),
    [
        (Ways.EVERY, PHONE, MAIL, {"sms": PHONE, "email": MAIL}),
        (Ways.EVERY, "", MAIL, {"email": MAIL}),
        (Ways.EVERY, PHONE, "", {"sms": PHONE}),
        (Ways.MAIL, PHONE, MAIL, {"email": MAIL}),
        (Ways.MAIL, PHONE, "", {}),
        (Ways.MAIL_FIRST, PHONE, MAIL, {"email": MAIL}),
        (Ways.MAIL_FIRST, PHONE, "", {"sms": PHONE}),
        (Ways.SMS_FIRST, PHONE, MAIL, {"sms": PHONE}),
        (Ways.SMS_FIRST, "", MAIL, {"email": MAIL}),
        (Ways.EVERY, "", "", {}),
        (Ways.SMS, PHONE, MAIL, {"sms": PHONE}),
        (Ways.SMS, "", MAIL, {}),
    ],
)
def test_message_takes_a_way_that_is_known(ways: Ways, phone: str, email: str, told: dict[str, str]) -> None:
    found = ways_to(Reachable(phone, email), ways, sms_can_come=True)
    assert {way.channel: way.recipient for way in found} == told


def test_an_sms_alone_has_a_mail_behind_it() -> None:
    [sms] = ways_to(Reachable(PHONE, MAIL), Ways.SMS_FIRST, sms_can_come=True)
    assert sms.fallback_recipient == MAIL
    assert {way.fallback_recipient for way in ways_to(Reachable(PHONE, MAIL), Ways.EVERY, sms_can_come=True)} == {""}


def test_without_a_provider_an_sms_is_for_who_has_nothing_else() -> None:
    def told(email: str) -> set[str]:
        return {way.channel for way in ways_to(Reachable(PHONE, email), Ways.EVERY, sms_can_come=False)}

    assert (told(MAIL), told("")) == ({"email"}, {"sms"})
