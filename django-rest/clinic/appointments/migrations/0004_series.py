import django.db.models.deletion
from django.db import migrations, models

# The column has been there from the start, and a published view shows it: it only gains its constraint and index.
CONSTRAIN = "ALTER TABLE appointment ADD CONSTRAINT appointment_series FOREIGN KEY (series_id) REFERENCES series (id)"
UNCONSTRAIN = "ALTER TABLE appointment DROP FOREIGN KEY appointment_series, DROP KEY appointment_series"
FORGET = "UPDATE appointment SET series_id = NULL WHERE series_id IS NOT NULL"


class Migration(migrations.Migration):
    dependencies = [
        ("appointments", "0003_phone_code"),
        ("scheduling", "0002_holds_claim_cells"),
    ]

    operations = [
        migrations.CreateModel(
            name="Series",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "frequency",
                    models.CharField(
                        choices=[("weekly", "weekly"), ("biweekly", "biweekly"), ("monthly", "monthly")], max_length=8
                    ),
                ),
                ("count", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("until", models.DateField(blank=True, help_text="the last date, included", null=True)),
                (
                    "weekdays",
                    models.JSONField(blank=True, default=list, help_text="0 = Monday; empty: the first date's"),
                ),
                ("first_date", models.DateField()),
                ("start_local", models.TimeField(help_text="the clinic's wall time on every date")),
                ("notes", models.TextField(blank=True, default="", max_length=4000)),
                ("version", models.PositiveIntegerField(default=1)),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
                (
                    "clinic",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="series", to="scheduling.clinic"
                    ),
                ),
                (
                    "patient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="series", to="appointments.patient"
                    ),
                ),
                (
                    "practitioner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="series", to="scheduling.practitioner"
                    ),
                ),
                (
                    "service",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="series",
                        to="scheduling.service",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "series",
                "db_table": "series",
                "ordering": ["id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("count__isnull", False), ("until__isnull", True)),
                            models.Q(("count__isnull", True), ("until__isnull", False)),
                            _connector="OR",
                        ),
                        name="series_count_or_until",
                    )
                ],
            },
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveField(model_name="appointment", name="series_id"),
                migrations.AddField(
                    model_name="appointment",
                    name="series",
                    field=models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="appointments",
                        to="appointments.series",
                    ),
                ),
            ],
            database_operations=[
                migrations.RunSQL([FORGET, CONSTRAIN], [UNCONSTRAIN]),
            ],
        ),
    ]
