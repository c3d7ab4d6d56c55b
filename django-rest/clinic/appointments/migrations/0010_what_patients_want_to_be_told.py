from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("appointments", "0009_patients_are_found_by_an_index_alone"),
    ]

    operations = [
        migrations.AddField(
            model_name="patient",
            name="language",
            field=models.CharField(
                blank=True,
                choices=[("en", "English"), ("de", "Deutsch")],
                db_default="",
                default="",
                help_text="of what they are told; empty: the clinic's",
                max_length=7,
            ),
        ),
        migrations.AddField(
            model_name="patient",
            name="wants_email",
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.AddField(
            model_name="patient",
            name="wants_reminders",
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.AddField(
            model_name="patient",
            name="wants_sms",
            field=models.BooleanField(db_default=True, default=True),
        ),
    ]
