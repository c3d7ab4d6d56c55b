from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ops", "0002_probe_canary")]

    operations = [
        migrations.CreateModel(
            name="WorkerProcess",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="host and process id", max_length=80, unique=True)),
                ("seen_at", models.DateTimeField(db_index=True)),
                ("clock_skew_seconds", models.FloatField(help_text="its own clock minus the database's")),
            ],
            options={
                "db_table": "worker_process",
                "ordering": ["name"],
            },
        ),
    ]
