"""All that the page of a record shows, in one answer."""

from typing import Any

from clinic.appointments.models import Appointment
from clinic.outbox.models import Message
from clinic.people.models import Patient
from clinic.people.services.families import add_family_member
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from testkit.clinic.answers import refusal
from testkit.clinic.incoming import write
from testkit.clinic.times import in_days
from testkit.clinic.waitlist import wait
from testkit.clinic.world import World, fresh


def overview(world: World, *, by: str = "sam", patient: Patient | None = None) -> Any:
    patient = patient or world.paula.patient
    return world.client(getattr(world, by)).get(f"/api/v1/patients/{patient.pk}/overview")


def test_overview_shows_visits_messages_waitlist_family_and_duplicates(world: World) -> None:
    Patient.objects.filter(pk=world.paula.patient.pk).update(alert="Allergic to penicillin", phone="+491705555555")
    past, later, soon = world.book(in_days(-9)(9)), world.book(in_days(6)(9)), world.book(in_days(3)(9))
    Appointment.objects.filter(pk=past.pk).update(status="no_show")
    entry = wait(world)
    mia = add_family_member(user=fresh(world.paula), name="Mia", now=timezone.now()).patient
    twin = Patient.objects.create(clinic=world.clinic, name="Paula", phone="+491705555555")
    write("Can I bring my dog?", sender="+491705555555")
    shown = overview(world).json()
    assert shown["patient"]["alert"] == "Allergic to penicillin"
    assert shown["next"]["id"] == soon.pk
    assert [one["id"] for one in shown["ahead"]] == [soon.pk, later.pk]
    assert ([one["id"] for one in shown["past"]], shown["past_count"], shown["missed"]) == ([past.pk], 1, 1)
    assert [line["direction"] for line in shown["messages"]][:1] == ["received"]
    assert {line["direction"] for line in shown["messages"]} == {"sent", "received"}
    assert shown["waiting"] == 1
    assert [one["id"] for one in shown["waitlist"]] == [entry.pk]
    assert [(one["id"], one["books"]) for one in shown["family"]] == [(mia.pk, False)]
    assert [one["id"] for one in shown["possible_duplicates"]] == [twin.pk]
    of_mia = overview(world, patient=mia).json()
    assert [(one["id"], one["books"]) for one in of_mia["family"]] == [(world.paula.patient.pk, True)]
    assert [line["direction"] for line in of_mia["messages"]] == ["received"]


def test_practitioner_sees_their_own_part(world: World) -> None:
    own = world.book(in_days(3)(9))
    world.book(in_days(3)(10), practitioner=world.quentin)
    wait(world)
    shown = overview(world, by="petra").json()
    assert [one["id"] for one in shown["ahead"]] == [own.pk]
    assert (shown["messages"], shown["waiting"], shown["waitlist"], shown["family"]) == (None, 0, [], [])
    assert refusal(overview(world, by="petra", patient=world.pete.patient)) == (404, "not_found")
    assert refusal(overview(world, by="otto")) == (404, "not_found")


def test_overview_takes_the_same_statements_for_few_and_many(world: World) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert overview(world).status_code == 200
        return len(seen)

    world.book(in_days(3)(9))
    wait(world)
    add_family_member(user=fresh(world.paula), name="Mia", now=timezone.now())
    write("Hello?", sender="+491701234567")
    few = statements()
    for number in range(8):
        world.book(in_days(4 + number)(9))
        wait(world)
        add_family_member(user=fresh(world.paula), name=f"Mia {number}", now=timezone.now())
        write(f"Hello {number}?", sender="+491701234567")
    assert Message.objects.count() > 8
    assert statements() == few <= 24
