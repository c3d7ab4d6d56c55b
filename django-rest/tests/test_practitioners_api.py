"""The owner makes, changes and deactivates practitioners; what becomes of their appointments is said explicitly."""

from collections.abc import Callable
from datetime import time, timedelta
from typing import Any

import pytest
from clinic.accounts.models import Role, User
from clinic.appointments.models import Appointment, AppointmentEvent
from clinic.changefeed.models import RealtimeEvent
from clinic.scheduling.models import Practitioner, Service, ServicePractitioner, WorkingBlock

from testkit.clinic.answers import attr_of, refusal
from testkit.clinic.concurrency import at_once
from testkit.clinic.times import in_days
from testkit.clinic.world import PASSWORD, World, row_of

URL = "/api/v1/practitioners"


def patch(world: World, practitioner: User | None = None, **body: object) -> Any:
    return world.client(world.olga).patch(f"{URL}/{(practitioner or world.petra).practitioner.pk}", body)


def delete(world: World, query: str = "") -> Any:
    return world.client(world.olga).delete(f"{URL}/{world.petra.practitioner.pk}{query}")


def is_active(world: World) -> bool:
    return Practitioner.objects.get(pk=world.petra.practitioner.pk).active


def actions_of(appointment: Appointment) -> list[str]:
    return list(AppointmentEvent.objects.filter(appointment_id=appointment.pk).values_list("action", flat=True))


class TestMaking:
    @pytest.mark.parametrize("name", ["practitioners", "doctors", "profiles/dentists"])
    def test_without_an_account(self, world: World, name: str) -> None:
        body = {"name": "Dr Amara", "specialisation": "Endodontics", "services": [world.check_up.pk]}
        response = world.client(world.olga).post(f"/api/v1/{name}", body)
        row = Practitioner.objects.get(name="Dr Amara")
        assert response.status_code == 201
        both = {"specialisation": "Endodontics", "specialization": "Endodontics"}
        assert response.json() == {
            "id": row.pk,
            **body,
            **both,
            "photo": None,
            "active": True,
            "user": None,
            "version": 1,
        }
        assert row.clinic_id == world.clinic.pk

    def test_with_an_account_that_can_sign_in(self, world: World) -> None:
        account = {"email": "Amara@Riverside.example", "password": PASSWORD, "phone": "030 1234567"}
        made = world.client(world.olga).post(URL, {"name": "Dr Amara", "account": account}).json()
        user = User.objects.get(pk=made["user"])
        assert (user.role, user.clinic_id, user.shown_phone.number) == ("practitioner", world.clinic.pk, "+49301234567")
        signed_in = world.client().post(
            "/api/v1/auth/doctor/login", {"username": "amara@riverside.example", "password": PASSWORD}
        )
        assert signed_in.status_code == 200
        assert world.client(user).get("/api/v1/users/me").json()["practitioner"] == made["id"]

    def test_with_an_account_that_is_there(self, world: World) -> None:
        user = User.objects.create(email="a@riverside.example", name="A", role=Role.PRACTITIONER, clinic=world.clinic)
        made = world.client(world.olga).post(URL, {"name": "Dr Amara", "user": user.pk})
        assert (made.status_code, made.json()["user"]) == (201, user.pk)

    def test_an_account_that_is_somebody_elses_is_refused(self, world: World) -> None:
        elsewhere = User.objects.create(
            email="a@hillside.example", name="A", role=Role.PRACTITIONER, clinic=world.hillside
        )
        for user_id in (world.petra.pk, world.paula.pk, elsewhere.pk, 10**9):
            refused = world.client(world.olga).post(URL, {"name": "Dr Amara", "user": user_id})
            assert (refusal(refused), attr_of(refused)) == ((400, "invalid"), "user")

    @pytest.mark.parametrize(
        ("body", "code", "attr"),
        [
            ({}, "required", "name"),
            ({"name": ""}, "blank", "name"),
            ({"name": "A", "services": [10**9]}, "invalid", "services"),
            ({"name": "A", "account": {"email": "a"}}, "invalid", "account.email"),
            ({"name": "A", "account": {"email": "petra@riverside.example", "password": PASSWORD}}, "invalid", "email"),
            ({"name": "A", "account": {"email": "a@example.org", "password": "12345"}}, "invalid", "password"),
            ({"name": "A", "user": 1, "account": {"email": "a@b.org", "password": PASSWORD}}, "invalid", "account"),
        ],
        ids=str,
    )
    def test_contradictory_input_is_refused_and_leaves_nothing(
        self, world: World, body: dict[str, object], code: str, attr: str
    ) -> None:
        users = User.objects.count()
        response = world.client(world.olga).post(URL, body)
        assert (refusal(response)[0], attr_of(response)) == (400, attr)
        assert refusal(response)[1] == code
        assert (Practitioner.objects.count(), User.objects.count()) == (2, users)


