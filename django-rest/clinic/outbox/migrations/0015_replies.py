import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messaging", "0004_who_answers"), ("outbox", "0014_steps_of_messages")]

    operations = [
        migrations.AddField(
            "message",
            "received",
            models.ForeignKey(
                db_constraint=False,
                help_text="of a reply: the SMS that it answers",
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="replies",
                to="messaging.inboundmessage",
            ),
        ),
        migrations.AlterField(
            "message",
            "kind",
            models.CharField(
                blank=True,
                choices=[
                    ("change", "Change"),
                    ("reminder", "Reminder"),
                    ("day", "Day"),
                    ("offer", "Offer"),
                    ("reply", "Reply"),
                    ("clinic", "Clinic"),
                    ("desk", "Desk"),
                    ("account", "Account"),
                ],
                db_default="",
                default="",
                help_text="empty: of an earlier version, and not known",
                max_length=8,
            ),
        ),
    ]
