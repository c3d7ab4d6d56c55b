from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("appointments", "0020_overlapping_visits_are_marked")]

    operations = [
        migrations.AddField(
            "patient",
            "alert",
            models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="shown first, to the clinic alone: an allergy, a need for help",
                max_length=500,
            ),
        )
    ]
