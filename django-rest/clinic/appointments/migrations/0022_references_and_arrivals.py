"""Every visit has a reference. Existing visits get one, batch by batch; the references of guests stay.

And columns for the day of the visit, for a move that the patient asks for, and for the patient's own words."""

from collections.abc import Iterator
from typing import Any

from django.db import migrations, models

from clinic.appointments.references import new_reference, reference_by_the_database

# Each row that changes takes the clinic's next number, which stays locked until the statement's end.
BATCH = 500
COLUMN = "ALTER TABLE appointment MODIFY reference VARCHAR(32) COLLATE utf8mb4_bin"
RANDOM = "LEFT(REPLACE(REPLACE(TO_BASE64(RANDOM_BYTES(18)), '+', '-'), '/', '_'), 22)"
REQUIRED = [f"{COLUMN} NOT NULL", f"ALTER TABLE appointment ALTER COLUMN reference SET DEFAULT ({RANDOM})"]
OPTIONAL = f"{COLUMN} NULL"


def fill_in(apps: Any, schema_editor: Any) -> None:
    appointment = apps.get_model("appointments", "Appointment")
    for clinic_id in apps.get_model("scheduling", "Clinic").objects.values_list("pk", flat=True):
        rows = appointment.objects.filter(clinic_id=clinic_id, reference__isnull=True)
        for ids in batches(list(rows.order_by("pk").values_list("pk", flat=True))):
            # Evaluated by the server for each row.
            rows.filter(pk__in=ids).update(reference=reference_by_the_database())


def batches(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]


class Migration(migrations.Migration):
    dependencies = [("appointments", "0021_alert")]

    operations = [
        migrations.AddField(
            model_name="appointment",
            name="arrived_at",
            field=models.DateTimeField(blank=True, editable=False, help_text="by the patient: I am here", null=True),
        ),
        migrations.AddField(
            model_name="appointment",
            name="called_at",
            field=models.DateTimeField(blank=True, editable=False, help_text="please come in", null=True),
        ),
        migrations.AddField(
            model_name="appointment",
            name="request_note",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="the patient's own words at booking, which both sides see",
                max_length=1000,
            ),
        ),
        migrations.AddField(
            model_name="appointment",
            name="requested_start",
            field=models.DateTimeField(
                blank=True, editable=False, help_text="to which the patient asks the desk to move it", null=True
            ),
        ),
        migrations.AddField(
            model_name="appointment",
            name="room",
            field=models.CharField(
                blank=True, db_default="", default="", help_text="into which it is called", max_length=60
            ),
        ),
        migrations.RunPython(fill_in, migrations.RunPython.noop),
        migrations.SeparateDatabaseAndState(
            # By statements of our own: the ORM's would lose the collation.
            [migrations.RunSQL(";\n".join(REQUIRED), OPTIONAL)],
            [
                migrations.AlterField(
                    model_name="appointment",
                    name="reference",
                    field=models.CharField(
                        db_collation="utf8mb4_bin",
                        db_default=reference_by_the_database(),
                        default=new_reference,
                        editable=False,
                        help_text="in the address by which it is seen, moved and cancelled without signing in",
                        max_length=32,
                        unique=True,
                    ),
                ),
            ],
        ),
    ]
