"""The change feed: every change, by any writer, has its number, in commit order and without gaps."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from clinic.accounts.models import Role, User
from clinic.accounts.services import sign_out_everywhere
from clinic.appointments.actor import UserActor
from clinic.appointments.lifecycle import Action
from clinic.appointments.models import Appointment
from clinic.appointments.services.decisions import change_status, delete_appointment
from clinic.appointments.services.moving import Edit, edit_appointment
from clinic.changefeed.models import RealtimeEvent, StreamEpoch, StreamHead
from clinic.changefeed.services import beat_pulse, prune_events, renew_epoch
from clinic.common.mysql.conditions import LOCK_WAIT_TIMEOUT
from clinic.people.models import Patient
from clinic.scheduling.models import Clinic, Hold, Practitioner, Service
from clinic.scheduling.services import release_expired_holds
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from testkit.clinic.feed_rows import ACCOUNTS, MYSQL_SIGNAL, Event, Feed, head_of, insert_copy, make_hold, select, sql
from testkit.clinic.times import At
from testkit.clinic.world import World, as_new, fresh

CONTRACT = Path(__file__).resolve().parents[2] / "shared-config" / "contract"
HOUR = timedelta(hours=1)


@pytest.fixture
def appointment(world: World, tomorrow_at: At) -> Appointment:
    """Paula's with Petra, confirmed."""
    return world.book(tomorrow_at(9))


@pytest.fixture
def feed(world: World, appointment: Appointment) -> Feed:
    """Riverside after the appointment was booked."""
    return Feed(world.clinic.pk)


def refused(write: Callable[[], object]) -> int:
    """The server's number for why it would not."""
    with pytest.raises(DatabaseError) as refusal, transaction.atomic():
        write()
    return int(refusal.value.args[0])


# Every writer of an appointment

Write = Callable[[World, Appointment], object]


def by_service_edit(world: World, appointment: Appointment) -> object:
    actor = UserActor(fresh(world.sam))
    return edit_appointment(
        actor=actor, appointment_id=appointment.pk, edit=Edit(notes="by the service"), now=datetime.now(UTC)
    )


def by_service_cancel(world: World, appointment: Appointment) -> object:
    actor = UserActor(fresh(world.sam))
    return change_status(actor=actor, appointment_id=appointment.pk, action=Action.CANCEL, now=datetime.now(UTC))


def by_service_delete(world: World, appointment: Appointment) -> object:
    actor = UserActor(fresh(world.sam))
    return delete_appointment(actor=actor, appointment_id=appointment.pk, now=datetime.now(UTC))


def by_save(_: World, appointment: Appointment) -> None:
    appointment.notes = "by the model"
    appointment.save()


def by_bulk_update(_: World, appointment: Appointment) -> object:
    appointment.notes = "in bulk"
    return Appointment.objects.bulk_update([appointment], ["notes"])


def by_raw_delete(_: World, appointment: Appointment) -> object:
    return sql("DELETE FROM appointment WHERE id = %s", appointment.pk)


UPDATES: dict[str, Write] = {
    "a service's edit": by_service_edit,
    "a service's cancel": by_service_cancel,
    "a service's delete": by_service_delete,
    "save": by_save,
    "QuerySet.update": lambda _, one: Appointment.objects.filter(pk=one.pk).update(notes="by the query set"),
    "bulk_update": by_bulk_update,
    "SQL": lambda _, one: sql("UPDATE appointment SET notes = 'by hand' WHERE id = %s", one.pk),
    "SQL that changes nothing but the time of the row": lambda _, one: sql(
        "UPDATE appointment SET updated_at = UTC_TIMESTAMP(6) WHERE id = %s", one.pk
    ),
}
DELETES: dict[str, Write] = {
    "delete": lambda _, one: one.delete(),
    "QuerySet.delete": lambda _, one: Appointment.objects.filter(pk=one.pk).delete(),
    "SQL": by_raw_delete,
}


