"""Screens on a wall: what each may see is published, and a change of it numbered under head 0."""

from importlib import import_module

from django.db import migrations

numbered = import_module("clinic.changefeed.migrations.0002_triggers_number_every_change").numbered

CHANGED = " OR ".join(
    f"NOT (NEW.{column} <=> OLD.{column})" for column in ("clinic_id", "kind", "shows_names", "version", "revoked_at")
)
TRIGGERS = {
    "UPDATE": f"IF {CHANGED} THEN {numbered('0', 'device', 'NEW.id', 'session')} END IF;",
    "DELETE": numbered("0", "device", "OLD.id", "session"),
}
VIEW = """
    CREATE VIEW live_device AS
    SELECT id AS device_id, clinic_id, kind, shows_names, version, name FROM wall_device WHERE revoked_at IS NULL
"""


class Migration(migrations.Migration):
    dependencies = [("changefeed", "0015_schedule_version"), ("accounts", "0011_wall_devices")]
    operations = [
        *(
            migrations.RunSQL(
                [
                    f"CREATE TRIGGER wall_device_feed_on_{moment.lower()} AFTER {moment} ON wall_device"
                    f" FOR EACH ROW BEGIN {body} END"
                ],
                [f"DROP TRIGGER wall_device_feed_on_{moment.lower()}"],
            )
            for moment, body in TRIGGERS.items()
        ),
        migrations.RunSQL([VIEW], ["DROP VIEW live_device"]),
    ]
