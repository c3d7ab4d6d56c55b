"""The alert of a patient's record is published with their appointments, and a change of it numbered.

By a trigger of its own, so that those for the other columns are never missing.
"""

from importlib import import_module

from django.db import migrations

numbered = import_module("clinic.changefeed.migrations.0002_triggers_number_every_change").numbered
FORMER = import_module("clinic.changefeed.migrations.0011_allowed_overlaps").VIEW
EXTENSION = "patient.phone_extension AS patient_phone_extension,"
VIEW = FORMER.replace(EXTENSION, f"{EXTENSION} patient.alert AS patient_alert,")
# A change of these is numbered by the other triggers.
SAME = " AND ".join(
    f"CAST(NEW.{column} AS BINARY) <=> CAST(OLD.{column} AS BINARY)"
    for column in ("name", "email", "phone", "phone_extension")
)


class Migration(migrations.Migration):
    dependencies = [("changefeed", "0011_allowed_overlaps"), ("appointments", "0021_alert")]
    operations = [
        migrations.RunSQL(
            [f"CREATE OR REPLACE VIEW live_appointment AS {VIEW}"],
            [f"CREATE OR REPLACE VIEW live_appointment AS {FORMER}"],
        ),
        migrations.RunSQL(
            [
                f"""CREATE TRIGGER patient_feed_on_alert AFTER UPDATE ON patient FOR EACH ROW
                BEGIN
                  IF NOT (CAST(NEW.alert AS BINARY) <=> CAST(OLD.alert AS BINARY)) AND {SAME} THEN
                    {numbered("NEW.clinic_id", "patient", "NEW.id", "refresh")}
                  END IF;
                END"""
            ],
            ["DROP TRIGGER patient_feed_on_alert"],
        ),
    ]
