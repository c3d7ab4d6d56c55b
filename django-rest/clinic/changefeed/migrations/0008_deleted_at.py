"""The stream sees what the clinic has deleted, for the patients: they are shown it as cancelled."""

from importlib import import_module

from django.db import migrations

FORMER = import_module("clinic.changefeed.migrations.0005_taken_time_and_names").REPLACED["live_appointment"]
SELECT = FORMER.replace("appointment.blocked_until", "appointment.blocked_until, appointment.deleted_at")


class Migration(migrations.Migration):
    dependencies = [("changefeed", "0007_pulse"), ("appointments", "0013_deleted_at")]
    operations = [
        migrations.RunSQL(
            [f"CREATE OR REPLACE VIEW live_appointment AS {SELECT}"],
            [f"CREATE OR REPLACE VIEW live_appointment AS {FORMER}"],
        )
    ]
