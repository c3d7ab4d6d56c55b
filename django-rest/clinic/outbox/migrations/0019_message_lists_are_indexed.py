from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("appointments", "0026_history_and_own_patients_are_indexed"),
        ("messaging", "0004_who_answers"),
        ("outbox", "0018_unsettled_messages"),
        ("scheduling", "0022_call_by_sms"),
        ("waitlist", "0003_worker_finds_what_is_due"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="message",
            name="message_clinic_state",
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["clinic", "channel", "state", "created_at"], name="message_clinic_found"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["clinic", "recipient", "created_at"], name="message_clinic_recipient"),
        ),
    ]