class TestChanging:
    def test_only_named_fields_change(self, world: World) -> None:
        shown = patch(world, name="Dr P", specialisation="Surgery").json()
        assert (shown["name"], shown["specialisation"], shown["services"]) == ("Dr P", "Surgery", [world.check_up.pk])
        assert patch(world, services=[]).json()["services"] == []

    def test_an_account_is_given_and_taken(self, world: World) -> None:
        assert patch(world, user=None).json()["user"] is None
        given = patch(world, account={"email": "new@riverside.example", "password": PASSWORD})
        assert given.status_code == 200
        again = patch(world, account={"email": "newer@riverside.example", "password": PASSWORD})
        assert attr_of(again) == "account"

    def test_a_new_name_refreshes_what_dashboards_show(self, world: World) -> None:
        patch(world, specialisation="Surgery")
        events = RealtimeEvent.objects.filter(clinic_id=world.clinic.pk, kind="refresh").exclude(entity="schedule")
        assert not events.exists()
        patch(world, name="Dr P")
        assert [(event.entity, event.entity_id) for event in events] == [("practitioner", world.petra.practitioner.pk)]

    def test_only_the_desk_sees_the_account_and_who_has_left(self, world: World) -> None:
        Practitioner.objects.create(clinic=world.clinic, name="Dr Retired", active=False)
        for user, count in ((world.olga, 3), (world.sam, 3), (world.paula, 2), (world.petra, 2)):
            listed = world.client(user).get(URL, {"active": "all"}).json()
            assert listed["count"] == count
            assert ("user" in listed["results"][0]) is user.works_at_desk


