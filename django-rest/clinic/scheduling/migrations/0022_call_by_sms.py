from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scheduling", "0021_wall_messages"),
    ]

    operations = [
        migrations.AddField(
            model_name="clinic",
            name="call_by_sms",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="whether patients who are called in get an SMS, beside the app and web push",
            ),
        ),
    ]
