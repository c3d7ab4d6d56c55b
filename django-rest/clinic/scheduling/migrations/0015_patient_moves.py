from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0014_guests_verify_phone")]

    operations = [
        migrations.AddField(
            model_name="clinic",
            name="patient_moves",
            field=models.CharField(
                choices=[("off", "Off"), ("request", "Request"), ("direct", "Direct")],
                db_default="direct",
                default="direct",
                help_text="whether patients move their visits themselves, ask the desk to, or call",
                max_length=7,
            ),
        ),
    ]
