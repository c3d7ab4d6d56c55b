from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("outbox", "0001_message")]
    operations = [
        migrations.AddField(
            model_name="message",
            name="read_at",
            field=models.DateTimeField(help_text="a notification's: when its user had seen it", null=True),
        ),
        # The new ones first: the foreign key to the user rests on an index that begins with it.
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["user", "channel", "sent_at"], name="message_user_sent"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["user", "channel", "read_at"], name="message_user_read"),
        ),
        migrations.RemoveIndex(model_name="message", name="message_user_channel"),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("channel", "in_app"), ("state", "delivered"), _negated=True),
                    ("sent_at__isnull", False),
                    _connector="OR",
                ),
                name="message_shown_since",
            ),
        ),
    ]
