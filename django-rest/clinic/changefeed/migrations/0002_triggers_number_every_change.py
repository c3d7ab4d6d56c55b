"""Every change of an appointment or hold, by any writer, gets the next number of its clinic, in commit order.

The head row's lock is held until commit. So a reader who sees number n sees everything up to n, which no
auto-increment can promise: its numbers are given before commit.
"""

import secrets

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def numbered(clinic: str, entity: str, entity_id: str, kind: str) -> str:
    """SQL that takes the next number of `clinic` and records the change under it."""
    return f"""
        UPDATE stream_head SET seq = LAST_INSERT_ID(seq + 1) WHERE clinic_id = {clinic};
        IF ROW_COUNT() = 0 THEN
          SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'stream_head has no row for this clinic';
        END IF;
        INSERT INTO realtime_event (clinic_id, seq, entity, entity_id, kind, at)
        VALUES ({clinic}, LAST_INSERT_ID(), '{entity}', {entity_id}, '{kind}', UTC_TIMESTAMP(6));
    """


def trigger(name: str, moment: str, table: str, body: str) -> tuple[str, str]:
    return (
        f"CREATE TRIGGER {name} AFTER {moment} ON {table} FOR EACH ROW BEGIN {body} END",
        f"DROP TRIGGER {name}",
    )


def changes_of(entity: str) -> list[tuple[str, str]]:
    stays = f"""
        IF NEW.clinic_id <> OLD.clinic_id THEN
          SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{entity} rows never change their clinic';
        END IF;
    """
    return [
        trigger(f"{entity}_feed_on_insert", "INSERT", entity, numbered("NEW.clinic_id", entity, "NEW.id", "insert")),
        trigger(
            f"{entity}_feed_on_update", "UPDATE", entity, stays + numbered("NEW.clinic_id", entity, "NEW.id", "update")
        ),
        trigger(f"{entity}_feed_on_delete", "DELETE", entity, numbered("OLD.clinic_id", entity, "OLD.id", "delete")),
    ]


def differs(*columns: str) -> str:
    return " OR ".join(f"NOT (NEW.{column} <=> OLD.{column})" for column in columns)


def refresh_of(entity: str, clinic: str, *columns: str) -> str:
    """Whether this row's part of snapshots has changed. Compared byte by byte: `Anna` to `ANNA` is a change."""
    changed = " OR ".join(f"NOT (CAST(NEW.{column} AS BINARY) <=> CAST(OLD.{column} AS BINARY))" for column in columns)
    return f"IF {changed} THEN {numbered(clinic, entity, 'NEW.id', 'refresh')} END IF;"


def session_of(user_id: str) -> str:
    return numbered("0", "user", user_id, "session")


def link_of(entity: str, *columns: str) -> str:
    """A user's right to see hangs on this row: both the former and the new user's has changed."""
    return f"""
        IF {differs("user_id", *columns)} THEN
          IF OLD.user_id IS NOT NULL THEN {session_of("OLD.user_id")} END IF;
          IF NEW.user_id IS NOT NULL AND NOT (NEW.user_id <=> OLD.user_id) THEN {session_of("NEW.user_id")} END IF;
        END IF;
    """


STATEMENTS = [
    *changes_of("appointment"),
    *changes_of("hold"),
    trigger(
        "clinic_feed_on_insert", "INSERT", "clinic", "INSERT INTO stream_head (clinic_id, seq) VALUES (NEW.id, 0);"
    ),
    trigger("clinic_feed_on_update", "UPDATE", "clinic", refresh_of("clinic", "NEW.id", "name", "slug", "timezone")),
    trigger("service_feed_on_update", "UPDATE", "service", refresh_of("service", "NEW.clinic_id", "name", "color")),
    trigger(
        "practitioner_feed_on_update",
        "UPDATE",
        "practitioner",
        refresh_of("practitioner", "NEW.clinic_id", "name") + link_of("practitioner", "active"),
    ),
    trigger(
        "practitioner_feed_on_insert",
        "INSERT",
        "practitioner",
        f"IF NEW.user_id IS NOT NULL THEN {session_of('NEW.user_id')} END IF;",
    ),
    trigger(
        "patient_feed_on_update",
        "UPDATE",
        "patient",
        refresh_of("patient", "NEW.clinic_id", "name", "email", "phone") + link_of("patient"),
    ),
    trigger(
        "patient_feed_on_insert",
        "INSERT",
        "patient",
        f"IF NEW.user_id IS NOT NULL THEN {session_of('NEW.user_id')} END IF;",
    ),
    trigger(
        "account_user_feed_on_update",
        "UPDATE",
        "account_user",
        f"IF {differs('is_active', 'role', 'clinic_id', 'token_version')} THEN {session_of('NEW.id')} END IF;",
    ),
    trigger("account_user_feed_on_delete", "DELETE", "account_user", session_of("OLD.id")),
]


def start_numbering(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    stream_head = apps.get_model("changefeed", "StreamHead")
    clinic_ids = apps.get_model("scheduling", "Clinic").objects.values_list("id", flat=True)
    heads = [stream_head(clinic_id=clinic_id, seq=0) for clinic_id in (0, *clinic_ids)]
    # Migrated back and forth, the heads are still there; what changed meanwhile is told by another epoch.
    stream_head.objects.bulk_create(heads, ignore_conflicts=True)
    apps.get_model("changefeed", "StreamEpoch").objects.update_or_create(id=1, defaults={"epoch": secrets.token_hex(8)})


class Migration(migrations.Migration):
    # The claims first: triggers of one table run in the order of their making, and the head's lock is taken last.
    dependencies = [
        ("changefeed", "0001_heads_and_events"),
        ("accounts", "0002_user_belongs_to_clinic"),
        ("scheduling", "0002_holds_claim_cells"),
        ("appointments", "0002_appointments_claim_cells"),
    ]
    operations = [
        migrations.RunPython(start_numbering, migrations.RunPython.noop),
        *(migrations.RunSQL([forward], [backward]) for forward, backward in STATEMENTS),
    ]
