"""Views that the stream may read, and nothing else. Their columns are a contract, pinned on both sides."""

from django.db import migrations

VIEWS = {
    "live_head": """
        SELECT head.clinic_id, head.seq, epoch.epoch
        FROM stream_head head JOIN stream_epoch epoch ON epoch.id = 1
    """,
    "live_event": "SELECT clinic_id, seq, entity, entity_id, kind, at FROM realtime_event",
    "live_clinic": "SELECT id, name, slug, timezone FROM clinic",
    "live_appointment": """
        SELECT appointment.id, appointment.clinic_id,
               appointment.patient_id, patient.name AS patient_name,
               patient.email AS patient_email, patient.phone AS patient_phone,
               appointment.practitioner_id, practitioner.name AS practitioner_name,
               appointment.service_id, service.name AS service_name, service.color AS service_color,
               appointment.starts_at, appointment.ends_at, appointment.local_date, appointment.status,
               appointment.attendance_confirmed_at, appointment.checked_in_at, appointment.notes,
               appointment.cancel_reason, appointment.source, appointment.series_id, appointment.version,
               appointment.created_at, appointment.updated_at
        FROM appointment
        JOIN patient ON patient.id = appointment.patient_id
        JOIN practitioner ON practitioner.id = appointment.practitioner_id
        LEFT JOIN service ON service.id = appointment.service_id
    """,
    "live_hold": "SELECT id, clinic_id, practitioner_id, starts_at, ends_at, expires_at FROM hold",
    "live_session": """
        SELECT account_user.id AS user_id, account_user.is_active, account_user.role, account_user.clinic_id,
               account_user.token_version, practitioner.id AS practitioner_id, patient.id AS patient_id
        FROM account_user
        LEFT JOIN practitioner ON practitioner.user_id = account_user.id AND practitioner.active
        LEFT JOIN patient ON patient.user_id = account_user.id
    """,
}


class Migration(migrations.Migration):
    dependencies = [("changefeed", "0002_triggers_number_every_change")]
    operations = [
        migrations.RunSQL([f"CREATE VIEW {name} AS {select}"], [f"DROP VIEW {name}"]) for name, select in VIEWS.items()
    ]
