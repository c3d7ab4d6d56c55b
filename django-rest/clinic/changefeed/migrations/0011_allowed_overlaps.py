"""The stream may also read whether an appointment may overlap others of its patient."""

from importlib import import_module

from django.db import migrations

FORMER = import_module("clinic.changefeed.migrations.0009_phone_extension").VIEW
VIEW = FORMER.replace("appointment.series_id", "appointment.series_id, appointment.allow_overlap")


class Migration(migrations.Migration):
    dependencies = [("changefeed", "0010_families"), ("appointments", "0019_patients_claim_cells")]
    operations = [
        migrations.RunSQL(
            [f"CREATE OR REPLACE VIEW live_appointment AS {VIEW}"],
            [f"CREATE OR REPLACE VIEW live_appointment AS {FORMER}"],
        )
    ]
