from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("outbox", "0004_delivery_count"),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="attachment",
            field=models.JSONField(help_text="of a mail: what Attachment holds", null=True),
        ),
        migrations.AddField(
            model_name="message",
            name="language",
            field=models.CharField(db_default="en", default="en", help_text="of its words", max_length=7),
        ),
        migrations.AddField(
            model_name="message",
            name="reported_at",
            field=models.DateTimeField(help_text="when the clinic was told that it cannot be delivered", null=True),
        ),
    ]
