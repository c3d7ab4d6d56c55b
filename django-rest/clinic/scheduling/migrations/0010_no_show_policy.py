from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0009_absences_nights_and_alternating_weeks")]

    operations = [
        migrations.AddField(
            model_name="clinic",
            name="auto_no_show",
            field=models.BooleanField(
                db_default=True,
                default=True,
                help_text="whether patients who are not checked in are marked as missed, "
                "`no_show_after_minutes` after the start",
            ),
        ),
        migrations.AddField(
            model_name="clinic",
            name="no_show_message",
            field=models.BooleanField(
                db_default=True,
                default=True,
                help_text="whether patients are told that they missed a visit, one hour later",
            ),
        ),
    ]
