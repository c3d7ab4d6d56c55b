from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("appointments", "0024_worker_finds_what_is_due"),
        ("scheduling", "0022_call_by_sms"),
    ]

    operations = [
        migrations.AddField(
            model_name="appointment",
            name="list_group",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Case(
                    models.When(deleted_at__isnull=False, then=models.Value(None)),
                    models.When(status="pending", then=models.Value(0)),
                    models.When(status="confirmed", then=models.Value(1)),
                    models.When(status="checked_in", then=models.Value(2)),
                    models.When(status="completed", then=models.Value(3)),
                    models.When(status="no_show", then=models.Value(4)),
                    models.When(status="cancelled", then=models.Value(5)),
                    models.When(status="rejected", then=models.Value(6)),
                ),
                output_field=models.SmallIntegerField(null=True),
            ),
        ),
        migrations.AddIndex(
            model_name="appointment",
            index=models.Index(fields=["clinic", "list_group", "starts_at"], name="appointment_clinic_by_start"),
        ),
        migrations.AddIndex(
            model_name="appointment",
            index=models.Index(fields=["clinic", "list_group", "created_at"], name="appointment_clinic_by_creation"),
        ),
        migrations.AddIndex(
            model_name="appointment",
            index=models.Index(fields=["clinic", "list_group", "updated_at"], name="appointment_clinic_by_change"),
        ),
        migrations.AddIndex(
            model_name="appointment",
            index=models.Index(fields=["practitioner", "list_group", "starts_at"], name="appointment_pract_by_start"),
        ),
        migrations.AddIndex(
            model_name="appointment",
            index=models.Index(
                fields=["practitioner", "list_group", "created_at"], name="appointment_pract_by_creation"
            ),
        ),
        migrations.AddIndex(
            model_name="appointment",
            index=models.Index(fields=["practitioner", "list_group", "updated_at"], name="appointment_pract_by_change"),
        ),
    ]
