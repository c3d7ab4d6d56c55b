from typing import Any

from django.db import migrations, models

STEP: dict[str, Any] = {
    "blank": True,
    "db_collation": "utf8mb4_bin",
    "db_default": "",
    "db_index": True,
    "default": "",
    "max_length": 22,
}


class Migration(migrations.Migration):
    dependencies = [("outbox", "0013_kinds_causes_and_references")]

    operations = [
        migrations.AddField(
            "message",
            "step",
            models.CharField(**STEP, help_text="the change of appointments that it tells of, as in their history"),
        ),
        migrations.AddField(
            "message",
            "withdrawn_by",
            models.CharField(**STEP, help_text="the step that made it untrue: undone, it is sent after all"),
        ),
        # Told by the step: a message about several visits, too, comes back when that is undone.
        migrations.RemoveField("message", "replaced_by_version"),
    ]
