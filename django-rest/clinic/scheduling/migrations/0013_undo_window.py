import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0012_mail_new_requests")]

    operations = [
        migrations.AddField(
            model_name="clinic",
            name="undo_seconds",
            field=models.PositiveSmallIntegerField(
                db_default=10,
                default=10,
                help_text="how long a step can be undone, and its messages wait; 0: not at all",
                validators=[django.core.validators.MaxValueValidator(120)],
            ),
        ),
        migrations.AddField(
            model_name="hold",
            name="kept_for_undo",
            field=models.BooleanField(
                db_default=False,
                default=False,
                editable=False,
                help_text="time that the clinic freed, until this can no longer be undone; the desk may book it",
            ),
        ),
    ]