class TestLeaving:
    @pytest.fixture
    def ahead(self, world: World) -> list[Appointment]:
        """A pending and a confirmed one of Petra's; beside them what does not count."""
        booked = [world.book(in_days(3)(9), service=world.check_up), world.book(in_days(4)(9))]
        Appointment.objects.filter(pk=booked[0].pk).update(status="pending")
        over = world.book(in_days(5)(9))
        Appointment.objects.filter(pk=over.pk).update(status="cancelled")
        world.book(in_days(3)(12), practitioner=world.quentin)
        return booked

    def test_practitioner_without_appointments_ahead_simply_leaves(self, world: World) -> None:
        assert delete(world).status_code == 204
        assert not is_active(world)
        assert delete(world).status_code == 204
        assert world.client().get(f"{URL}/{world.petra.practitioner.pk}?clinic=riverside").status_code == 404

    def test_returning_reader_is_connected_again(self, world: World) -> None:
        delete(world)
        assert patch(world, active=True).json()["active"] is True
        assert is_active(world)

    @pytest.mark.parametrize("leave", [delete, lambda world: patch(world, active=False)], ids=["DELETE", "PATCH"])
    def test_appointments_ahead_are_listed_and_nothing_happens(
        self, world: World, ahead: list[Appointment], leave: Callable[[World], Any]
    ) -> None:
        refused = leave(world)
        assert (refusal(refused), attr_of(refused)) == ((409, "has_appointments"), "appointments")
        assert [row["id"] for row in refused.json()["appointments"]] == [row.pk for row in ahead]
        assert is_active(world)

    def test_they_are_cancelled_each_with_its_history(self, world: World, ahead: list[Appointment]) -> None:
        response = patch(world, active=False, appointments="cancel", reason="Dr Petra has left")
        assert (response.status_code, is_active(world)) == (200, False)
        for appointment in ahead:
            row = row_of(appointment)
            assert (row.status, row.cancel_reason) == ("cancelled", "Dr Petra has left")
            last = AppointmentEvent.objects.filter(appointment_id=row.pk).last()
            assert last is not None
            assert (last.action, last.actor_id, last.reason) == ("cancel", world.olga.pk, "Dr Petra has left")

    def test_they_are_kept_and_can_still_be_moved_by_hand(self, world: World, ahead: list[Appointment]) -> None:
        assert delete(world, "?appointments=keep").status_code == 204
        assert not is_active(world)
        assert [actions_of(row) for row in ahead] == [["create"]] * 2
        moved = world.client(world.sam).patch(
            f"/api/v1/appointments/{ahead[0].pk}", {"practitioner": world.quentin.practitioner.pk}
        )
        assert moved.status_code == 200

    @pytest.mark.parametrize("leave", ["PATCH", "DELETE"])
    def test_they_are_moved_each_with_its_history(self, world: World, ahead: list[Appointment], leave: str) -> None:
        target = world.quentin.practitioner.pk
        if leave == "PATCH":
            assert patch(world, active=False, appointments={"move_to": target}).status_code == 200
        else:
            assert delete(world, f"?move_to={target}").status_code == 204
        assert not is_active(world)
        for appointment, status in zip(ahead, ["pending", "confirmed"], strict=True):
            row = row_of(appointment)
            assert (row.practitioner_id, row.starts_at, row.status) == (target, appointment.starts_at, status)
            assert actions_of(row) == ["create", "move"]

    def test_one_that_cannot_be_moved_is_named_and_none_is(self, world: World, ahead: list[Appointment]) -> None:
        world.book(in_days(4)(8, 45), practitioner=world.quentin, patient=world.pete)
        refused = patch(world, active=False, appointments={"move_to": world.quentin.practitioner.pk})
        assert refusal(refused) == (409, "cannot_move")
        [named] = refused.json()["appointments"]
        assert (named["id"], named["code"]) == (ahead[1].pk, "slot_taken")
        assert is_active(world)
        assert [row_of(row).practitioner_id for row in ahead] == [world.petra.practitioner.pk] * 2
        assert [actions_of(row) for row in ahead] == [["create"]] * 2

    def test_successor_must_offer_the_service_and_work_then(self, world: World, ahead: list[Appointment]) -> None:
        target = world.quentin.practitioner
        ServicePractitioner.objects.filter(practitioner=target).delete()
        WorkingBlock.objects.filter(practitioner=target).update(start_local=time(10))
        refused = patch(world, active=False, appointments={"move_to": target.pk})
        assert [row["code"] for row in refused.json()["appointments"]] == ["invalid", "outside_working_hours"]
        ServicePractitioner.objects.create(practitioner=target, service=world.check_up)
        forced = patch(world, active=False, appointments={"move_to": target.pk}, outside_hours=True)
        assert forced.status_code == 200

    def test_a_service_no_longer_offered_does_not_keep_them(self, world: World, ahead: list[Appointment]) -> None:
        Service.objects.update(active=False, duration_minutes=90)
        moved = patch(world, active=False, appointments={"move_to": world.quentin.practitioner.pk})
        assert moved.status_code == 200
        assert row_of(ahead[0]).ends_at - row_of(ahead[0]).starts_at == timedelta(minutes=30)

    @pytest.mark.parametrize(
        "fate",
        ["delete", "", 7, [], {}, {"move_to": "Quentin"}, {"move_to": True}, {"move_to": 10**9}, {"move_to": -1}, None],
        ids=str,
    )
    def test_a_fate_that_is_none_is_refused(self, world: World, ahead: list[Appointment], fate: object) -> None:
        refused = patch(world, active=False, appointments=fate)
        assert (refused.status_code, attr_of(refused)) == (400, "appointments")
        assert is_active(world)

    def test_takeover_from_oneself_or_from_another_clinic_is_refused(
        self, world: World, ahead: list[Appointment]
    ) -> None:
        olive = Practitioner.objects.create(clinic=world.hillside, name="Dr Olive")
        retired = Practitioner.objects.create(clinic=world.clinic, name="Dr Retired", active=False)
        for target in (world.petra.practitioner, olive, retired):
            refused = patch(world, active=False, appointments={"move_to": target.pk})
            assert (refused.status_code, attr_of(refused)) == (400, "appointments")

    def test_both_ways_to_say_it_at_once_are_refused(self, world: World) -> None:
        assert attr_of(delete(world, "?appointments=keep&move_to=1")) == "move_to"
        assert attr_of(delete(world, "?appointments=burn")) == "appointments"

    def test_former_user_sees_nothing_any_more(self, world: World, ahead: list[Appointment]) -> None:
        client = world.client(world.petra)
        delete(world, "?appointments=keep")
        assert client.get("/api/v1/appointments").json()["count"] == 0
        sessions = RealtimeEvent.objects.filter(clinic_id=0, kind="session", entity_id=world.petra.pk)
        assert sessions.exists()


@pytest.mark.race
def test_a_booking_and_a_departure_at_once_never_leave_an_appointment_behind(committed_world: World) -> None:
    world = committed_world
    for round_number in range(6):
        Practitioner.objects.update(active=True)
        start = in_days(2 + round_number)(15)
        booked, left = at_once(
            [lambda start=start: world.book(start), lambda: delete(world)],  # type: ignore[misc]
        )
        assert isinstance(booked, Appointment) is (left.status_code == 409), (booked, left.content)
        Appointment.objects.all().delete()
