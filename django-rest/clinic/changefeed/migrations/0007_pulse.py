"""The pulse: a row that the writing side updates once a second, so that a stream which reads a replica sees when the
replica has stopped following. It takes no number: nothing that is shown depends on it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("changefeed", "0006_notifications")]
    operations = [
        migrations.CreateModel(
            name="StreamPulse",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
            ],
            options={"db_table": "stream_pulse"},
        ),
        migrations.RunSQL(["CREATE VIEW live_pulse AS SELECT at FROM stream_pulse"], ["DROP VIEW live_pulse"]),
    ]