@pytest.mark.parametrize("writer", UPDATES)
def test_every_update_is_one_event(world: World, appointment: Appointment, feed: Feed, writer: str) -> None:
    UPDATES[writer](world, appointment)
    assert feed.of_time == [Event("appointment", appointment.pk, "update")]


@pytest.mark.parametrize("writer", DELETES)
def test_every_delete_is_one_event(world: World, appointment: Appointment, feed: Feed, writer: str) -> None:
    appointment_id = appointment.pk
    DELETES[writer](world, appointment)
    assert feed.of_time == [Event("appointment", appointment_id, "delete")]


def test_a_booking_is_one_event(world: World, feed: Feed, tomorrow_at: At) -> None:
    booked = world.book(tomorrow_at(11))
    assert feed.of_time == [Event("appointment", booked.pk, "insert")]


def test_a_raw_insert_is_one_event(appointment: Appointment, feed: Feed) -> None:
    assert feed.events == []
    inserted = insert_copy(appointment, later=HOUR)
    assert feed.events == [Event("appointment", inserted, "insert")]


def test_a_bulk_create_is_one_event_for_each_row(appointment: Appointment, feed: Feed) -> None:
    copies = []
    for hours in (1, 2, 3):
        copy = as_new(Appointment.objects.get(pk=appointment.pk))
        copy.starts_at, copy.ends_at = copy.starts_at + hours * HOUR, copy.ends_at + hours * HOUR
        copy.blocked_from, copy.blocked_until = copy.starts_at, copy.ends_at
        copies.append(copy)
    Appointment.objects.bulk_create(copies)
    made = list(Appointment.objects.exclude(pk=appointment.pk).order_by("pk").values_list("pk", flat=True))
    assert len(made) == 3
    assert feed.events == [Event("appointment", pk, "insert") for pk in made]


def test_one_statement_over_many_rows_is_one_event_for_each(appointment: Appointment, feed: Feed) -> None:
    others = [insert_copy(appointment, later=hours * HOUR) for hours in (1, 2)]
    everyone = sorted([appointment.pk, *others])
    assert Appointment.objects.update(notes="all at once") == 3
    updates = feed.events[2:]
    assert sorted(updates) == [Event("appointment", pk, "update") for pk in everyone]
    assert sql("DELETE FROM appointment") == 3
    assert sorted(feed.events[5:]) == [Event("appointment", pk, "delete") for pk in everyone]


def test_an_update_that_matches_no_row_is_no_event(feed: Feed) -> None:
    assert sql("UPDATE appointment SET notes = 'nobody' WHERE id = 0") == 0
    assert feed.events == []


def test_the_numbering_does_not_disturb_the_id_of_a_new_row(world: World, tomorrow_at: At) -> None:
    StreamHead.objects.filter(pk=world.clinic.pk).update(seq=10**12)
    booked = world.book(tomorrow_at(11))
    assert booked.pk < 10**12
    assert Appointment.objects.get(starts_at=booked.starts_at).pk == booked.pk
    assert make_hold(world.clinic, world.quentin, tomorrow_at(11)).pk == Hold.objects.get().pk


def test_the_clinics_count_apart(world: World, appointment: Appointment, feed: Feed) -> None:
    hillside = Feed(world.hillside.pk)
    by_save(world, appointment)
    assert len(feed.events) == 1
    assert hillside.events == []


def test_an_event_says_when(appointment: Appointment, feed: Feed, world: World) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT UTC_TIMESTAMP(6)")
        before = cursor.fetchone()[0].replace(tzinfo=UTC)
    by_save(world, appointment)
    at = RealtimeEvent.objects.get(clinic_id=world.clinic.pk, seq=head_of(world.clinic.pk)).at
    assert before <= at < before + HOUR


# Holds


