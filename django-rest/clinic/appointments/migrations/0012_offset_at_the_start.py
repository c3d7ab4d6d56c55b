from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("appointments", "0011_newest_booking_of_a_practitioner_is_indexed")]

    operations = [
        migrations.AddField(
            model_name="appointment",
            name="utc_offset_minutes",
            field=models.SmallIntegerField(
                editable=False,
                help_text="the clinic's offset from UTC at starts_at, by the zone rules at the time of booking; "
                "empty: unknown",
                null=True,
            ),
        ),
    ]
