from typing import Any

from django.db import migrations, models

STEP: dict[str, Any] = {"blank": True, "db_default": "", "default": "", "max_length": 22}


class Migration(migrations.Migration):
    dependencies = [("appointments", "0016_birth_date")]

    operations = [
        migrations.AddField("appointmentevent", "former", models.JSONField(null=True)),
        migrations.AddField(
            "appointmentevent",
            "step",
            models.CharField(
                **STEP,
                db_collation="utf8mb4_bin",
                db_index=True,
                help_text="the same for all that was changed in one step, of several appointments too",
            ),
        ),
        migrations.AddField(
            "series",
            "former",
            models.JSONField(editable=False, help_text="values before the newest step, to undo it", null=True),
        ),
        migrations.AddField("series", "last_step", models.CharField(**STEP, editable=False)),
    ]
