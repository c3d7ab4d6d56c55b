"""The link of a visit: its holder sees it, promises to come, moves it, cancels it and says "I am here"."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from clinic.appointments.actor import UserActor
from clinic.appointments.lifecycle import Status
from clinic.appointments.models import Appointment, AppointmentEvent
from clinic.appointments.services.clock import mark_missed
from clinic.appointments.services.visit_links import arrive_by_reference, revoke_reference
from clinic.appointments.views.visit_links import VisitLinkView
from clinic.common.errors import NotToday, TooEarly, TransitionNotAllowed
from clinic.common.limits import Limit
from clinic.outbox.models import DeliveryChannel, Message, MessageState
from clinic.people.models import Patient
from clinic.people.services.merging import merge_patients
from clinic.scheduling.models import Clinic
from django.test import Client
from pytest_django.fixtures import Settings

from testkit.clinic.answers import APPOINTMENTS, refusal
from testkit.clinic.times import in_days
from testkit.clinic.world import World, fresh, row_of

BOOKINGS = "/api/v1/public/bookings"
NINE, TEN, ELEVEN = (in_days(7)(hour) for hour in (9, 10, 11))
HOUR = timedelta(hours=1)
SITE = "https://riverside.example"


@pytest.fixture
def visit(world: World) -> Appointment:
    one = world.book(NINE)
    Message.objects.all().delete()
    return one


def ask(world: World, one: Appointment, step: str, **body: Any) -> Any:
    return world.client().post(f"{BOOKINGS}/{row_of(one).reference}/{step}", body)


def move(world: World, one: Appointment, start: datetime, **more: Any) -> Any:
    return ask(world, one, "move", start=start.isoformat(), **more)


def test_link_of_a_patient_with_an_account_shows_the_visit_and_not_whose(world: World, visit: Appointment) -> None:
    answer = world.client().get(f"{BOOKINGS}/{visit.reference}")
    shown = answer.json()
    assert (shown["status"], shown["time"], shown["actions"]) == ("confirmed", "09:00", ["attend", "move", "cancel"])
    assert shown["clinic"]["name"] == "Riverside"
    assert "Paula" not in answer.content.decode()


def test_attendance_is_promised_once(world: World, visit: Appointment) -> None:
    first, second = ask(world, visit, "attend").json(), ask(world, visit, "attend").json()
    assert first["attendance_confirmed_at"] is not None
    assert "attend" not in first["actions"]
    assert second["version"] == first["version"] == 2


def test_move_claims_the_new_time_and_tells_the_clinic(world: World, visit: Appointment) -> None:
    moved = move(world, visit, TEN)
    assert (moved.status_code, moved.json()["time"], moved.json()["moves_left"]) == (200, "10:00", 1)
    line = AppointmentEvent.objects.latest("id")
    assert (line.action, line.actor_kind, line.actor_name) == ("move", "guest", "Paula")
    assert Message.objects.filter(template="moved_by_patient", user=world.sam).exists()


def test_third_move_is_refused(world: World, visit: Appointment) -> None:
    assert [move(world, visit, start).status_code for start in (TEN, ELEVEN)] == [200, 200]
    assert refusal(move(world, visit, NINE)) == (409, "too_many_moves")
    assert "move" not in world.client().get(f"{BOOKINGS}/{visit.reference}").json()["actions"]


def test_move_that_was_undone_leaves_as_many(world: World, visit: Appointment) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(undo_seconds=60)
    paula = world.client(world.paula)
    for start in (TEN, ELEVEN):
        version = paula.post(f"{APPOINTMENTS}/{visit.pk}/reschedule", {"start": start.isoformat()}).json()["version"]
        paula.post(f"{APPOINTMENTS}/{visit.pk}/undo", {"version": version})
    shown = world.client().get(f"{BOOKINGS}/{visit.reference}").json()
    assert (shown["moves_left"], "move" in shown["actions"]) == (2, True)


def test_moves_by_account_and_by_link_are_counted_together(world: World, visit: Appointment) -> None:
    assert move(world, visit, TEN).status_code == 200
    by_account = world.client(world.paula).post(f"{APPOINTMENTS}/{visit.pk}/reschedule", {"start": ELEVEN.isoformat()})
    assert by_account.status_code == 200
    assert refusal(move(world, visit, NINE)) == (409, "too_many_moves")


def test_move_to_a_taken_time_names_the_nearest(world: World, visit: Appointment) -> None:
    world.book(TEN, patient=world.pete)
    refused = move(world, visit, TEN)
    assert refusal(refused) == (409, "slot_taken")
    assert refused.json()["nearest"]
    assert row_of(visit).starts_at == NINE


def test_move_of_a_stale_version_is_refused(world: World, visit: Appointment) -> None:
    assert refusal(move(world, visit, TEN, version=9)) == (409, "stale_version")


def test_move_where_the_desk_decides_asks_it_and_shows_the_time(world: World, visit: Appointment) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(patient_moves="request")
    asked = move(world, visit, TEN)
    assert (asked.status_code, asked.json()["time"], asked.json()["requested_start"][11:16]) == (202, "09:00", "10:00")
    seen = world.client(world.sam).get(f"{APPOINTMENTS}/{visit.pk}").json()
    assert seen["requested_start"][11:16] == "10:00"
    moved = world.client(world.sam).post(f"{APPOINTMENTS}/{visit.pk}/reschedule", {"start": TEN.isoformat()})
    assert moved.json()["requested_start"] is None


def test_desk_keeps_the_time_that_a_patient_asks_to_move(world: World, visit: Appointment) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(patient_moves="request")
    move(world, visit, TEN)
    kept = world.client(world.sam).post(f"{APPOINTMENTS}/{visit.pk}/keep-time").json()
    assert (kept["requested_start"], kept["time"], kept["version"]) == (None, "09:00", 3)
    assert AppointmentEvent.objects.latest("id").action == "keep-time"


def test_keeping_the_time_of_a_cancelled_visit_changes_nothing_and_sends_nothing(
    world: World, visit: Appointment
) -> None:
    Clinic.objects.filter(pk=world.clinic.pk).update(patient_moves="request")
    move(world, visit, TEN)
    desk = world.client(world.sam)
    assert desk.post(f"{APPOINTMENTS}/{visit.pk}/cancel").status_code == 200
    answer = desk.post(f"{APPOINTMENTS}/{visit.pk}/keep-time")
    assert (answer.status_code, answer.json()["version"]) == (200, 3)
    assert not Message.objects.filter(template="time_kept").exists()


class TestDecliningAMove:
    @pytest.fixture
    def asked(self, world: World, visit: Appointment, settings: Settings) -> Appointment:
        settings.SHARED = settings.SHARED.model_copy(update={"public_url": SITE})
        settings.SMS_IS_CONFIGURED = True
        Clinic.objects.filter(pk=world.clinic.pk).update(patient_moves="request", undo_seconds=10)
        assert move(world, visit, TEN).status_code == 202
        return visit

    def keep(self, world: World, asked: Appointment) -> Any:
        return world.client(world.sam).post(f"{APPOINTMENTS}/{asked.pk}/keep-time").json()

    def told(self) -> dict[str, Message]:
        return {one.channel: one for one in Message.objects.filter(template="time_kept", state=MessageState.QUEUED)}

    def test_desk_is_told_in_the_app_that_a_move_is_asked_for(self, world: World, asked: Appointment) -> None:
        assert Message.objects.filter(template="move_asked", channel=DeliveryChannel.IN_APP, user=world.sam).exists()

    def test_patient_is_told_after_the_undo_window_with_the_link(self, world: World, asked: Appointment) -> None:
        self.keep(world, asked)
        told = self.told()
        assert told.keys() == {"email", "sms", "in_app"}
        assert {(one.send_at - one.created_at).total_seconds() for one in told.values()} == {10}
        assert f"{SITE}/a/{asked.reference}" in told["email"].body
        assert told["sms"].body.endswith(f"{SITE}/a/{asked.reference}")
        assert "Your visit stays on" in told["sms"].body

    def test_in_german_too(self, world: World, asked: Appointment) -> None:
        Patient.objects.filter(pk=world.paula.patient.pk).update(language="de")
        self.keep(world, asked)
        assert "Ihr Termin bleibt am" in self.told()["sms"].body

    def test_undone_nobody_is_told_and_the_move_is_asked_for_again(self, world: World, asked: Appointment) -> None:
        kept = self.keep(world, asked)
        assert kept["undo_until"] is not None
        undone = world.client(world.sam).post(f"{APPOINTMENTS}/{asked.pk}/undo", {"version": kept["version"]}).json()
        assert undone["requested_start"][11:16] == "10:00"
        assert self.told() == {}

    def test_patient_does_not_undo_it(self, world: World, asked: Appointment) -> None:
        kept = self.keep(world, asked)
        refused = world.client(world.paula).post(f"{APPOINTMENTS}/{asked.pk}/undo", {"version": kept["version"]})
        assert refusal(refused) == (403, "permission_denied")


class TestUndo:
    @pytest.fixture(autouse=True)
    def _window(self, world: World) -> None:
        Clinic.objects.filter(pk=world.clinic.pk).update(undo_seconds=10)

    def test_own_move_is_undone_before_anybody_is_told(self, world: World, visit: Appointment) -> None:
        moved = move(world, visit, TEN).json()
        undone = ask(world, visit, "undo", version=moved["version"])
        assert (undone.status_code, undone.json()["time"]) == (200, "09:00")
        assert not Message.objects.filter(
            appointment=visit, state__in=[MessageState.QUEUED, MessageState.DELIVERED]
        ).exists()
        line = AppointmentEvent.objects.latest("id")
        assert (line.action, line.actor_kind) == ("undo", "guest")

    def test_own_cancellation_is_undone_and_the_time_is_taken_again(self, world: World, visit: Appointment) -> None:
        cancelled = ask(world, visit, "cancel").json()
        assert ask(world, visit, "undo", version=cancelled["version"]).json()["status"] == "confirmed"
        assert row_of(visit).status == Status.CONFIRMED

    def test_step_of_the_clinic_is_not_undone(self, world: World, visit: Appointment) -> None:
        cancelled = world.client(world.sam).post(f"{APPOINTMENTS}/{visit.pk}/cancel").json()
        assert refusal(ask(world, visit, "undo", version=cancelled["version"])) == (403, "permission_denied")

    def test_of_another_version_or_too_late_it_is_refused(self, world: World, visit: Appointment) -> None:
        moved = move(world, visit, TEN).json()
        assert refusal(ask(world, visit, "undo", version=9)) == (409, "stale_version")
        Clinic.objects.filter(pk=world.clinic.pk).update(undo_seconds=0)
        assert refusal(ask(world, visit, "undo", version=moved["version"])) == (409, "undo_over")

    def test_page_offers_it_right_after_the_step(self, world: World, visit: Appointment) -> None:
        page, address = Client(), f"/a/{visit.reference}"
        assert b'value="undo"' not in page.get(address).content
        shown = page.post(address, {"step": "cancel"}, follow=True)
        assert b'value="undo"' in shown.content
        undone = page.post(address, {"step": "undo", "version": row_of(visit).version}, follow=True)
        assert b"Your visit is as it was before." in undone.content
        assert row_of(visit).status == Status.CONFIRMED
        late = page.post(address, {"step": "undo", "version": row_of(visit).version})
        assert (late.status_code, b"nothing to undo" in late.content) == (409, True)


def test_link_of_a_merged_record_keeps_working(world: World, visit: Appointment) -> None:
    other = Patient.objects.create(clinic=world.clinic, name="Paula Paulsen", phone="+491701234567")
    merge_patients(editor=world.olga, patient_id=world.paula.patient.pk, into_id=other.pk, now=NINE)
    assert world.client().get(f"{BOOKINGS}/{visit.reference}").json()["status"] == "confirmed"
    assert move(world, visit, TEN).status_code == 200


def test_link_of_a_visit_deleted_in_the_database_leads_nowhere(world: World, visit: Appointment) -> None:
    Appointment.objects.filter(pk=visit.pk).delete()
    assert refusal(world.client().get(f"{BOOKINGS}/{visit.reference}")) == (404, "not_found")


@pytest.mark.parametrize("how", ["off", "late"])
def test_move_is_not_possible_where_patients_call(world: World, visit: Appointment, how: str) -> None:
    change = {"patient_moves": "off"} if how == "off" else {"cancellation_notice_minutes": 14 * 24 * 60}
    Clinic.objects.filter(pk=world.clinic.pk).update(**change)
    code = "moves_not_offered" if how == "off" else "too_late_to_cancel"
    assert refusal(move(world, visit, TEN)) == (409, code)
    assert "move" not in world.client().get(f"{BOOKINGS}/{visit.reference}").json()["actions"]


class TestArrival:
    def test_from_an_hour_before_the_start(self, visit: Appointment) -> None:
        with pytest.raises(TooEarly):
            arrive_by_reference(reference=visit.reference, now=NINE - HOUR - timedelta(seconds=1))
        arrived = arrive_by_reference(reference=visit.reference, now=NINE - HOUR)
        assert (arrived.arrived_at, arrived.status, arrived.version) == (NINE - HOUR, "confirmed", 2)
        again = arrive_by_reference(reference=visit.reference, now=NINE)
        assert (again.arrived_at, again.version) == (NINE - HOUR, 2)
        assert AppointmentEvent.objects.latest("id").action == "arrive"

    def test_not_on_another_day(self, visit: Appointment) -> None:
        with pytest.raises(NotToday):
            arrive_by_reference(reference=visit.reference, now=NINE - timedelta(days=1))

    def test_not_of_a_request(self, visit: Appointment) -> None:
        Appointment.objects.filter(pk=visit.pk).update(status="pending")
        with pytest.raises(TransitionNotAllowed):
            arrive_by_reference(reference=visit.reference, now=NINE)

    def test_postpones_the_automatic_no_show_by_half_an_hour(self, world: World, visit: Appointment) -> None:
        arrive_by_reference(reference=visit.reference, now=NINE)
        late = NINE + timedelta(minutes=world.clinic.no_show_after_minutes)
        assert mark_missed(now=late) == 0
        assert row_of(visit).status == Status.CONFIRMED
        assert mark_missed(now=late + timedelta(minutes=30)) == 1

    def test_is_seen_by_the_desk(self, world: World, visit: Appointment) -> None:
        arrive_by_reference(reference=visit.reference, now=NINE)
        shown = world.client(world.sam).get(f"{APPOINTMENTS}/{visit.pk}").json()
        assert (shown["arrived_at"] is not None, shown["checked_in_at"]) == (True, None)


class TestRevoking:
    def test_former_link_leads_nowhere(self, world: World, visit: Appointment) -> None:
        done = world.client(world.sam).post(f"{APPOINTMENTS}/{visit.pk}/revoke-link").json()
        assert len(done["reference"]) == 22
        assert done["reference"] != visit.reference
        assert refusal(world.client().get(f"{BOOKINGS}/{visit.reference}")) == (404, "not_found")
        assert world.client().get(f"{BOOKINGS}/{done['reference']}").status_code == 200

    def test_history_names_no_reference(self, world: World, visit: Appointment) -> None:
        actor = UserActor(fresh(world.sam))
        revoke_reference(actor=actor, appointment_id=visit.pk, now=NINE)
        line = AppointmentEvent.objects.latest("id")
        assert line.action == "revoke-link"
        assert visit.reference not in str((line.snapshot, line.former))

    def test_waiting_messages_hold_the_new_link(self, world: World, settings: Settings) -> None:
        settings.SHARED = settings.SHARED.model_copy(update={"public_url": SITE})
        visit = world.book(NINE)
        waiting = Message.objects.get(appointment=visit, channel=DeliveryChannel.EMAIL)
        assert f"{SITE}/a/{visit.reference}" in waiting.body
        Message.objects.filter(pk=waiting.pk).update(state=MessageState.QUEUED)
        revoked = revoke_reference(actor=UserActor(fresh(world.sam)), appointment_id=visit.pk, now=NINE)
        waiting.refresh_from_db()
        assert f"{SITE}/a/{revoked.reference}" in waiting.body
        assert visit.reference not in waiting.body


def test_enumeration_is_stopped_alike_for_links_that_lead_somewhere(
    world: World, visit: Appointment, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.SHARED = settings.SHARED.model_copy(update={"enable_rate_limits": True})
    monkeypatch.setattr(VisitLinkView, "address_limit", Limit("visit-link", 3, timedelta(minutes=1)))
    client = world.client()
    tried = [client.get(f"{BOOKINGS}/{number:022}") for number in range(3)]
    assert {refusal(one) for one in tried} == {(404, "not_found")}
    assert len({str(one.json()) for one in tried}) == 1
    assert {client.get(f"{BOOKINGS}/{which}").status_code for which in (visit.reference, "x" * 22)} == {429}


class TestMessages:
    @pytest.fixture(autouse=True)
    def _links(self, settings: Settings) -> None:
        settings.SHARED = settings.SHARED.model_copy(update={"public_url": SITE})
        settings.SMS_IS_CONFIGURED = True

    def test_mail_and_sms_about_a_visit_hold_its_link_and_the_app_does_not(self, world: World) -> None:
        visit = world.book(NINE)
        link = f"{SITE}/a/{visit.reference}"
        bodies = {one.channel: one.body for one in Message.objects.filter(appointment=visit, template="confirmed")}
        assert bodies["email"].endswith(f"your visit here:\n{link}\n\nRiverside")
        assert bodies["sms"].endswith(link)
        assert len(bodies["sms"]) <= 306
        assert visit.reference not in bodies["in_app"]

    def test_message_log_masks_links(self, world: World) -> None:
        visit = world.book(NINE)
        log = world.client(world.olga).get("/api/v1/messages").content.decode()
        assert f"{SITE}/a/…" in log
        assert visit.reference not in log

    def test_messages_to_the_clinic_hold_no_link(self, world: World) -> None:
        visit = world.book(NINE)
        ask(world, visit, "cancel")
        assert not Message.objects.filter(user=world.sam, body__contains=visit.reference).exists()
