"""The time of a head's newest change, by an index: the stream finds the heads that moved, however many clinics it watches.

It is the time of the statement that took the number, so a head becomes visible later than its time says: by as long as
the statement waited for the head's lock, and as the transaction stayed open after it.
"""

from importlib import import_module

from django.db import migrations, models

FORMER_VIEW = import_module("clinic.changefeed.migrations.0003_live_views").VIEWS["live_head"]
TRIGGER = """
    CREATE TRIGGER stream_head_changed_on_update BEFORE UPDATE ON stream_head
    FOR EACH ROW SET NEW.changed_at = UTC_TIMESTAMP(6)
"""
VIEW = """
    SELECT head.clinic_id, head.seq, epoch.epoch, head.changed_at
    FROM stream_head head JOIN stream_epoch epoch ON epoch.id = 1
"""


class Migration(migrations.Migration):
    dependencies = [("changefeed", "0016_wall_devices")]
    operations = [
        migrations.AddField("streamhead", "changed_at", models.DateTimeField(null=True)),
        migrations.AddIndex("streamhead", models.Index(fields=["changed_at"], name="stream_head_changed_at")),
        migrations.RunSQL([TRIGGER], ["DROP TRIGGER stream_head_changed_on_update"]),
        migrations.RunSQL(
            [f"CREATE OR REPLACE VIEW live_head AS {VIEW}"], [f"CREATE OR REPLACE VIEW live_head AS {FORMER_VIEW}"]
        ),
    ]
