from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("appointments", "0025_lists_are_indexed"),
        ("scheduling", "0022_call_by_sms"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="appointment",
            index=models.Index(fields=["practitioner", "patient"], name="appointment_pract_patient"),
        ),
        migrations.AddIndex(
            model_name="appointmentevent",
            index=models.Index(fields=["clinic", "action", "at"], name="appointment_event_clinic_act"),
        ),
        migrations.AddIndex(
            model_name="appointmentevent",
            index=models.Index(fields=["practitioner_id", "action", "at"], name="appointment_event_pract_act"),
        ),
    ]
