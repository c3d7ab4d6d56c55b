from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("appointments", "0022_references_and_arrivals"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="appointment",
            index=models.Index(fields=["clinic", "requested_start"], name="appointment_clinic_asked"),
        ),
    ]
