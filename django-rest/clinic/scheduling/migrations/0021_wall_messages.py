from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scheduling", "0020_holds_are_renewed_once"),
    ]

    operations = [
        migrations.AddField(
            model_name="clinic",
            name="wall_messages",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="what walls in waiting rooms say to everybody, a message a line",
                max_length=500,
            ),
        ),
    ]
