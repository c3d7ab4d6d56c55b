from django.db import migrations, models

INDEXES = {
    "appointment_clinic_date": ["clinic", "local_date", "status", "deleted_at"],
    "appointment_clinic_status": ["clinic", "status", "starts_at", "deleted_at"],
    "appointment_clinic_active": ["clinic", "is_active", "starts_at", "id", "status", "deleted_at"],
    "appointment_pract_date": ["practitioner", "local_date", "status", "deleted_at"],
}


class Migration(migrations.Migration):
    dependencies = [("appointments", "0012_offset_at_the_start")]

    operations = [
        migrations.AddField(
            model_name="appointment",
            name="deleted_at",
            field=models.DateTimeField(
                editable=False,
                help_text="by the clinic, which no longer sees it; its patient sees it as cancelled",
                null=True,
            ),
        ),
        migrations.AddConstraint(
            model_name="appointment",
            constraint=models.CheckConstraint(
                condition=models.Q(("deleted_at__isnull", True), ("status", "cancelled"), _connector="OR"),
                name="appointment_deleted_is_cancelled",
            ),
        ),
        *(
            operation
            for name, fields in INDEXES.items()
            for operation in (
                migrations.RemoveIndex(model_name="appointment", name=name),
                migrations.AddIndex(model_name="appointment", index=models.Index(fields=fields, name=name)),
            )
        ),
    ]
