"""The home of each role and the reports: what they are told when they open."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.clinic_setup.services.absences import request_absence
from clinic.messaging.services.delays import announce_delay
from clinic.outbox.models import DeliveryChannel, Message, MessageKind, MessageState
from clinic.outbox.services import About, NewMessage, queue_message
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from testkit.clinic.times import in_days
from testkit.clinic.world import World, fresh


def opened_by(user: User, path: str = "/home") -> Any:
    client = Client()
    client.force_login(user)
    return client.get(path)


def told(response: Any) -> dict[str, Any]:
    assert response.status_code == 200
    [found] = re.findall(r'<script id="page" type="application/json">(.*?)</script>', response.content.decode())
    page: dict[str, Any] = json.loads(found)
    return page


@pytest.fixture
def busy(world: World) -> World:
    """Petra is late, asks for a day on which Paula is booked, and a mail of today failed."""
    now = timezone.now()
    booked = world.book(in_days(20)(10))
    with transaction.atomic():
        message = queue_message(
            NewMessage(
                about=About(world.clinic.pk),
                kind=MessageKind.CHANGE,
                channel=DeliveryChannel.EMAIL,
                template="confirmed",
                recipient="paula@example.org",
                context={"patient": "Paula"},
            )
        )
    assert message is not None
    Message.objects.filter(pk=message.pk).update(state=MessageState.DEAD, appointment=booked)
    day = in_days(20)(0).date()
    request_absence(user=fresh(world.petra), fields={"start_date": day, "end_date": day}, now=now)
    announce_delay(user=fresh(world.petra), practitioner_id=world.petra.practitioner.pk, minutes=15, now=now)
    return world


def test_desk_is_told_gaps_failures_absences_and_delays(busy: World) -> None:
    page = told(opened_by(busy.sam))
    [failed] = page["failed"]
    assert (failed["patient"], failed["recipient"], failed["channel"]) == ("Paula", "paula@example.org", "email")
    [absence] = page["absences"]
    assert (absence["practitioner_name"], len(absence["conflicts"])) == ("Dr Petra", 1)
    assert page["delays"] == [{"practitioner": busy.petra.practitioner.pk, "name": "Dr Petra", "minutes": 15}]
    assert {gap["practitioner_name"] for gap in page["gaps"]} <= {"Dr Petra", "Dr Quentin"}


def test_long_text_of_a_failed_message_is_cut_between_words(busy: World) -> None:
    Message.objects.update(subject="", body="Your visit is booked. " * 10)
    [failed] = told(opened_by(busy.sam))["failed"]
    assert failed["subject"] == "Your visit is booked. " * 5 + "Your …"


def test_failure_of_last_week_is_told_no_more(busy: World) -> None:
    Message.objects.update(created_at=timezone.now() - timedelta(days=8))
    assert told(opened_by(busy.sam))["failed"] == []


def test_practitioner_is_told_their_own(busy: World) -> None:
    page = told(opened_by(busy.petra))
    assert (page["practitioner"], page["delay"]) == (busy.petra.practitioner.pk, 15)
    assert [one["state"] for one in page["absences"]] == ["requested"]
    quentins = told(opened_by(busy.quentin))
    assert (quentins["delay"], quentins["absences"]) == (0, [])


def test_owner_has_figures_and_the_desks_page(busy: World) -> None:
    page = told(opened_by(busy.olga))
    assert (page["sources"]["waitlist"], len(page["absences"])) == ("Waitlist", 1)
    assert "gaps" in told(opened_by(busy.olga, "/home/desk"))
    assert told(opened_by(busy.sam, "/reports"))["today"] == f"{in_days(0)(0).date()}"


def test_home_costs_the_same_for_one_or_many_rows(busy: World) -> None:
    costs: list[int] = []
    for days in (21, 22):
        with CaptureQueriesContext(connection) as seen:
            opened_by(busy.sam)
        costs.append(len(seen))
        busy.book(in_days(days)(10))
        day = in_days(days)(0).date()
        request_absence(user=fresh(busy.petra), fields={"start_date": day, "end_date": day}, now=timezone.now())
    assert costs[0] == costs[1]


def test_signing_in_leads_the_clinics_people_home(world: World) -> None:
    for user in (world.olga, world.sam, world.petra):
        response = opened_by(user, "/")
        assert (response.status_code, response["Location"]) == (302, "/home")


def test_reports_stand_in_the_navigation_of_the_desk(world: World) -> None:
    for user, is_there in ((world.olga, True), (world.sam, True), (world.petra, False)):
        assert ('href="/reports"' in opened_by(user).content.decode()) is is_there
