from django.db import migrations, models

import clinic.scheduling.models


class Migration(migrations.Migration):
    dependencies = [
        ("scheduling", "0018_absences_and_delays"),
    ]

    operations = [
        migrations.AddField(
            model_name="clinic",
            name="embed_origins",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="web sites that may show the booking page within theirs, as https://www.example.org, by commas",
                max_length=1000,
                validators=[clinic.scheduling.models.validate_origins],
            ),
        ),
    ]
