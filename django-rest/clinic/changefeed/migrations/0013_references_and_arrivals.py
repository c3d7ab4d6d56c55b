"""The stream may also read the reference of an appointment, what its patient wrote, and the way into the room."""

from importlib import import_module

from django.db import migrations

FORMER = import_module("clinic.changefeed.migrations.0012_patient_alert").VIEW
CHECKED_IN = "appointment.checked_in_at,"
COLUMNS = ("arrived_at", "called_at", "requested_start", "room", "reference", "request_note")
VIEW = FORMER.replace(CHECKED_IN, f"{CHECKED_IN} {' '.join(f'appointment.{column},' for column in COLUMNS)}")


class Migration(migrations.Migration):
    dependencies = [("changefeed", "0012_patient_alert"), ("appointments", "0022_references_and_arrivals")]
    operations = [
        migrations.RunSQL(
            [f"CREATE OR REPLACE VIEW live_appointment AS {VIEW}"],
            [f"CREATE OR REPLACE VIEW live_appointment AS {FORMER}"],
        )
    ]
