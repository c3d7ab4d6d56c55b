import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scheduling", "0005_versions"),
    ]

    operations = [
        migrations.AddField(
            model_name="clinic",
            name="language",
            field=models.CharField(
                choices=[("en", "English"), ("de", "Deutsch")],
                db_default="en",
                default="en",
                help_text="of messages to patients who have not chosen one, and to the clinic",
                max_length=7,
            ),
        ),
        migrations.AddField(
            model_name="clinic",
            name="quiet_from",
            field=models.TimeField(blank=True, help_text="from when on what can wait is not sent", null=True),
        ),
        migrations.AddField(
            model_name="clinic",
            name="quiet_until",
            field=models.TimeField(blank=True, help_text="when it is sent", null=True),
        ),
        migrations.AddField(
            model_name="clinic",
            name="reminder_minutes",
            field=models.CharField(
                blank=True,
                db_default="1440,180",
                default="1440,180",
                help_text="how long before the start patients are reminded, by commas; empty: not at all",
                max_length=60,
                validators=[
                    django.core.validators.RegexValidator(
                        "^(\\d{2,5}(, ?\\d{2,5})*)?$", "minutes, by commas: 1440, 180"
                    )
                ],
            ),
        ),
    ]
