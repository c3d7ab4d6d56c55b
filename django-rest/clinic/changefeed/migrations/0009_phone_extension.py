"""The extension of a patient's phone is published beside the number, and a change of it numbered.

By a trigger of its own, so that the one for the other columns is never missing.
"""

from importlib import import_module

from django.db import migrations

numbered = import_module("clinic.changefeed.migrations.0002_triggers_number_every_change").numbered
FORMER = import_module("clinic.changefeed.migrations.0008_deleted_at").SELECT
VIEW = FORMER.replace(
    "patient.phone AS patient_phone,",
    "patient.phone AS patient_phone, patient.phone_extension AS patient_phone_extension,",
)
# A change of these is numbered by the other trigger.
SAME = " AND ".join(
    f"CAST(NEW.{column} AS BINARY) <=> CAST(OLD.{column} AS BINARY)" for column in ("name", "email", "phone")
)


class Migration(migrations.Migration):
    dependencies = [
        ("changefeed", "0008_deleted_at"),
        ("appointments", "0014_patient_phone_extension"),
    ]
    operations = [
        migrations.RunSQL(
            [f"CREATE OR REPLACE VIEW live_appointment AS {VIEW}"],
            [f"CREATE OR REPLACE VIEW live_appointment AS {FORMER}"],
        ),
        migrations.RunSQL(
            [
                f"""CREATE TRIGGER patient_feed_on_extension AFTER UPDATE ON patient FOR EACH ROW
                BEGIN
                  IF NOT (NEW.phone_extension <=> OLD.phone_extension) AND {SAME} THEN
                    {numbered("NEW.clinic_id", "patient", "NEW.id", "refresh")}
                  END IF;
                END"""
            ],
            ["DROP TRIGGER patient_feed_on_extension"],
        ),
    ]
