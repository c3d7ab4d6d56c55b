from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("waitlist", "0001_entries_and_offers")]

    operations = [
        migrations.AddField(
            model_name="waitlistoffer",
            name="told_at",
            field=models.DateTimeField(
                help_text="not before: until then the step that freed it can be undone", null=True
            ),
        ),
    ]