def test_a_hold_is_an_event_when_it_comes_and_when_it_goes(world: World, feed: Feed, tomorrow_at: At) -> None:
    hold = make_hold(world.clinic, world.petra, tomorrow_at(12))
    hold_id = hold.pk
    sql("UPDATE hold SET expires_at = expires_at + INTERVAL 1 MINUTE WHERE id = %s", hold_id)
    hold.delete()
    assert feed.events == [Event("hold", hold_id, kind) for kind in ("insert", "update", "delete")]


def test_raw_sql_on_a_hold_is_an_event(world: World, feed: Feed, tomorrow_at: At) -> None:
    sql(
        "INSERT INTO hold (clinic_id, practitioner_id, token, starts_at, ends_at, blocked_from, blocked_until,"
        " expires_at, created_at) VALUES (%s, %s, 'mine', %s, %s, %s, %s, %s, UTC_TIMESTAMP(6))",
        world.clinic.pk,
        world.petra.practitioner.pk,
        *[tomorrow_at(12), tomorrow_at(13)] * 2,
        tomorrow_at(12),
    )
    hold_id = Hold.objects.get().pk
    sql("DELETE FROM hold")
    assert feed.events == [Event("hold", hold_id, "insert"), Event("hold", hold_id, "delete")]


def test_holds_that_are_released_when_they_expire_are_events(world: World, feed: Feed, tomorrow_at: At) -> None:
    holds = [make_hold(world.clinic, world.petra, tomorrow_at(hour)).pk for hour in (12, 13)]
    assert release_expired_holds(now=tomorrow_at(13)) == 2
    assert sorted(feed.events[2:]) == [Event("hold", hold_id, "delete") for hold_id in holds]


# Numbers without gaps, in commit order


class ChangedMind(Exception):  # noqa: N818
    pass


def test_rolled_back_change_leaves_no_gap(world: World, appointment: Appointment, feed: Feed) -> None:
    def change_and_think_again() -> None:
        with transaction.atomic():
            by_save(world, appointment)
            insert_copy(appointment, later=HOUR)
            assert len(feed.events) == 2
            raise ChangedMind

    with pytest.raises(ChangedMind):
        change_and_think_again()
    assert feed.events == []
    by_save(world, appointment)
    assert feed.events == [Event("appointment", appointment.pk, "update")]


