"""Visits that the clinic deletes: gone for the clinic, cancelled for their patient."""

from datetime import timedelta
from typing import Any

import pytest
from clinic.accounts.models import User
from clinic.appointments.models import Appointment
from django.db import DatabaseError, connection, transaction

from testkit.clinic.answers import APPOINTMENTS, refusal
from testkit.clinic.times import in_days
from testkit.clinic.world import World, row_of

NINE = in_days(2)(9)


@pytest.fixture
def deleted(world: World) -> Appointment:
    """Paula's visit with Petra, deleted by the desk."""
    appointment = world.book(NINE)
    assert world.client(world.sam).delete(f"{APPOINTMENTS}/{appointment.pk}").status_code == 204
    return row_of(appointment)


def ids_of(world: World, viewer: User, path: str, **query: Any) -> list[int]:
    rows = world.client(viewer).get(path, query).json()["results"]
    return [row.get("appointment") or row["id"] for row in rows]


def test_deletion_cancels_in_one_step(deleted: Appointment) -> None:
    assert (deleted.status, deleted.version, deleted.updated_at) == ("cancelled", 2, deleted.deleted_at)


@pytest.mark.parametrize("who", ["olga", "sam", "petra"])
def test_clinic_no_longer_sees_it(world: World, deleted: Appointment, who: str) -> None:
    viewer = getattr(world, who)
    client = world.client(viewer)
    for scope in ("active", "history", "all"):
        assert ids_of(world, viewer, APPOINTMENTS, scope=scope) == []
    assert ids_of(world, viewer, APPOINTMENTS, status="cancelled") == []
    for method in ("get", "patch", "delete"):
        assert refusal(getattr(client, method)(f"{APPOINTMENTS}/{deleted.pk}")) == (404, "not_found")
    assert refusal(client.post(f"{APPOINTMENTS}/{deleted.pk}/confirm")) == (404, "not_found")
    by_phone = client.get(f"{APPOINTMENTS}/by_phone", {"phone": world.paula.patient.phone})
    assert by_phone.json()["results"] == []
    export: Any = client.get(f"{APPOINTMENTS}/export.csv", {"scope": "all"})
    assert b"Paula" not in b"".join(export.streaming_content)
    counted = client.get(f"{APPOINTMENTS}/stats/doctor/{world.petra.practitioner.pk}").json()
    assert "'cancelled': 1" not in str(counted)


def test_patient_sees_it_as_cancelled(world: World, deleted: Appointment) -> None:
    client = world.client(world.paula)
    assert ids_of(world, world.paula, APPOINTMENTS, scope="history") == [deleted.pk]
    shown = client.get(f"{APPOINTMENTS}/{deleted.pk}").json()
    assert (shown["status"], "deleted_at" in shown) == ("cancelled", False)
    lines = client.get(f"{APPOINTMENTS}/{deleted.pk}/history").json()["results"]
    assert [(line["action"], line["to_status"]) for line in lines] == [("create", "confirmed"), ("delete", "cancelled")]


def test_guest_sees_it_as_cancelled_by_the_reference(world: World, deleted: Appointment) -> None:
    Appointment.objects.filter(pk=deleted.pk).update(reference="a" * 32)
    shown = world.client().get(f"/api/v1/public/bookings/{'a' * 32}").json()
    assert shown["status"] == "cancelled"


def test_desk_still_reads_its_history(world: World, deleted: Appointment) -> None:
    for viewer in (world.olga, world.sam):
        assert set(ids_of(world, viewer, "/api/v1/history")) == {deleted.pk}
        assert ids_of(world, viewer, f"{APPOINTMENTS}/{deleted.pk}/history") == [deleted.pk] * 2


def test_deleted_time_is_free(world: World, deleted: Appointment) -> None:
    assert world.book(NINE, patient=world.pete, now=NINE - timedelta(days=1)).status == "confirmed"


def test_completed_visit_that_is_deleted_is_cancelled_and_tells_nobody(world: World) -> None:
    appointment = world.book(NINE)
    Appointment.objects.filter(pk=appointment.pk).update(status="completed")
    world.client(world.sam).delete(f"{APPOINTMENTS}/{appointment.pk}")
    assert row_of(appointment).status == "cancelled"
    assert not appointment.messages.filter(template="cancelled").exists()


def test_raw_sql_deletes_for_everybody(world: World) -> None:
    appointment = world.book(NINE)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM appointment WHERE id = %s", [appointment.pk])
    assert refusal(world.client(world.paula).get(f"{APPOINTMENTS}/{appointment.pk}")) == (404, "not_found")
    assert set(ids_of(world, world.sam, "/api/v1/history")) == {appointment.pk}


def test_raw_sql_cannot_revive_what_nobody_at_the_clinic_sees(deleted: Appointment) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        Appointment.objects.filter(pk=deleted.pk).update(status="confirmed")
