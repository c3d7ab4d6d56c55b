"""The stream may also read what an appointment or hold blocks with its buffers, who works where, and users' names."""

from importlib import import_module

from django.db import migrations

FORMER = import_module("clinic.changefeed.migrations.0003_live_views").VIEWS

REPLACED = {
    "live_appointment": FORMER["live_appointment"].replace(
        "appointment.updated_at", "appointment.updated_at, appointment.blocked_from, appointment.blocked_until"
    ),
    "live_hold": """
        SELECT id, clinic_id, practitioner_id, starts_at, ends_at, expires_at, blocked_from, blocked_until FROM hold
    """,
    "live_session": FORMER["live_session"].replace(
        "patient.id AS patient_id", "patient.id AS patient_id, account_user.name"
    ),
}


class Migration(migrations.Migration):
    dependencies = [("changefeed", "0004_a_record_that_goes_ends_its_sessions")]
    operations = [
        *(
            migrations.RunSQL(
                [f"CREATE OR REPLACE VIEW {name} AS {select}"], [f"CREATE OR REPLACE VIEW {name} AS {FORMER[name]}"]
            )
            for name, select in REPLACED.items()
        ),
        migrations.RunSQL(
            ["CREATE VIEW live_practitioner AS SELECT id, clinic_id FROM practitioner WHERE active"],
            ["DROP VIEW live_practitioner"],
        ),
    ]