@contextmanager
def another_connection() -> Iterator[BaseDatabaseWrapper]:
    """It waits for a lock no longer than the server's least."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SET SESSION innodb_lock_wait_timeout = 1")
        yield other
    finally:
        other.close()


def execute(on: BaseDatabaseWrapper, statement: str, *args: Any) -> None:
    with on.cursor() as cursor:
        cursor.execute(statement, args)


def test_the_order_of_the_numbers_is_the_order_of_the_commits(committed_world: World, tomorrow_at: At) -> None:
    """Two transactions on rows of their own, so nothing but the head can make the second one wait."""
    world = committed_world
    first, second = world.book(tomorrow_at(9)), world.book(tomorrow_at(10), practitioner=world.quentin)
    feed = Feed(world.clinic.pk)
    note = "UPDATE appointment SET notes = 'changed' WHERE id = %s"
    with another_connection() as slow, another_connection() as quick:
        slow.set_autocommit(False)
        execute(slow, note, first.pk)
        assert feed.events == []  # Not committed: nobody sees it, and no number is missing.
        with pytest.raises(OperationalError) as waited:
            execute(quick, note, second.pk)
        assert waited.value.args[0] == LOCK_WAIT_TIMEOUT
        assert feed.events == []
        slow.commit()
        execute(quick, note, second.pk)
    assert feed.events == [Event("appointment", first.pk, "update"), Event("appointment", second.pk, "update")]


def test_a_transaction_that_is_rolled_back_gives_its_number_to_the_next(
    committed_world: World, tomorrow_at: At
) -> None:
    world = committed_world
    first, second = world.book(tomorrow_at(9)), world.book(tomorrow_at(10), practitioner=world.quentin)
    feed = Feed(world.clinic.pk)
    note = "UPDATE appointment SET notes = 'changed' WHERE id = %s"
    with another_connection() as slow, another_connection() as quick:
        slow.set_autocommit(False)
        execute(slow, note, first.pk)
        slow.rollback()
        execute(quick, note, second.pk)
    assert feed.events == [Event("appointment", second.pk, "update")]


@pytest.mark.parametrize("zone", ["+00:00", "+05:30"])
def test_head_holds_the_time_of_its_newest_change_in_utc(world: World, appointment: Appointment, zone: str) -> None:
    StreamHead.objects.filter(pk=world.clinic.pk).update(seq=head_of(world.clinic.pk))
    before = StreamHead.objects.get(pk=world.clinic.pk).changed_at
    other = StreamHead.objects.exclude(pk=world.clinic.pk).values_list("clinic_id", "changed_at")
    others = list(other)
    sql(f"SET time_zone = '{zone}'")
    try:
        sql("UPDATE appointment SET notes = 'later' WHERE id = %s", appointment.pk)
    finally:
        sql("SET time_zone = '+00:00'")
    after = StreamHead.objects.get(pk=world.clinic.pk).changed_at
    event = RealtimeEvent.objects.get(clinic_id=world.clinic.pk, seq=head_of(world.clinic.pk))
    assert before is not None
    assert after == event.at > before
    assert list(other) == others


def test_changed_heads_are_found_by_their_index(world: World) -> None:
    """However many clinics there are: of 2,000 heads one is looked at."""
    quiet = datetime(2020, 1, 1, tzinfo=UTC)
    StreamHead.objects.bulk_create(StreamHead(clinic_id=10**6 + n, changed_at=quiet) for n in range(2000))
    StreamHead.objects.filter(pk=10**6).update(seq=1)
    [(plan,)] = select("EXPLAIN FORMAT=JSON SELECT * FROM live_head WHERE changed_at >= '2024-01-01'")
    assert re.search(r'"(key|index_name)": "stream_head_changed_at"', plan)


def test_clinics_do_not_wait_for_each_other(committed_world: World, tomorrow_at: At) -> None:
    world = committed_world
    appointment = world.book(tomorrow_at(9))
    hillside = Feed(world.hillside.pk)
    with another_connection() as slow, another_connection() as quick:
        slow.set_autocommit(False)
        execute(slow, "UPDATE appointment SET notes = 'changed' WHERE id = %s", appointment.pk)
        execute(quick, "UPDATE clinic SET name = 'Hillside Dental' WHERE id = %s", world.hillside.pk)
        slow.rollback()
    assert hillside.events == [Event("clinic", world.hillside.pk, "refresh")]


# Refusals


@pytest.mark.parametrize("entity", ["appointment", "hold"])
def test_no_row_moves_to_another_clinic(world: World, appointment: Appointment, tomorrow_at: At, entity: str) -> None:
    hold = make_hold(world.clinic, world.petra, tomorrow_at(12))
    row: Any = {"appointment": appointment, "hold": hold}[entity]
    here, there = Feed(world.clinic.pk), Feed(world.hillside.pk)
    code = refused(lambda: type(row).objects.filter(pk=row.pk).update(clinic=world.hillside))
    assert code == MYSQL_SIGNAL
    row.refresh_from_db()
    assert row.clinic_id == world.clinic.pk
    assert here.events == there.events == []


def test_without_a_head_nothing_is_written(world: World, appointment: Appointment) -> None:
    StreamHead.objects.filter(pk=world.clinic.pk).delete()
    events = RealtimeEvent.objects.count()
    assert refused(lambda: by_save(world, appointment)) == MYSQL_SIGNAL
    assert Appointment.objects.get(pk=appointment.pk).notes == ""
    assert RealtimeEvent.objects.count() == events


def test_a_new_clinic_can_count_at_once(world: World) -> None:
    clinic = Clinic.objects.create(name="Lakeside", slug="lakeside")
    feed = Feed(clinic.pk)
    assert feed.start == 0
    Clinic.objects.filter(pk=clinic.pk).update(name="Lakeside Dental")
    assert feed.events == [Event("clinic", clinic.pk, "refresh")]


# Refresh: what snapshots show of other rows

SHOWN: list[tuple[str, str, str]] = [
    ("patient", "name", "Paula Neumann"),
    ("patient", "name", "PAULA"),
    ("patient", "name", "Pâula"),
    ("patient", "email", "paula@new.example"),
    ("patient", "phone", "+491700000000"),
    ("practitioner", "name", "Dr Petra Sommer"),
    ("practitioner", "name", "dr petra"),
    ("service", "name", "Cleaning"),
    ("service", "color", "#000000"),
    ("clinic", "name", "Riverside Dental"),
    ("clinic", "slug", "river-side"),
    ("clinic", "timezone", "Europe/Vienna"),
]
NOT_SHOWN: list[tuple[str, str, object]] = [
    ("practitioner", "specialisation", "Orthodontics"),
    ("service", "duration_minutes", 45),
    ("clinic", "hold_minutes", 7),
    ("patient", "name", "Paula"),
]


def row_named(world: World, entity: str) -> Patient | Practitioner | Service | Clinic:
    rows: dict[str, Patient | Practitioner | Service | Clinic] = {
        "patient": world.paula.patient,
        "practitioner": world.petra.practitioner,
        "service": world.check_up,
        "clinic": world.clinic,
    }
    return rows[entity]


@pytest.mark.parametrize(("entity", "column", "value"), SHOWN)
def test_a_change_of_what_snapshots_show_is_a_refresh(world: World, entity: str, column: str, value: str) -> None:
    row, feed, accounts = row_named(world, entity), Feed(world.clinic.pk), Feed(ACCOUNTS)
    type(row)._default_manager.filter(pk=row.pk).update(**{column: value})
    assert feed.of_rows == [Event(entity, row.pk, "refresh")]
    assert accounts.events == []


@pytest.mark.parametrize(("entity", "column", "value"), NOT_SHOWN)
def test_another_change_of_it_is_none(world: World, entity: str, column: str, value: object) -> None:
    row, feed, accounts = row_named(world, entity), Feed(world.clinic.pk), Feed(ACCOUNTS)
    type(row)._default_manager.filter(pk=row.pk).update(**{column: value})
    assert feed.of_rows == accounts.events == []


# Session: who may see

RIGHTS: dict[str, Callable[[World], dict[str, object]]] = {
    "is_active": lambda _: {"is_active": False},
    "role": lambda _: {"role": Role.OWNER},
    "clinic": lambda world: {"clinic": world.hillside},
    "no clinic": lambda _: {"clinic": None, "role": Role.ADMIN},
    "token_version": lambda _: {"token_version": 2},
}
NO_RIGHTS: dict[str, dict[str, object]] = {
    "last_login": {"last_login": datetime(2026, 11, 20, tzinfo=UTC)},
    "name": {"name": "Samantha"},
    "password": {"password": "another"},
    "the same again": {"is_active": True, "role": Role.STAFF, "token_version": 1},
}


@pytest.mark.parametrize("changed", RIGHTS)
def test_a_change_of_a_users_right_to_see_is_a_session_event(world: World, changed: str) -> None:
    feed, accounts = Feed(world.clinic.pk), Feed(ACCOUNTS)
    User.objects.filter(pk=world.sam.pk).update(**RIGHTS[changed](world))
    assert accounts.events == [Event("user", world.sam.pk, "session")]
    assert feed.events == []


@pytest.mark.parametrize("changed", NO_RIGHTS)
def test_an_unrelated_change_of_a_user_is_none(world: World, changed: str) -> None:
    accounts = Feed(ACCOUNTS)
    assert User.objects.filter(pk=world.sam.pk).update(**NO_RIGHTS[changed]) == 1
    assert accounts.events == []


def test_signing_out_everywhere_is_a_session_event(world: World) -> None:
    accounts = Feed(ACCOUNTS)
    sign_out_everywhere(user=world.sam)
    assert accounts.events == [Event("user", world.sam.pk, "session")]


def test_a_user_who_is_deleted_is_a_session_event(world: World) -> None:
    user_id, accounts = world.sam.pk, Feed(ACCOUNTS)
    world.sam.delete()
    assert accounts.events == [Event("user", user_id, "session")]


def test_a_practitioner_who_stops_or_starts_is_a_session_event(world: World) -> None:
    accounts = Feed(ACCOUNTS)
    Practitioner.objects.filter(pk=world.petra.practitioner.pk).update(active=False)
    Practitioner.objects.filter(pk=world.petra.practitioner.pk).update(active=True)
    assert accounts.events == [Event("user", world.petra.pk, "session")] * 2


@pytest.mark.parametrize("model", [Practitioner, Patient])
def test_a_record_that_goes_to_another_user_is_a_session_event_of_both(
    world: World, model: type[Practitioner] | type[Patient]
) -> None:
    former = world.petra if model is Practitioner else world.paula
    record, accounts = model._default_manager.get(user=former), Feed(ACCOUNTS)
    model._default_manager.filter(pk=record.pk).update(user=world.sam)
    assert accounts.events == [Event("user", former.pk, "session"), Event("user", world.sam.pk, "session")]
    model._default_manager.filter(pk=record.pk).update(user=None)
    assert accounts.events[2:] == [Event("user", world.sam.pk, "session")]


@pytest.mark.parametrize("model", [Practitioner, Patient])
def test_a_record_that_comes_or_goes_is_a_session_event_of_its_user(
    world: World, model: type[Practitioner] | type[Patient]
) -> None:
    accounts = Feed(ACCOUNTS)
    record = model._default_manager.create(clinic=world.clinic, user=world.sam, name="Sam")
    guest = model._default_manager.create(clinic=world.clinic, user=None, name="Gus")
    assert accounts.events == [Event("user", world.sam.pk, "session")]
    sql(f"DELETE FROM {model._meta.db_table} WHERE id IN (%s, %s)", record.pk, guest.pk)  # noqa: S608
    assert accounts.events == [Event("user", world.sam.pk, "session")] * 2


# Upkeep


def test_pruning_removes_only_what_is_old(world: World, appointment: Appointment, feed: Feed) -> None:
    for _ in range(4):
        by_save(world, appointment)
    old, limit = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    RealtimeEvent.objects.filter(clinic_id=world.clinic.pk, seq__lte=feed.start + 2).update(at=old)
    RealtimeEvent.objects.filter(clinic_id=world.clinic.pk, seq=feed.start + 3).update(at=limit)
    elsewhere = RealtimeEvent.objects.exclude(clinic_id=world.clinic.pk).count()
    assert prune_events(older_than=limit) == feed.start + 2
    left = RealtimeEvent.objects.filter(clinic_id=world.clinic.pk).order_by("seq").values_list("seq", flat=True)
    assert list(left) == [feed.start + 3, feed.start + 4]
    assert RealtimeEvent.objects.exclude(clinic_id=world.clinic.pk).count() == elsewhere
    assert prune_events(older_than=limit) == 0


def test_pruning_everything_leaves_the_numbering_and_the_newest_event_of_each_clinic(
    world: World, appointment: Appointment
) -> None:
    """Its instant is the mark in the event ids of a quiet clinic's readers."""
    head = head_of(world.clinic.pk)
    prune_events(older_than=datetime.now(UTC) + HOUR)
    left = set(RealtimeEvent.objects.values_list("clinic_id", "seq"))
    assert left == set(StreamHead.objects.filter(seq__gt=0).values_list("clinic_id", "seq"))
    assert head_of(world.clinic.pk) == head
    feed = Feed(world.clinic.pk)
    by_save(world, appointment)
    assert feed.events == [Event("appointment", appointment.pk, "update")]


