from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0012_expired_tokens_are_found"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("scheduling", "0022_call_by_sms"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="user",
            index=models.Index(fields=["clinic", "role"], name="account_user_clinic_role"),
        ),
    ]
