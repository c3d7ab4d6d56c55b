"""The clinic calls a patient in: once more if need be, and into a room."""

from typing import Any

import pytest
from clinic.appointments.models import Appointment, AppointmentEvent
from clinic.outbox.models import DeliveryChannel, Message, MessageKind, MessageState
from clinic.scheduling.models import Clinic
from pytest_django.fixtures import Settings

from testkit.clinic.times import At
from testkit.clinic.world import World, row_of


@pytest.fixture
def visit(world: World) -> Appointment:
    """Paula's with Petra, begun a moment ago."""
    return world.book_now()


def call(world: World, visit: Appointment, who: str = "sam", **given: Any) -> Any:
    return world.client(getattr(world, who)).post(f"/api/v1/appointments/{visit.pk}/call", given, format="json")


def test_call_is_shown_with_its_room_and_in_the_history(world: World, visit: Appointment) -> None:
    answer = call(world, visit, room=" 2 ", version=visit.version).json()
    assert (answer["room"], answer["version"]) == ("2", visit.version + 1)
    assert answer["called_at"] is not None
    line = AppointmentEvent.objects.filter(appointment_id=visit.pk).latest("pk")
    assert (line.action, line.actor_name) == ("call", world.sam.name)


@pytest.mark.parametrize("room", ["2\r\n3", "\u202e2", "2\x07", "x" * 61])
def test_room_that_cannot_stand_on_a_wall_is_refused(world: World, visit: Appointment, room: str) -> None:
    assert call(world, visit, room=room).status_code == 400
    assert row_of(visit).called_at is None


def test_call_without_a_room_is_into_the_last_one(world: World, visit: Appointment) -> None:
    call(world, visit, room="Blue")
    assert call(world, visit).json()["room"] == "Blue"
    assert call(world, visit, room="").json()["room"] == ""


def test_second_call_is_a_new_call(world: World, visit: Appointment) -> None:
    first = call(world, visit).json()["called_at"]
    assert call(world, visit).json()["called_at"] > first


@pytest.mark.parametrize("status", ["pending", "completed", "cancelled", "no_show"])
def test_call_of_a_visit_that_is_undecided_or_over_is_refused(world: World, visit: Appointment, status: str) -> None:
    Appointment.objects.filter(pk=visit.pk).update(status=status)
    refused = call(world, visit)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "transition_not_allowed")


def test_call_on_another_day_is_refused(world: World, tomorrow_at: At) -> None:
    refused = call(world, world.book(tomorrow_at(9)))
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "not_today")


def test_call_of_an_older_version_is_refused_with_the_row(world: World, visit: Appointment) -> None:
    refused = call(world, visit, version=visit.version + 5)
    assert (refused.status_code, refused.json()["current"]["id"]) == (409, visit.pk)


def test_patients_call_nobody(world: World, visit: Appointment) -> None:
    assert call(world, visit, "paula").status_code == 403
    assert call(world, visit, "petra").status_code == 200


class TestTellingThePatient:
    def called(self, channel: str | None = None) -> list[Message]:
        sent = Message.objects.filter(template__in=["called_in", "push_called"]).order_by("pk")
        return list(sent if channel is None else sent.filter(channel=channel))

    def test_call_is_told_at_once_in_the_app_and_not_by_sms(
        self, world: World, visit: Appointment, settings: Settings
    ) -> None:
        settings.SMS_IS_CONFIGURED = True
        call(world, visit, room="2")
        (told,) = self.called()
        assert (told.channel, told.state, told.user_id) == (
            DeliveryChannel.IN_APP,
            MessageState.DELIVERED,
            world.paula.pk,
        )
        assert (told.subject, told.kind) == ("Please come in", MessageKind.DAY)
        assert told.body.endswith("is expecting you. Room: 2.")

    def test_clinic_may_send_an_sms_too_also_right_after_another_message(
        self, world: World, visit: Appointment, settings: Settings
    ) -> None:
        settings.SMS_IS_CONFIGURED = True
        changed = world.client(world.olga).patch("/api/v1/clinic", {"call_by_sms": True})
        assert (changed.status_code, changed.json()["call_by_sms"]) == (200, True)
        call(world, visit)
        (told,) = self.called(DeliveryChannel.SMS)
        assert told.send_at == told.created_at
        assert "please come in now" in told.body
        assert "Room" not in told.body

    def test_second_call_withdraws_the_first_one_that_was_not_sent(
        self, world: World, visit: Appointment, settings: Settings
    ) -> None:
        settings.SMS_IS_CONFIGURED = True
        Clinic.objects.filter(pk=world.clinic.pk).update(call_by_sms=True)
        call(world, visit, room="1")
        call(world, visit, room="2")
        assert [one.state for one in self.called(DeliveryChannel.SMS)] == [MessageState.CANCELLED, MessageState.QUEUED]
        assert len(self.called(DeliveryChannel.IN_APP)) == 2