def test_pruning_goes_on_until_the_last_batch(
    world: World, appointment: Appointment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clinic.changefeed.services.PRUNE_BATCH", 2)
    by_save(world, appointment)
    User.objects.update(token_version=7)
    there, newest = RealtimeEvent.objects.count(), StreamHead.objects.filter(seq__gt=0).count()
    assert there - newest > 4
    assert prune_events(older_than=datetime.now(UTC) + HOUR) == there - newest


def test_pulse_moves_on_and_takes_no_number(world: World) -> None:
    head = head_of(world.clinic.pk)
    beat_pulse()
    [(first,)] = select("SELECT at FROM live_pulse")
    beat_pulse()
    [(second,)] = select("SELECT at FROM live_pulse")
    assert first < second
    assert head_of(world.clinic.pk) == head


def test_a_renewed_epoch_is_another_one(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    before, head = StreamEpoch.objects.get().epoch, head_of(world.clinic.pk)
    renewed = renew_epoch()
    assert StreamEpoch.objects.get().epoch == renewed != before
    call_command("renew_epoch")
    assert StreamEpoch.objects.get().epoch not in {before, renewed}
    assert StreamEpoch.objects.get().epoch in capsys.readouterr().out
    assert head_of(world.clinic.pk) == head
    assert {epoch for (epoch,) in select("SELECT epoch FROM live_head")} == {StreamEpoch.objects.get().epoch}


def test_an_epoch_that_was_lost_is_made_anew(world: World) -> None:
    StreamEpoch.objects.all().delete()
    assert select("SELECT * FROM live_head") == []
    renewed = renew_epoch()
    assert re.fullmatch(r"[0-9a-f]{16}", renewed)
    assert {epoch for (epoch,) in select("SELECT epoch FROM live_head")} == {renewed}


# Published events


@pytest.mark.django_db
def test_the_views_have_the_columns_of_the_contract() -> None:
    rows = select(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = DATABASE() AND table_name LIKE 'live\\_%%' ORDER BY table_name, ordinal_position"
    )
    columns: dict[str, list[str]] = {}
    for view, column in rows:
        columns.setdefault(view, []).append(column)
    assert columns == json.loads((CONTRACT / "live_views.json").read_text())


def test_an_appointment_is_published_as_it_stands(world: World, appointment: Appointment) -> None:
    names = json.loads((CONTRACT / "live_views.json").read_text())["live_appointment"]
    [row] = select("SELECT * FROM live_appointment")
    published = dict(zip(names, row, strict=True))
    assert published["id"] == appointment.pk
    assert published["patient_name"] == "Paula"
    assert published["practitioner_name"] == "Dr Petra"
    assert published["service_name"] is None
    assert published["starts_at"] == appointment.starts_at


def test_a_session_is_published_with_what_the_user_is(world: World) -> None:
    names = json.loads((CONTRACT / "live_views.json").read_text())["live_session"]

    def session(user: User) -> dict[str, Any]:
        [row] = select("SELECT * FROM live_session WHERE user_id = %s", user.pk)
        return dict(zip(names, row, strict=True))

    petra, paula, sam = session(world.petra), session(world.paula), session(world.sam)
    assert (petra["practitioner_id"], petra["patient_id"]) == (world.petra.practitioner.pk, None)
    assert (paula["practitioner_id"], paula["patient_id"]) == (None, world.paula.patient.pk)
    assert (sam["practitioner_id"], sam["patient_id"], sam["clinic_id"]) == (None, None, world.clinic.pk)
    Practitioner.objects.update(active=False)
    assert session(world.petra)["practitioner_id"] is None


@pytest.mark.django_db
def test_no_foreign_key_changes_rows_on_its_own() -> None:
    """Triggers do not fire for what a cascade does."""
    rules = select(
        "SELECT constraint_name, delete_rule, update_rule FROM information_schema.referential_constraints"
        " WHERE constraint_schema = DATABASE()"
    )
    assert rules
    assert [rule for rule in rules if not set(rule[1:]) <= {"RESTRICT", "NO ACTION"}] == []
