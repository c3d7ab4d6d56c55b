from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("appointments", "0026_history_and_own_patients_are_indexed"),
        ("scheduling", "0022_call_by_sms"),
        ("waitlist", "0003_worker_finds_what_is_due"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="waitlistentry",
            index=models.Index(
                fields=["clinic", "state", "-priority", "created_at"], name="waitlist_entry_clinic_order"
            ),
        ),
        migrations.AddIndex(
            model_name="waitlistentry",
            index=models.Index(
                fields=["practitioner", "state", "-priority", "created_at"], name="waitlist_entry_pract_order"
            ),
        ),
    ]
