from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("outbox", "0006_own_wording"),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="failures",
            field=models.PositiveSmallIntegerField(
                db_default=0,
                default=0,
                help_text="attempts that came to an end; the others' workers were killed",
            ),
        ),
    ]
