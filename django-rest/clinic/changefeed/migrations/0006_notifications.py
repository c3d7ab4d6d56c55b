"""In-app messages that are delivered are numbered and published, and no others.

An event names the user, not the message: whose list has changed is all that a reader has to know, also of a message
that is deleted. An SMS or a mail takes no number, nor does the worker's way with any message.
"""

from importlib import import_module

from django.db import migrations

numbered = import_module("clinic.changefeed.migrations.0002_triggers_number_every_change").numbered

SHOWN_AS_THEY_ARE = ("appointment_id", "sent_at", "read_at")
# Compared byte by byte: `Anna` to `ANNA` is a change.
TEXTS = ("template", "subject", "body")


def is_shown(row: str) -> str:
    return (
        f"({row}.channel = 'in_app' AND {row}.state = 'delivered'"
        f" AND {row}.user_id IS NOT NULL AND {row}.clinic_id IS NOT NULL)"
    )


def refresh(row: str) -> str:
    return str(numbered(f"{row}.clinic_id", "notification", f"{row}.user_id", "refresh"))


DIFFERS = " OR ".join(
    [
        *(f"NOT (NEW.{column} <=> OLD.{column})" for column in SHOWN_AS_THEY_ARE),
        *(f"NOT (CAST(NEW.{column} AS BINARY) <=> CAST(OLD.{column} AS BINARY))" for column in TEXTS),
    ]
)
TRIGGERS = {
    "INSERT": f"IF {is_shown('NEW')} THEN {refresh('NEW')} END IF;",
    "UPDATE": f"""
        IF {is_shown("NEW")} AND {is_shown("OLD")} AND NEW.clinic_id <> OLD.clinic_id THEN
          SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'notifications never change their clinic';
        END IF;
        IF {is_shown("OLD")} AND NOT ({is_shown("NEW")} AND NEW.user_id = OLD.user_id) THEN {refresh("OLD")} END IF;
        IF {is_shown("NEW")} AND (NOT {is_shown("OLD")} OR NEW.user_id <> OLD.user_id OR {DIFFERS}) THEN
          {refresh("NEW")}
        END IF;
    """,
    "DELETE": f"IF {is_shown('OLD')} THEN {refresh('OLD')} END IF;",
}


class Migration(migrations.Migration):
    dependencies = [("changefeed", "0005_taken_time_and_names"), ("outbox", "0002_notifications_are_read")]
    operations = [
        *(
            migrations.RunSQL(
                [
                    f"CREATE TRIGGER message_feed_on_{moment.lower()} AFTER {moment} ON message FOR EACH ROW"
                    f" BEGIN {body} END"
                ],
                [f"DROP TRIGGER message_feed_on_{moment.lower()}"],
            )
            for moment, body in TRIGGERS.items()
        ),
        migrations.RunSQL(
            [
                f"""CREATE VIEW live_notification AS
                SELECT message.id, message.clinic_id, message.user_id, message.template AS kind,
                       message.subject AS title, message.body, message.appointment_id,
                       message.sent_at AS created_at, message.read_at
                FROM message WHERE {is_shown("message")}"""
            ],
            ["DROP VIEW live_notification"],
        ),
    ]
