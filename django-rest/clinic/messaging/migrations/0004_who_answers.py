"""An SMS for the desk waits until somebody answers it or puts it aside. Of those from before, the last two weeks wait."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FILL_IN = """
    UPDATE inbound_message SET phone = SUBSTRING_INDEX(sender, ':', -1), for_desk = (
      clinic_id IS NOT NULL AND outcome = 'not understood' AND TRIM(body) <> ''
      AND received_at > UTC_TIMESTAMP(6) - INTERVAL 14 DAY
    )
"""


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0003_intents_for_offers"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            "inboundmessage",
            "phone",
            models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="the sender's number as the clinic's records have it",
                max_length=64,
            ),
        ),
        migrations.AddField(
            "inboundmessage",
            "for_desk",
            models.BooleanField(db_default=False, default=False, help_text="a person has to read it"),
        ),
        migrations.AddField(
            "inboundmessage",
            "settled_at",
            models.DateTimeField(help_text="of one for the desk: when it was answered or put aside", null=True),
        ),
        migrations.AddField(
            "inboundmessage",
            "settled_by",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            "inboundmessage",
            "settled_by_reply",
            models.BigIntegerField(help_text="the message that answered it; empty: put aside", null=True),
        ),
        migrations.AddIndex(
            "inboundmessage", models.Index(fields=["clinic", "phone", "received_at"], name="inbound_clinic_phone")
        ),
        migrations.AddIndex(
            "inboundmessage", models.Index(fields=["clinic", "for_desk", "settled_at"], name="inbound_clinic_waiting")
        ),
        migrations.RunSQL(FILL_IN, migrations.RunSQL.noop),
    ]
